//! Batches of primary-key tables: upserts and deletes that are written, values that are read.
//!
//! See `docs/protocol/kv.md`.

mod batch;
mod builder;
mod decode;
mod value;

pub use batch::{KvBatch, KvRecord};
pub use builder::{KvBatchBuilder, SealedKvBatch};
pub use decode::{LookupRow, ValueDecoder};
pub use value::{ValueBatch, ValueBatchBuilder, ValueRecord, split_value, write_value};

/// Bytes before the first record of a KV batch.
pub const KV_BATCH_HEADER_BYTES: usize = 28;

/// No writer id, and no sequence: the batch is not idempotent.
pub const NO_WRITER_ID: i64 = -1;
/// See [`NO_WRITER_ID`].
pub const NO_SEQUENCE: i32 = -1;

/// The one layout there is.
const MAGIC: u8 = 0;

/// Where the checksum is, and where the bytes under it begin.
const CRC_AT: usize = 5;
const CRC_FROM: usize = 9;
const SCHEMA_ID_AT: usize = 9;
const WRITER_ID_AT: usize = 12;
const SEQUENCE_AT: usize = 20;
const COUNT_AT: usize = 24;

/// Schema ids are 32-bit in requests, but 16-bit in batches and values.
fn narrow_schema_id(schema_id: i32) -> crate::Result<i16> {
    i16::try_from(schema_id)
        .ok()
        .filter(|id| *id >= 0)
        .ok_or(crate::RowError::TooLarge {
            what: "schema id",
            value: u64::from(schema_id as u32),
            max: i16::MAX as u64,
        })
}

/// Writes bytes that are known to be within the buffer.
#[inline]
fn patch<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(place) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = value;
    }
}
