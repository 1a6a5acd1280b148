//! Bits that grow: of boolean values, and of which values are null.

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

/// A growing list of bits, the lowest bit of a byte first. Bits after the last one are 0.
#[derive(Debug, Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    #[inline]
    pub(super) fn push(&mut self, bit: bool) {
        let mask = u8::from(bit) << (self.len % 8);
        match self.bytes.last_mut() {
            Some(last) if !self.len.is_multiple_of(8) => *last |= mask,
            _ => self.bytes.push(mask),
        }
        self.len += 1;
    }

    /// Appends `count` bits that are set.
    fn push_set(&mut self, count: usize) {
        let end = self.len + count;
        if let Some(last) = self
            .bytes
            .last_mut()
            .filter(|_| !self.len.is_multiple_of(8))
        {
            *last |= 0xff << (self.len % 8);
        }
        self.bytes.resize(end.div_ceil(8), 0xff);
        self.len = end;
        self.clear_behind();
    }

    fn get(&self, index: usize) -> bool {
        bit(&self.bytes, index)
    }

    pub(super) fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
            self.bytes.truncate(len.div_ceil(8));
            self.clear_behind();
        }
    }

    fn clear_behind(&mut self) {
        let used = self.len % 8;
        if let Some(last) = self.bytes.last_mut().filter(|_| used != 0) {
            *last &= (1 << used) - 1;
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn take(&mut self) -> BooleanBuffer {
        let Self { bytes, len } = std::mem::take(self);
        BooleanBuffer::new(Buffer::from_vec(bytes), 0, len)
    }
}

/// A bit of a list of bits; unset after its end.
pub(super) fn bit(bytes: &[u8], index: usize) -> bool {
    bytes
        .get(index / 8)
        .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

/// Which values of a column are null. There are no bits as long as none is.
#[derive(Debug, Default)]
pub(super) struct Validity {
    len: usize,
    nulls: usize,
    bits: Option<Bits>,
}

impl Validity {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn nulls(&self) -> usize {
        self.nulls
    }

    #[inline]
    pub(super) fn push_valid(&mut self) {
        self.len += 1;
        if let Some(bits) = &mut self.bits {
            bits.push(true);
        }
    }

    #[inline]
    pub(super) fn push_null(&mut self) {
        let len = self.len;
        let bits = self.bits.get_or_insert_with(|| {
            let mut bits = Bits::default();
            bits.push_set(len);
            bits
        });
        bits.push(false);
        self.len += 1;
        self.nulls += 1;
    }

    /// Appends `len` values of which the set `bits` are valid; all are if there are no nulls.
    pub(super) fn extend(&mut self, len: usize, nulls: usize, valid: &[u8]) {
        if nulls > 0 {
            (0..len).for_each(|index| {
                if bit(valid, index) {
                    self.push_valid();
                } else {
                    self.push_null();
                }
            });
        } else {
            self.len += len;
            if let Some(bits) = &mut self.bits {
                bits.push_set(len);
            }
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        if let Some(bits) = &mut self.bits {
            self.nulls -= (len..self.len).filter(|index| !bits.get(*index)).count();
            bits.truncate(len);
        }
        self.len = self.len.min(len);
        if self.nulls == 0 {
            self.bits = None;
        }
    }

    /// Returns the bits as a message has them: nothing without nulls.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bits.as_ref().map_or(&[], Bits::as_slice)
    }

    pub(super) fn take(&mut self) -> Option<NullBuffer> {
        std::mem::take(self)
            .bits
            .map(|mut bits| NullBuffer::new(bits.take()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_there_from_the_first_null_on_and_go_with_the_last() {
        for valid_before in 0..20 {
            let mut validity = Validity::default();
            (0..valid_before).for_each(|_| validity.push_valid());
            assert!(validity.as_slice().is_empty());
            validity.push_null();
            validity.push_valid();
            assert_eq!((validity.len(), validity.nulls()), (valid_before + 2, 1));
            let expected: Vec<bool> = (0..valid_before + 2)
                .map(|index| index != valid_before)
                .collect();
            let bits: Vec<bool> = (0..validity.len())
                .map(|index| bit(validity.as_slice(), index))
                .collect();
            assert_eq!(bits, expected);
            validity.truncate(valid_before);
            assert_eq!((validity.len(), validity.nulls()), (valid_before, 0));
            assert!(validity.as_slice().is_empty());
        }
    }

    #[test]
    fn extending_is_the_same_as_pushing_one_by_one() {
        let pattern = [0b1010_0110_u8, 0b0001_1111, 0b1];
        for before in 0..10 {
            for len in 0..17 {
                let nulls = (0..len).filter(|index| !bit(&pattern, *index)).count();
                let (mut one, mut other) = (Validity::default(), Validity::default());
                for validity in [&mut one, &mut other] {
                    (0..before).for_each(|_| validity.push_valid());
                }
                one.extend(len, nulls, &pattern);
                one.extend(3, 0, &[]);
                (0..len).for_each(|index| {
                    if bit(&pattern, index) {
                        other.push_valid();
                    } else {
                        other.push_null();
                    }
                });
                (0..3).for_each(|_| other.push_valid());
                assert_eq!(one.as_slice(), other.as_slice());
                assert_eq!((one.len(), one.nulls()), (other.len(), other.nulls()));
            }
        }
    }
}
