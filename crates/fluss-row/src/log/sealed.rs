//! A complete batch that is ready to be sent.

use bytes::{Bytes, BytesMut};

use super::header::{self, LogBatchHeader, LogMagic};

/// A complete log batch that still needs a writer id and sequence: when it is first sent, and again if a retry needs
/// different ones.
#[derive(Debug, Clone)]
pub struct SealedLogBatch {
    bytes: Bytes,
    magic: LogMagic,
    record_count: usize,
    uncompressed_bytes: usize,
    rest_crc: Option<(u32, usize)>,
}

impl SealedLogBatch {
    /// Ends a batch whose bytes begin with room for its header.
    pub(super) fn new(
        mut bytes: Vec<u8>,
        header: LogBatchHeader,
        uncompressed_bytes: usize,
    ) -> Self {
        let header = LogBatchHeader {
            size_bytes: bytes.len(),
            ..header
        };
        let mut encoded = Vec::with_capacity(header.magic.header_bytes());
        header.encode(&mut encoded);
        if let Some(place) = bytes.get_mut(..encoded.len()) {
            place.copy_from_slice(&encoded);
        }
        if bytes.capacity() > 2 * bytes.len() {
            // Room was made for what does not compress.
            bytes.shrink_to_fit();
        }
        let rest_crc = header::rest_crc(header.magic, &bytes);
        let mut batch = Self {
            bytes: Bytes::from(bytes),
            magic: header.magic,
            record_count: header.record_count(),
            uncompressed_bytes,
            rest_crc,
        };
        batch.stamp(header.writer_id, header.sequence);
        batch
    }

    /// Sets writer id and sequence (-1 for none) and the checksum, and returns the bytes to send.
    ///
    /// The checksum of a large batch is not computed over all its bytes again, and the batch is copied only if the
    /// bytes of an earlier stamp are still in use.
    pub fn stamp(&mut self, writer_id: i64, sequence: i32) -> Bytes {
        let mut bytes = match std::mem::take(&mut self.bytes).try_into_mut() {
            Ok(bytes) => bytes,
            // An earlier request still holds them, and must not see them change.
            Err(shared) => BytesMut::from(&*shared),
        };
        header::stamp(self.magic, &mut bytes, writer_id, sequence, self.rest_crc);
        self.bytes = bytes.freeze();
        self.bytes.clone()
    }

    /// Returns the bytes as last stamped; without writer id if they never were.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the bytes of the batch.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that the batch had before compression, as its builder counted them: to learn how well rows compress.
    pub fn uncompressed_bytes(&self) -> usize {
        self.uncompressed_bytes
    }

    /// Returns the number of records.
    pub fn record_count(&self) -> usize {
        self.record_count
    }
}
