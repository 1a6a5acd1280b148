//! The header of a log batch. Source: `LogRecordBatchFormat.java`, `DefaultLogRecordBatch.java`.

use fluss_metadata::SchemaId;

use crate::{Result, RowError};

/// Bytes before those that the length counts: the base offset and the length itself.
pub(crate) const OVERHEAD_BYTES: usize = 12;
/// Bytes of the shortest header.
pub(crate) const MIN_HEADER_BYTES: usize = 48;

const LENGTH_AT: usize = 8;
const MAGIC_AT: usize = 12;
const TIMESTAMP_AT: usize = 13;
const EPOCH_AT: usize = 21;

/// Where fields are after the checksum: all of them are under it.
const ATTRIBUTES: usize = 2;
const LAST_OFFSET_DELTA: usize = 3;
const WRITER_ID: usize = 7;
const SEQUENCE: usize = 15;
const RECORD_COUNT: usize = 19;
const STATISTICS_LENGTH: usize = 23;

/// The bit of a batch without change types.
const APPEND_ONLY: u8 = 1;

/// No leader epoch: the layout has none, or the batch was not yet appended.
const NO_LEADER_EPOCH: i32 = -1;

/// The layout of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum LogMagic {
    /// The layout that every version writes and reads.
    #[default]
    V0,
    /// With statistics, of Fluss 1.0. Not what Fluss 0.9.1 calls 1, which it never wrote.
    V1,
    /// With statistics and leader epoch, of Fluss 1.0. No one writes it yet.
    V2,
}

impl LogMagic {
    /// The layout of a magic byte, if there is one.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::V0),
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }

    /// Returns the magic byte.
    pub const fn to_byte(self) -> u8 {
        self as u8
    }

    /// Returns the bytes of the header, statistics not counted.
    pub const fn header_bytes(self) -> usize {
        match self {
            Self::V0 => 48,
            Self::V1 => 52,
            Self::V2 => 56,
        }
    }

    /// Returns whether batches can have statistics.
    pub const fn has_statistics(self) -> bool {
        !matches!(self, Self::V0)
    }

    const fn crc_at(self) -> usize {
        match self {
            Self::V0 | Self::V1 => 21,
            Self::V2 => 25,
        }
    }

    /// Where the bytes under the checksum begin.
    pub(crate) const fn covered_from(self) -> usize {
        self.crc_at() + 4
    }
}

/// The header of a log batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBatchHeader {
    pub(crate) base_offset: i64,
    pub(crate) size_bytes: usize,
    pub(crate) magic: LogMagic,
    pub(crate) commit_timestamp: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) crc: u32,
    pub(crate) schema_id: i16,
    pub(crate) attributes: u8,
    pub(crate) last_offset_delta: i32,
    pub(crate) writer_id: i64,
    pub(crate) sequence: i32,
    pub(crate) record_count: i32,
    pub(crate) statistics_bytes: usize,
}

/// A field at a place that is known to be within the header.
fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .ok_or(RowError::Truncated {
            what: "log batch header",
            offset: at,
            needed: N,
            available: bytes.len().saturating_sub(at),
        })
}

fn malformed(offset: usize, problem: &'static str) -> RowError {
    RowError::Malformed {
        what: "log batch header",
        offset,
        problem,
    }
}

/// Base offset and size in bytes of the batch that begins here; `None` if there are too few bytes to tell. Returns an
/// error if no batch is of the size.
pub(crate) fn peek(bytes: &[u8]) -> Result<Option<(i64, usize)>> {
    let Some(overhead) = bytes.first_chunk::<OVERHEAD_BYTES>() else {
        return Ok(None);
    };
    let base_offset = i64::from_le_bytes(field(overhead, 0)?);
    let size = usize::try_from(i32::from_le_bytes(field(overhead, LENGTH_AT)?))
        .ok()
        .map(|length| length + OVERHEAD_BYTES);
    match size {
        Some(size) if size >= MIN_HEADER_BYTES => Ok(Some((base_offset, size))),
        _ => Err(malformed(LENGTH_AT, "of a length that no batch has")),
    }
}

impl LogBatchHeader {
    /// Reads the header that bytes begin with, and checks that its fields agree with each other. The batch after it
    /// may be cut off.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let truncated = |needed| RowError::Truncated {
            what: "log batch header",
            offset: 0,
            needed,
            available: bytes.len(),
        };
        let (base_offset, size_bytes) = peek(bytes)?.ok_or_else(|| truncated(MIN_HEADER_BYTES))?;
        let [magic] = field(bytes, MAGIC_AT)?;
        let magic =
            LogMagic::from_byte(magic).ok_or_else(|| malformed(MAGIC_AT, "of an unknown magic"))?;
        let header_bytes = magic.header_bytes();
        if bytes.len() < header_bytes {
            return Err(truncated(header_bytes));
        }
        let covered = magic.covered_from();
        let record_count = i32::from_le_bytes(field(bytes, covered + RECORD_COUNT)?);
        let last_offset_delta = i32::from_le_bytes(field(bytes, covered + LAST_OFFSET_DELTA)?);
        let statistics_bytes = if magic.has_statistics() {
            i32::from_le_bytes(field(bytes, covered + STATISTICS_LENGTH)?)
        } else {
            0
        };
        let statistics_bytes = usize::try_from(statistics_bytes).map_err(|_| {
            malformed(
                covered + STATISTICS_LENGTH,
                "of a negative statistics length",
            )
        })?;
        let [attributes] = field(bytes, covered + ATTRIBUTES)?;
        let leader_epoch = if magic == LogMagic::V2 {
            i32::from_le_bytes(field(bytes, EPOCH_AT)?)
        } else {
            NO_LEADER_EPOCH
        };
        if header_bytes + statistics_bytes > size_bytes {
            return Err(malformed(
                LENGTH_AT,
                "of a length below that of header and statistics",
            ));
        }
        if record_count < 0 {
            return Err(malformed(
                covered + RECORD_COUNT,
                "of a negative record count",
            ));
        }
        if last_offset_delta < (record_count - 1).max(0) {
            return Err(malformed(
                covered + LAST_OFFSET_DELTA,
                "of fewer offsets than records",
            ));
        }
        if base_offset < 0
            || base_offset
                .checked_add(i64::from(last_offset_delta) + 1)
                .is_none()
        {
            return Err(malformed(0, "of offsets that do not exist"));
        }
        Ok(Self {
            base_offset,
            size_bytes,
            magic,
            commit_timestamp: i64::from_le_bytes(field(bytes, TIMESTAMP_AT)?),
            leader_epoch,
            crc: u32::from_le_bytes(field(bytes, magic.crc_at())?),
            schema_id: i16::from_le_bytes(field(bytes, covered)?),
            attributes,
            last_offset_delta,
            writer_id: i64::from_le_bytes(field(bytes, covered + WRITER_ID)?),
            sequence: i32::from_le_bytes(field(bytes, covered + SEQUENCE)?),
            record_count,
            statistics_bytes,
        })
    }

    /// The header of a batch under construction.
    pub(crate) fn unstamped(
        magic: LogMagic,
        schema_id: i16,
        append_only: bool,
        record_count: i32,
    ) -> Self {
        Self {
            base_offset: 0,
            size_bytes: magic.header_bytes(),
            magic,
            commit_timestamp: 0,
            leader_epoch: NO_LEADER_EPOCH,
            crc: 0,
            schema_id,
            attributes: if append_only { APPEND_ONLY } else { 0 },
            last_offset_delta: (record_count - 1).max(0),
            writer_id: super::NO_WRITER_ID,
            sequence: super::NO_SEQUENCE,
            record_count,
            statistics_bytes: 0,
        }
    }

    /// Appends the bytes of the header.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.base_offset.to_le_bytes());
        out.extend_from_slice(&((self.size_bytes - OVERHEAD_BYTES) as i32).to_le_bytes());
        out.push(self.magic.to_byte());
        out.extend_from_slice(&self.commit_timestamp.to_le_bytes());
        if self.magic == LogMagic::V2 {
            out.extend_from_slice(&self.leader_epoch.to_le_bytes());
        }
        out.extend_from_slice(&self.crc.to_le_bytes());
        out.extend_from_slice(&self.schema_id.to_le_bytes());
        out.push(self.attributes);
        out.extend_from_slice(&self.last_offset_delta.to_le_bytes());
        out.extend_from_slice(&self.writer_id.to_le_bytes());
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.record_count.to_le_bytes());
        if self.magic.has_statistics() {
            out.extend_from_slice(&(self.statistics_bytes as i32).to_le_bytes());
        }
    }

    /// Returns the offset of the first record.
    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// Returns the offset of the last record; the base offset of a batch without records.
    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// Returns the offset of the batch that follows. A batch without records takes one offset, too.
    pub fn next_offset(&self) -> i64 {
        self.last_offset() + 1
    }

    /// Returns the bytes of the whole batch.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Returns the layout of the batch.
    pub fn magic(&self) -> LogMagic {
        self.magic
    }

    /// When the server received the batch, in milliseconds since the epoch; 0 in a batch that is not yet appended.
    pub fn commit_timestamp(&self) -> i64 {
        self.commit_timestamp
    }

    /// Epoch of the leader that appended the batch; -1 if its layout has none.
    pub fn leader_epoch(&self) -> i32 {
        self.leader_epoch
    }

    /// Returns the checksum that the batch carries.
    pub fn crc(&self) -> u32 {
        self.crc
    }

    /// Returns the id of the schema that the rows were written with.
    pub fn schema_id(&self) -> SchemaId {
        SchemaId::from(self.schema_id)
    }

    /// Returns whether all records are appended rows, and the batch has no change types.
    pub fn is_append_only(&self) -> bool {
        self.attributes & APPEND_ONLY != 0
    }

    /// Returns the id of the writer; -1 if the batch is not idempotent.
    pub fn writer_id(&self) -> i64 {
        self.writer_id
    }

    /// Returns the number of the batch among those of its writer in its bucket; -1 if it is not idempotent.
    pub fn sequence(&self) -> i32 {
        self.sequence
    }

    /// Returns the number of records.
    pub fn record_count(&self) -> usize {
        self.record_count as usize
    }

    /// Returns the bytes of the statistics between header and records.
    pub fn statistics_bytes(&self) -> usize {
        self.statistics_bytes
    }

    /// Where the records begin in the batch.
    pub(crate) fn records_at(&self) -> usize {
        self.magic.header_bytes() + self.statistics_bytes
    }
}

/// The checksum of the bytes of a batch.
pub(crate) fn compute_crc(magic: LogMagic, batch: &[u8]) -> u32 {
    crc32c::crc32c(batch.get(magic.covered_from()..).unwrap_or_default())
}

/// From this size on, combining two checksums is cheaper than computing one over all bytes.
const COMBINE_FROM_BYTES: usize = 512 * 1024;

/// The checksum of what follows writer id and sequence, which never changes, and the number of its bytes; `None` for
/// a batch that is so small that it does not help.
pub(crate) fn rest_crc(magic: LogMagic, batch: &[u8]) -> Option<(u32, usize)> {
    let rest = batch
        .get(magic.covered_from() + RECORD_COUNT..)
        .unwrap_or_default();
    (rest.len() >= COMBINE_FROM_BYTES).then(|| (crc32c::crc32c(rest), rest.len()))
}

fn patch<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(place) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = value;
    }
}

/// Writes writer id, sequence and the checksum that follows from them. `rest` is what [`rest_crc`] gave: a large
/// batch is not gone through again.
pub(crate) fn stamp(
    magic: LogMagic,
    batch: &mut [u8],
    writer_id: i64,
    sequence: i32,
    rest: Option<(u32, usize)>,
) {
    let covered = magic.covered_from();
    patch(batch, covered + WRITER_ID, writer_id.to_le_bytes());
    patch(batch, covered + SEQUENCE, sequence.to_le_bytes());
    let crc = match rest {
        Some((rest_crc, rest_bytes)) => {
            let first = crc32c::crc32c(
                batch
                    .get(covered..covered + RECORD_COUNT)
                    .unwrap_or_default(),
            );
            crc32c::crc32c_combine(first, rest_crc, rest_bytes)
        }
        None => compute_crc(magic, batch),
    };
    patch(batch, magic.crc_at(), crc.to_le_bytes());
}

/// Writes the length of a batch that is complete.
pub(crate) fn set_size(batch: &mut [u8]) {
    let length = (batch.len() - OVERHEAD_BYTES.min(batch.len())) as i32;
    patch(batch, LENGTH_AT, length.to_le_bytes());
}

/// Writes what the leader of a bucket fills in when it appends a batch. None of it is under the checksum.
///
/// Returns an error if the bytes do not begin with the header of a batch.
pub fn assign_offset(
    batch: &mut [u8],
    base_offset: i64,
    commit_timestamp: i64,
    leader_epoch: i32,
) -> Result<()> {
    let header = LogBatchHeader::parse(batch)?;
    patch(batch, 0, base_offset.to_le_bytes());
    patch(batch, TIMESTAMP_AT, commit_timestamp.to_le_bytes());
    if header.magic == LogMagic::V2 {
        patch(batch, EPOCH_AT, leader_epoch.to_le_bytes());
    }
    Ok(())
}
