//! Values as returned by a server: a schema id and a row, alone or in batches.

use bytes::{Buf, Bytes};

use super::{MAGIC, narrow_schema_id, patch};
use crate::binary::{RowBuffer, read};
use crate::{Result, RowError};

/// Bytes before the first record of a value batch.
const HEADER_BYTES: usize = 9;

/// A row and the schema it was written with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueRecord {
    /// Id of the schema.
    pub schema_id: i16,
    /// The row in the table's KV format.
    pub row: Bytes,
}

/// Parses a value from a lookup response or a KV snapshot.
pub fn split_value(mut value: Bytes) -> Result<ValueRecord> {
    let schema_id = i16::from_le_bytes(read::fixed(&value, 0, "schema id of a value")?);
    value.advance(size_of_val(&schema_id));
    Ok(ValueRecord {
        schema_id,
        row: value,
    })
}

/// Appends a value: the schema id and the row.
pub fn write_value<B: RowBuffer>(schema_id: i32, row: &[u8], out: &mut B) -> Result<()> {
    let schema_id = narrow_schema_id(schema_id)?;
    out.put(&schema_id.to_le_bytes());
    out.put(row);
    Ok(())
}

/// A batch of values, as returned by a limit scan or a KV scan.
#[derive(Debug, Clone)]
pub struct ValueBatch {
    bytes: Bytes,
    record_count: i32,
}

impl ValueBatch {
    /// Reads the header. Returns an error if its length does not match the bytes, for an unknown magic, and for a
    /// negative record count. Value batches have no checksum.
    pub fn parse(bytes: Bytes) -> Result<Self> {
        read::need(&bytes, 0, HEADER_BYTES, "value batch header")?;
        let length = i32::from_le_bytes(read::fixed(&bytes, 0, "value batch length")?);
        if i64::from(length) + 4 != bytes.len() as i64 {
            return Err(RowError::Malformed {
                what: "value batch length",
                offset: 0,
                problem: "not that of its bytes",
            });
        }
        let [magic] = read::fixed(&bytes, 4, "value batch magic")?;
        if magic != MAGIC {
            return Err(RowError::Malformed {
                what: "value batch magic",
                offset: 4,
                problem: "unknown",
            });
        }
        let record_count = i32::from_le_bytes(read::fixed(&bytes, 5, "value count")?);
        if record_count < 0 {
            return Err(RowError::Malformed {
                what: "value count",
                offset: 5,
                problem: "negative",
            });
        }
        Ok(Self {
            bytes,
            record_count,
        })
    }

    /// Returns the number of records declared in the header.
    pub fn record_count(&self) -> i32 {
        self.record_count
    }

    /// Returns the bytes of the batch.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the values. Ends after the first error. Having fewer or more records than declared is an error, too.
    pub fn records(&self) -> impl Iterator<Item = Result<ValueRecord>> {
        let mut at = HEADER_BYTES;
        let mut left = self.record_count;
        let mut failed = false;
        std::iter::from_fn(move || {
            if failed || (left == 0 && at == self.bytes.len()) {
                return None;
            }
            let record = if left == 0 {
                Err(RowError::Malformed {
                    what: "value batch",
                    offset: at,
                    problem: "longer than its records",
                })
            } else {
                self.record_at(&mut at)
            };
            left -= 1;
            failed = record.is_err();
            Some(record)
        })
    }

    fn record_at(&self, at: &mut usize) -> Result<ValueRecord> {
        let length_at = *at;
        let length = i32::from_le_bytes(read::take(&self.bytes, at, "value length")?);
        let Ok(length) = usize::try_from(length) else {
            return Err(RowError::Malformed {
                what: "value length",
                offset: length_at,
                problem: "negative",
            });
        };
        let start = *at;
        read::need(&self.bytes, start, length, "value")?;
        *at = start + length;
        split_value(self.bytes.slice(start..start + length))
    }
}

/// Collects values into a batch, as a server does.
#[derive(Debug)]
pub struct ValueBatchBuilder {
    bytes: Vec<u8>,
    count: i32,
}

impl Default for ValueBatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ValueBatchBuilder {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: vec![0; HEADER_BYTES],
            count: 0,
        }
    }

    /// Adds a row and the id of its schema. Returns the bytes added. Returns an error if the id is negative or above
    /// 32,767, or the batch would grow beyond 2 GiB.
    pub fn append(&mut self, schema_id: i32, row: &[u8]) -> Result<usize> {
        let schema_id = narrow_schema_id(schema_id)?;
        let added = row.len() + 6;
        let total = self.bytes.len() + added;
        let too_large = || RowError::TooLarge {
            what: "value batch",
            value: total as u64,
            max: i32::MAX as u64,
        };
        i32::try_from(total).map_err(|_| too_large())?;
        self.count = self.count.checked_add(1).ok_or_else(too_large)?;
        self.bytes.put(&((added - 4) as i32).to_le_bytes());
        self.bytes.put(&schema_id.to_le_bytes());
        self.bytes.put(row);
        Ok(added)
    }

    /// Returns the number of records.
    pub fn record_count(&self) -> i32 {
        self.count
    }

    /// Ends the batch.
    #[must_use]
    pub fn build(mut self) -> Bytes {
        let length = (self.bytes.len() - 4) as i32;
        patch(&mut self.bytes, 0, length.to_le_bytes());
        patch(&mut self.bytes, 4, [MAGIC]);
        patch(&mut self.bytes, 5, self.count.to_le_bytes());
        Bytes::from(self.bytes)
    }
}
