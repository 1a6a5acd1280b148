//! The log of one bucket in memory.

use bytes::{Bytes, BytesMut};

/// Whole batches, each with its base offset set as a server sets it.
#[derive(Debug, Default)]
pub(crate) struct BucketLog {
    batches: Vec<Stored>,
    end: i64,
    /// Offset before which the log was deleted.
    pub(crate) start: i64,
}

#[derive(Debug)]
struct Stored {
    base: i64,
    next: i64,
    bytes: Bytes,
}

impl BucketLog {
    /// Appends a batch of `rows` rows, built with base offset 0.
    pub(crate) fn append(&mut self, rows: i64, batch: &Bytes) {
        let mut bytes = BytesMut::from(&batch[..]);
        bytes[..8].copy_from_slice(&self.end.to_le_bytes());
        let next = self.end + rows.max(1);
        self.batches.push(Stored {
            base: self.end,
            next,
            bytes: bytes.freeze(),
        });
        self.end = next;
    }

    /// Flips a bit in the last byte of the last batch.
    pub(crate) fn corrupt_last(&mut self) {
        let last = self.batches.last_mut().unwrap();
        let mut bytes = BytesMut::from(&last.bytes[..]);
        let end = bytes.len() - 1;
        bytes[end] ^= 1;
        last.bytes = bytes.freeze();
    }

    pub(crate) fn end_offset(&self) -> i64 {
        self.end
    }

    /// A piece from the batch that holds `offset` on, cut at `limit`, but the first batch whole if `first`.
    pub(crate) fn read(&self, offset: i64, limit: usize, first: bool) -> Result<Bytes, i32> {
        const OUT_OF_RANGE: i32 = 19;
        let offset = if offset == -2 { self.start } else { offset };
        if offset > self.end || offset < self.start {
            return Err(OUT_OF_RANGE);
        }
        let mut piece = BytesMut::new();
        for batch in self
            .batches
            .iter()
            .filter(|batch| batch.next > offset && batch.base >= 0)
        {
            let room = if first && piece.is_empty() {
                batch.bytes.len().max(limit)
            } else {
                limit
            };
            let part = batch.bytes.len().min(room.saturating_sub(piece.len()));
            piece.extend_from_slice(&batch.bytes[..part]);
            if part < batch.bytes.len() {
                break;
            }
        }
        Ok(piece.freeze())
    }
}
