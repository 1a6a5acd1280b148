//! Bytes to be sent, as a list of pieces, so that record batches are sent without a copy.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// Pieces up to this size are copied next to their neighbors: a slot in a vectored write costs more than the copy.
const INLINE_MAX: usize = 256;

/// A list of [`Bytes`] that is sent as if it were one.
///
/// Reads as a [`Buf`] with vectored chunks, so you can pass it to `AsyncWriteExt::write_all_buf` and
/// `Write::write_vectored`. Cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Segments {
    parts: VecDeque<Bytes>,
    /// What was appended last and is not a part yet.
    tail: BytesMut,
    /// Bytes in `parts`.
    len: usize,
}

impl Segments {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the total bytes of all pieces.
    pub fn len_bytes(&self) -> usize {
        self.len + self.tail.len()
    }

    /// Returns whether there is no byte at all.
    pub fn is_empty(&self) -> bool {
        self.len_bytes() == 0
    }

    /// Appends a piece. Only a small one (up to 256 bytes) is copied.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.len() <= INLINE_MAX {
            self.tail.extend_from_slice(&bytes);
        } else {
            self.seal();
            self.push_part(bytes);
        }
    }

    /// Returns the buffer for small parts (headers, keys, numbers) that follow what was appended so far.
    ///
    /// Only append to it.
    pub fn tail_mut(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Returns the pieces, for a vectored write.
    pub fn as_slices(&self) -> Vec<IoSlice<'_>> {
        self.parts
            .iter()
            .map(Bytes::as_ref)
            .chain((!self.tail.is_empty()).then_some(self.tail.as_ref()))
            .map(IoSlice::new)
            .collect()
    }

    /// Returns all in one piece: a copy, unless there is but one.
    pub fn into_bytes(mut self) -> Bytes {
        self.seal();
        if self.parts.len() > 1 {
            // for tools and tests; senders write the pieces
            self.copy_to_bytes(self.len)
        } else {
            self.parts.pop_front().unwrap_or_default()
        }
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.push_part(tail);
        }
    }

    fn push_part(&mut self, part: Bytes) {
        self.len += part.len();
        self.parts.push_back(part);
    }
}

impl IntoIterator for Segments {
    type Item = Bytes;
    type IntoIter = std::collections::vec_deque::IntoIter<Bytes>;

    fn into_iter(mut self) -> Self::IntoIter {
        self.seal();
        self.parts.into_iter()
    }
}

impl Buf for Segments {
    fn remaining(&self) -> usize {
        self.len_bytes()
    }

    fn chunk(&self) -> &[u8] {
        self.parts.front().map_or(self.tail.as_ref(), Bytes::as_ref)
    }

    fn chunks_vectored<'a>(&'a self, slots: &mut [IoSlice<'a>]) -> usize {
        let slices = self.parts.iter().map(Bytes::as_ref);
        let slices = slices.chain((!self.tail.is_empty()).then_some(self.tail.as_ref()));
        let mut filled = 0;
        for (slot, slice) in slots.iter_mut().zip(slices) {
            *slot = IoSlice::new(slice);
            filled += 1;
        }
        filled
    }

    /// # Panics
    ///
    /// If `count` is more than what remains, as [`Buf::advance`] demands.
    fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.parts.front_mut() {
            let step = count.min(front.len());
            front.advance(step);
            self.len -= step;
            count -= step;
            if !front.is_empty() {
                return;
            }
            self.parts.pop_front();
        }
        self.tail.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Segments, Vec<u8>) {
        let mut segments = Segments::new();
        segments.tail_mut().extend_from_slice(b"head");
        segments.push(Bytes::from(vec![7; 1000]));
        segments.push(Bytes::from_static(b"small"));
        segments.tail_mut().extend_from_slice(b"more");
        let flat = [&b"head"[..], &[7; 1000], b"small", b"more"].concat();
        (segments, flat)
    }

    #[test]
    fn pieces_come_out_in_the_order_they_were_put() {
        let (segments, flat) = sample();
        assert_eq!(segments.len_bytes(), flat.len());
        let slices = segments.as_slices();
        assert_eq!(
            slices.iter().map(|slice| slice.len()).collect::<Vec<_>>(),
            [4, 1000, 9]
        );
        assert_eq!(
            slices
                .iter()
                .flat_map(|slice| slice.iter().copied())
                .collect::<Vec<_>>(),
            flat
        );
        assert_eq!(
            segments.clone().into_iter().flatten().collect::<Vec<u8>>(),
            flat
        );
        assert_eq!(segments.into_bytes(), flat);
        assert!(Segments::new().is_empty());
        assert!(Segments::new().into_bytes().is_empty());
    }

    #[test]
    fn reading_in_steps_of_any_size_gives_the_same_bytes() {
        for step in [1, 3, 4, 5, 999, 1004, 1013] {
            let (mut segments, flat) = sample();
            let mut read = Vec::new();
            while segments.has_remaining() {
                let mut slots = [IoSlice::new(&[]), IoSlice::new(&[])];
                assert!(segments.chunks_vectored(&mut slots) > 0);
                assert_eq!(&*slots[0], segments.chunk());
                let step = step.min(segments.chunk().len());
                read.extend_from_slice(&segments.chunk()[..step]);
                segments.advance(step);
            }
            assert_eq!(read, flat, "in steps of {step}");
        }
    }

    #[test]
    fn a_large_piece_is_not_copied() {
        let piece = Bytes::from(vec![1; INLINE_MAX + 1]);
        let mut segments = Segments::new();
        segments.push(piece.clone());
        assert_eq!(segments.chunk().as_ptr(), piece.as_ptr());
    }
}
