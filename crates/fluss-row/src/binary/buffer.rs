//! Buffers for encoders.

use std::ops::DerefMut;

use bytes::BytesMut;

mod sealed {
    pub trait Sealed {}
    impl Sealed for Vec<u8> {}
    impl Sealed for bytes::BytesMut {}
}

/// A growable buffer that encoders append to: `Vec<u8>` or `BytesMut`.
///
/// If an encoder fails, the buffer is unchanged.
pub trait RowBuffer: DerefMut<Target = [u8]> + sealed::Sealed {
    /// Appends bytes.
    fn put(&mut self, bytes: &[u8]);
    /// Appends `count` zero bytes.
    fn put_zeros(&mut self, count: usize);
    /// Drops everything from `len` on.
    fn cut(&mut self, len: usize);
    /// Makes room for `additional` bytes.
    fn make_room(&mut self, additional: usize);
}

impl RowBuffer for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    #[inline]
    fn put_zeros(&mut self, count: usize) {
        self.resize(self.len() + count, 0);
    }
    #[inline]
    fn cut(&mut self, len: usize) {
        self.truncate(len);
    }
    #[inline]
    fn make_room(&mut self, additional: usize) {
        self.reserve(additional);
    }
}

impl RowBuffer for BytesMut {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    #[inline]
    fn put_zeros(&mut self, count: usize) {
        self.resize(self.len() + count, 0);
    }
    #[inline]
    fn cut(&mut self, len: usize) {
        self.truncate(len);
    }
    #[inline]
    fn make_room(&mut self, additional: usize) {
        self.reserve(additional);
    }
}

/// Appends the first `len` bytes of an array: all of it at once, which is a few stores, and then forgets
/// the rest. Cheaper than a copy of variable length.
#[inline]
pub(crate) fn put_part<B: RowBuffer + ?Sized, const N: usize>(
    out: &mut B,
    array: &[u8; N],
    len: usize,
) {
    let end = out.len() + len;
    out.put(array);
    out.cut(end);
}
