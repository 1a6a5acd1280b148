//! The values of one bucket, as slices of the response.

use std::iter::FusedIterator;

use bytes::Bytes;
use prost::DecodeError as ProstError;

use super::walk::{self, Field};

/// Field number of a bucket's elements, and of the bytes in an element.
pub(super) const ELEMENT: u32 = 5;
const VALUE: u32 = 1;
const ELEMENT_KEY: u8 = 0x2a;
const VALUE_KEY: u8 = 0x0a;

/// The value in an encoded `PbValue`. The last of several counts.
#[inline]
pub(super) fn last(element: &[u8]) -> Result<Option<&[u8]>, ProstError> {
    // One value of less than 128 bytes and nothing else, or nothing at all.
    if let [0x0a, length, value @ ..] = element
        && *length < 0x80
        && value.len() == usize::from(*length)
    {
        return Ok(Some(value));
    }
    let mut rest = element;
    let mut found = None;
    while !rest.is_empty() {
        match walk::next(&mut rest)? {
            Field::Bytes(VALUE, value) => found = Some(value),
            Field::Number(VALUE, _) | Field::Other(VALUE) => return Err(walk::wrong_wire_type()),
            _ => {}
        }
    }
    Ok(found)
}

/// The contents of the first element of a bucket, and the rest, if it has the form that nearly all have: less than
/// 128 bytes with one value and nothing else, or with nothing.
#[inline]
pub(super) fn plain(rest: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let [ELEMENT_KEY, length, behind @ ..] = rest else {
        return None;
    };
    if *length == 0 {
        return Some((None, behind));
    }
    let (element, behind) = behind.split_at_checked(usize::from(*length))?;
    match element {
        // Of two lengths that differ by the two bytes before the value, neither takes a second byte if one does not.
        [VALUE_KEY, length, value @ ..]
            if usize::from(*length) == value.len() && *length < 0x80 - 2 =>
        {
            Some((Some(value), behind))
        }
        _ => None,
    }
}

/// Counts the values in an encoded `PbValueList`.
pub(super) fn each(element: &[u8]) -> Result<usize, ProstError> {
    let mut rest = element;
    let mut count = 0;
    while !rest.is_empty() {
        match walk::next(&mut rest)? {
            Field::Bytes(VALUE, _) => count += 1,
            Field::Number(VALUE, _) | Field::Other(VALUE) => return Err(walk::wrong_wire_type()),
            _ => {}
        }
    }
    Ok(count)
}

/// Elements of a bucket that was checked.
#[derive(Debug, Clone)]
struct Elements<'a> {
    contents: &'a Bytes,
    rest: &'a [u8],
    left: usize,
}

impl<'a> Elements<'a> {
    fn new(contents: &'a Bytes, first: usize, count: usize) -> Self {
        Self {
            contents,
            rest: contents.get(first..).unwrap_or_default(),
            left: count,
        }
    }

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        loop {
            // Every step was taken before, and went well.
            match walk::next(&mut self.rest).ok()? {
                Field::Bytes(ELEMENT, element) => return Some(element),
                _ if self.rest.is_empty() => return None,
                _ => {}
            }
        }
    }
}

/// Iterator over the value of each key, returned by [`BucketAnswer::values`](super::BucketAnswer::values).
#[derive(Debug, Clone)]
pub struct Values<'a>(Elements<'a>);

impl<'a> Values<'a> {
    pub(super) fn new(contents: &'a Bytes, first: usize, count: usize) -> Self {
        Self(Elements::new(contents, first, count))
    }
}

impl Iterator for Values<'_> {
    type Item = Option<Bytes>;

    #[inline]
    fn next(&mut self) -> Option<Option<Bytes>> {
        let elements = &mut self.0;
        let value = match plain(elements.rest) {
            Some((value, behind)) if elements.left > 0 => {
                elements.left -= 1;
                elements.rest = behind;
                value
            }
            _ => last(elements.next()?).ok().flatten(),
        };
        Some(value.map(|value| elements.contents.slice_ref(value)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left, Some(self.0.left))
    }
}

impl ExactSizeIterator for Values<'_> {}
impl FusedIterator for Values<'_> {}

/// Iterator over the values of each prefix, returned by [`BucketAnswer::values`](super::BucketAnswer::values).
#[derive(Debug, Clone)]
pub struct PrefixValues<'a>(Elements<'a>);

impl<'a> PrefixValues<'a> {
    pub(super) fn new(contents: &'a Bytes, first: usize, count: usize) -> Self {
        Self(Elements::new(contents, first, count))
    }
}

impl Iterator for PrefixValues<'_> {
    type Item = ValueList;

    fn next(&mut self) -> Option<ValueList> {
        let element = self.0.next()?;
        Some(ValueList {
            contents: self.0.contents.slice_ref(element),
            at: 0,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.left, Some(self.0.left))
    }
}

impl ExactSizeIterator for PrefixValues<'_> {}
impl FusedIterator for PrefixValues<'_> {}

/// The values of one prefix, still encoded. Iterate over it to get them.
#[derive(Debug, Clone, Default)]
pub struct ValueList {
    contents: Bytes,
    /// Where the next one is.
    at: usize,
}

impl ValueList {
    /// Counts the values that are left.
    pub fn count_values(&self) -> usize {
        each(self.rest()).unwrap_or(0)
    }

    fn rest(&self) -> &[u8] {
        self.contents.get(self.at..).unwrap_or_default()
    }
}

impl Iterator for ValueList {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut rest = self.rest();
        while !rest.is_empty() {
            if let Field::Bytes(VALUE, value) = walk::next(&mut rest).ok()? {
                let value = self.contents.slice_ref(value);
                self.at = self.contents.len() - rest.len();
                return Some(value);
            }
        }
        None
    }
}

impl FusedIterator for ValueList {}
