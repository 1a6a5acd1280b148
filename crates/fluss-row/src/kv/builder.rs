//! Building KV batches.

use bytes::{Bytes, BytesMut};

use super::{
    COUNT_AT, CRC_AT, CRC_FROM, KV_BATCH_HEADER_BYTES, MAGIC, NO_SEQUENCE, NO_WRITER_ID,
    SCHEMA_ID_AT, SEQUENCE_AT, WRITER_ID_AT, narrow_schema_id, patch,
};
use crate::binary::RowBuffer;
use crate::binary::varint::put_varint;
use crate::{InternalRow, Result, RowEncoder, RowError};

/// Collects upserts and deletes of one bucket into a batch. Rows are encoded directly into it.
///
/// ```
/// use fluss_metadata::{DataTypes, KvFormat, RowType};
/// use fluss_row::kv::{KvBatch, KvBatchBuilder};
/// use fluss_row::{GenericRow, RowEncoder};
///
/// let row_type = RowType::new(vec![
///     DataTypes::field("a", DataTypes::int()),
///     DataTypes::field("b", DataTypes::string()),
/// ]);
/// let encoder = RowEncoder::new(KvFormat::Compacted, &row_type)?;
/// let mut builder = KvBatchBuilder::new(1)?;
/// let mut row = GenericRow::new(2);
/// row.set_field(0, 1);
/// row.set_field(1, "x");
/// builder.append_row(&[1], &encoder, &row)?;
/// builder.append(&[2], None)?; // a delete
/// let mut batch = builder.seal();
/// let bytes = batch.stamp(7, 3);
/// assert_eq!(bytes.len(), 44);
/// assert_eq!(KvBatch::parse(bytes)?.record_count(), 2);
/// # Ok::<(), fluss_row::RowError>(())
/// ```
#[derive(Debug)]
pub struct KvBatchBuilder {
    bytes: Vec<u8>,
    count: i32,
}

impl KvBatchBuilder {
    /// An empty batch of rows of this schema. Returns an error if the id is negative or above 32,767.
    pub fn new(schema_id: i32) -> Result<Self> {
        Self::with_capacity(schema_id, KV_BATCH_HEADER_BYTES)
    }

    /// As [`KvBatchBuilder::new`], with room for this many bytes.
    pub fn with_capacity(schema_id: i32, capacity: usize) -> Result<Self> {
        let schema_id = narrow_schema_id(schema_id)?;
        let mut bytes = Vec::with_capacity(capacity.max(KV_BATCH_HEADER_BYTES));
        bytes.resize(KV_BATCH_HEADER_BYTES, 0);
        patch(&mut bytes, SCHEMA_ID_AT, schema_id.to_le_bytes());
        Ok(Self { bytes, count: 0 })
    }

    /// Adds an upsert of an encoded row, or with `None` a delete. Returns the bytes added. Returns an error if the
    /// row is empty, which would read as a delete, or the batch would grow beyond 2 GiB.
    pub fn append(&mut self, key: &[u8], row: Option<&[u8]>) -> Result<usize> {
        if row.is_some_and(<[u8]>::is_empty) {
            let problem = "empty, which would mean a delete";
            return Err(RowError::Malformed {
                what: "row",
                offset: 0,
                problem,
            });
        }
        self.record(key, |bytes| {
            bytes.extend_from_slice(row.unwrap_or_default());
            Ok(())
        })
    }

    /// Adds an upsert, encoding the row. Returns the bytes added. On error, the batch is unchanged.
    #[inline]
    pub fn append_row<R: InternalRow + ?Sized>(
        &mut self,
        key: &[u8],
        encoder: &RowEncoder,
        row: &R,
    ) -> Result<usize> {
        self.record(key, |bytes| encoder.encode(row, bytes))
    }

    #[inline]
    fn record(
        &mut self,
        key: &[u8],
        write_row: impl FnOnce(&mut Vec<u8>) -> Result<()>,
    ) -> Result<usize> {
        let start = self.bytes.len();
        let result = self.write_record(key, write_row, start);
        if result.is_err() {
            self.bytes.cut(start);
        }
        result
    }

    #[inline]
    fn write_record(
        &mut self,
        key: &[u8],
        write_row: impl FnOnce(&mut Vec<u8>) -> Result<()>,
        start: usize,
    ) -> Result<usize> {
        self.bytes.put(&[0; 4]);
        put_varint(&mut self.bytes, key.len() as u64);
        self.bytes.put(key);
        write_row(&mut self.bytes)?;
        let end = self.bytes.len();
        let too_large = || RowError::TooLarge {
            what: "KV batch",
            value: end as u64,
            max: i32::MAX as u64,
        };
        i32::try_from(end).map_err(|_| too_large())?;
        let count = self.count.checked_add(1).ok_or_else(too_large)?;
        patch(
            &mut self.bytes,
            start,
            ((end - start - 4) as i32).to_le_bytes(),
        );
        self.count = count;
        Ok(end - start)
    }

    /// Returns the number of records.
    pub fn record_count(&self) -> i32 {
        self.count
    }

    /// Returns whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the bytes of the batch as it is, header included.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that a record of a key and a row of these lengths would add.
    pub fn record_size(key_len: usize, row_len: usize) -> usize {
        let key_bits = (usize::BITS - key_len.leading_zeros()).max(1) as usize;
        4 + key_bits.div_ceil(7) + key_len + row_len
    }

    /// Finishes the batch. It can be sent once it is stamped.
    #[must_use]
    pub fn seal(mut self) -> SealedKvBatch {
        let length = (self.bytes.len() - 4) as i32;
        patch(&mut self.bytes, 0, length.to_le_bytes());
        patch(&mut self.bytes, 4, [MAGIC]);
        patch(&mut self.bytes, WRITER_ID_AT, NO_WRITER_ID.to_le_bytes());
        patch(&mut self.bytes, SEQUENCE_AT, NO_SEQUENCE.to_le_bytes());
        patch(&mut self.bytes, COUNT_AT, self.count.to_le_bytes());
        SealedKvBatch {
            bytes: Bytes::from(self.bytes),
            record_count: self.count,
        }
    }
}

/// A complete KV batch that still needs a writer id and sequence: when it is first sent, and again if a retry needs
/// different ones.
#[derive(Debug, Clone)]
pub struct SealedKvBatch {
    bytes: Bytes,
    record_count: i32,
}

impl SealedKvBatch {
    /// Sets writer id and sequence (-1 for none) and the checksum, and returns the bytes to send.
    ///
    /// Copies the batch only if the bytes of an earlier stamp are still in use.
    pub fn stamp(&mut self, writer_id: i64, sequence: i32) -> Bytes {
        let mut bytes = match std::mem::take(&mut self.bytes).try_into_mut() {
            Ok(bytes) => bytes,
            // An earlier request still holds them, and must not see them change.
            Err(shared) => BytesMut::from(&*shared),
        };
        patch(&mut bytes, WRITER_ID_AT, writer_id.to_le_bytes());
        patch(&mut bytes, SEQUENCE_AT, sequence.to_le_bytes());
        let crc = crc32c::crc32c(bytes.get(CRC_FROM..).unwrap_or_default());
        patch(&mut bytes, CRC_AT, crc.to_le_bytes());
        self.bytes = bytes.freeze();
        self.bytes.clone()
    }

    /// Returns the bytes as last stamped.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the bytes of the batch.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the number of records.
    pub fn record_count(&self) -> i32 {
        self.record_count
    }
}
