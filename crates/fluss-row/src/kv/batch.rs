//! Reading KV batches, like a server.

use bytes::Bytes;

use super::{
    COUNT_AT, CRC_AT, CRC_FROM, KV_BATCH_HEADER_BYTES, MAGIC, SCHEMA_ID_AT, SEQUENCE_AT,
    WRITER_ID_AT,
};
use crate::binary::read;
use crate::binary::varint::read_varint32;
use crate::{Result, RowError};

/// A KV batch with a parsed header. Records are located on access.
#[derive(Debug, Clone)]
pub struct KvBatch {
    bytes: Bytes,
    crc: u32,
    schema_id: i16,
    writer_id: i64,
    sequence: i32,
    record_count: i32,
}

/// A record of a KV batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvRecord {
    /// The encoded key.
    pub key: Bytes,
    /// The encoded row, or `None` for a delete.
    pub row: Option<Bytes>,
}

impl KvBatch {
    /// Reads the header. Returns an error if its length does not match the bytes, for an unknown magic, and for a
    /// negative record count. Only [`KvBatch::verify_crc`] checks the checksum.
    pub fn parse(bytes: Bytes) -> Result<Self> {
        read::need(&bytes, 0, KV_BATCH_HEADER_BYTES, "KV batch header")?;
        let length = i32::from_le_bytes(read::fixed(&bytes, 0, "KV batch length")?);
        if i64::from(length) + 4 != bytes.len() as i64 {
            return Err(RowError::Malformed {
                what: "KV batch length",
                offset: 0,
                problem: "not that of its bytes",
            });
        }
        let [magic] = read::fixed(&bytes, 4, "KV batch magic")?;
        if magic != MAGIC {
            return Err(RowError::Malformed {
                what: "KV batch magic",
                offset: 4,
                problem: "unknown",
            });
        }
        let record_count = i32::from_le_bytes(read::fixed(&bytes, COUNT_AT, "KV record count")?);
        if record_count < 0 {
            return Err(RowError::Malformed {
                what: "KV record count",
                offset: COUNT_AT,
                problem: "negative",
            });
        }
        Ok(Self {
            crc: u32::from_le_bytes(read::fixed(&bytes, CRC_AT, "KV batch checksum")?),
            schema_id: i16::from_le_bytes(read::fixed(&bytes, SCHEMA_ID_AT, "schema id")?),
            writer_id: i64::from_le_bytes(read::fixed(&bytes, WRITER_ID_AT, "writer id")?),
            sequence: i32::from_le_bytes(read::fixed(&bytes, SEQUENCE_AT, "batch sequence")?),
            record_count,
            bytes,
        })
    }

    /// Returns an error unless the checksum in the header is that of the bytes.
    pub fn verify_crc(&self) -> Result<()> {
        let computed = crc32c::crc32c(self.bytes.get(CRC_FROM..).unwrap_or_default());
        if computed == self.crc {
            Ok(())
        } else {
            Err(RowError::Checksum {
                what: "KV batch",
                stored: self.crc,
                computed,
            })
        }
    }

    /// Returns the checksum in the header.
    pub fn crc(&self) -> u32 {
        self.crc
    }

    /// Returns the id of the schema of all rows.
    pub fn schema_id(&self) -> i16 {
        self.schema_id
    }

    /// Returns the id of the idempotent writer, or -1.
    pub fn writer_id(&self) -> i64 {
        self.writer_id
    }

    /// Returns the number of the batch among the writer's for this bucket, or -1.
    pub fn sequence(&self) -> i32 {
        self.sequence
    }

    /// Returns the number of records declared in the header.
    pub fn record_count(&self) -> i32 {
        self.record_count
    }

    /// Returns the bytes of the batch.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the records. Ends after the first error. Having fewer or more records than declared is an error, too.
    pub fn records(&self) -> impl Iterator<Item = Result<KvRecord>> {
        let mut at = KV_BATCH_HEADER_BYTES;
        let mut left = self.record_count;
        let mut failed = false;
        std::iter::from_fn(move || {
            if failed || (left == 0 && at == self.bytes.len()) {
                return None;
            }
            let record = if left == 0 {
                Err(RowError::Malformed {
                    what: "KV batch",
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

    fn record_at(&self, at: &mut usize) -> Result<KvRecord> {
        let length_at = *at;
        let length = i32::from_le_bytes(read::take(&self.bytes, at, "KV record length")?);
        let Ok(length) = usize::try_from(length) else {
            return Err(RowError::Malformed {
                what: "KV record length",
                offset: length_at,
                problem: "negative",
            });
        };
        let start = *at;
        read::need(&self.bytes, start, length, "KV record")?;
        let record = self.bytes.slice(start..start + length);
        *at = start + length;
        let mut key_at = 0;
        let key_length = read_varint32(&record, &mut key_at, "key length")? as usize;
        read::need(&record, key_at, key_length, "key")?;
        let row = record.slice(key_at + key_length..);
        Ok(KvRecord {
            key: record.slice(key_at..key_at + key_length),
            row: (!row.is_empty()).then_some(row),
        })
    }
}
