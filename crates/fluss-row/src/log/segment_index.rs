//! The index files next to a remote log segment. Clients don't need them to read the segment; tools may.
//!
//! All numbers are big-endian, as in Java's `ByteBuffer`. Source: `OffsetIndex.java`, `TimeIndex.java`.

use crate::{Result, RowError};

/// Where a batch begins in a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetIndexEntry {
    /// An offset of the batch.
    pub offset: i64,
    /// Byte at which the batch begins.
    pub position: i32,
}

/// From which offset on records have at least a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeIndexEntry {
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    /// The offset.
    pub offset: i64,
}

const OFFSET_ENTRY_BYTES: usize = 8;
const TIME_ENTRY_BYTES: usize = 12;

/// Reads an `.index` file of a segment that begins at `base_offset`. Returns an error if it ends within an entry, and
/// at offsets below the segment's.
pub fn decode_offset_index(bytes: &[u8], base_offset: i64) -> Result<Vec<OffsetIndexEntry>> {
    entries::<OFFSET_ENTRY_BYTES>(bytes, "offset index")?
        .iter()
        .enumerate()
        .map(|(index, [o0, o1, o2, o3, p0, p1, p2, p3])| {
            let offset = absolute(
                [*o0, *o1, *o2, *o3],
                base_offset,
                index * OFFSET_ENTRY_BYTES,
            )?;
            Ok(OffsetIndexEntry {
                offset,
                position: i32::from_be_bytes([*p0, *p1, *p2, *p3]),
            })
        })
        .collect()
}

/// The bytes of an `.index` file. Returns an error if an offset is not within 2³¹ of the base offset.
pub fn encode_offset_index(entries: &[OffsetIndexEntry], base_offset: i64) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(entries.len() * OFFSET_ENTRY_BYTES);
    for entry in entries {
        out.extend_from_slice(&relative(entry.offset, base_offset)?);
        out.extend_from_slice(&entry.position.to_be_bytes());
    }
    Ok(out)
}

/// Reads a `.timeindex` file of a segment that begins at `base_offset`. Returns the same errors as
/// [`decode_offset_index`].
pub fn decode_time_index(bytes: &[u8], base_offset: i64) -> Result<Vec<TimeIndexEntry>> {
    entries::<TIME_ENTRY_BYTES>(bytes, "time index")?
        .iter()
        .enumerate()
        .map(
            |(index, [t0, t1, t2, t3, t4, t5, t6, t7, o0, o1, o2, o3])| {
                let offset = absolute([*o0, *o1, *o2, *o3], base_offset, index * TIME_ENTRY_BYTES)?;
                Ok(TimeIndexEntry {
                    timestamp: i64::from_be_bytes([*t0, *t1, *t2, *t3, *t4, *t5, *t6, *t7]),
                    offset,
                })
            },
        )
        .collect()
}

/// The bytes of a `.timeindex` file. Returns an error if an offset is not within 2³¹ of the base offset.
pub fn encode_time_index(entries: &[TimeIndexEntry], base_offset: i64) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(entries.len() * TIME_ENTRY_BYTES);
    for entry in entries {
        out.extend_from_slice(&entry.timestamp.to_be_bytes());
        out.extend_from_slice(&relative(entry.offset, base_offset)?);
    }
    Ok(out)
}

fn entries<'b, const N: usize>(bytes: &'b [u8], what: &'static str) -> Result<&'b [[u8; N]]> {
    match bytes.as_chunks() {
        (entries, []) => Ok(entries),
        (entries, rest) => Err(RowError::Truncated {
            what,
            offset: entries.len() * N,
            needed: N,
            available: rest.len(),
        }),
    }
}

fn absolute(relative: [u8; 4], base_offset: i64, at: usize) -> Result<i64> {
    let relative = i32::from_be_bytes(relative);
    let offset = if relative < 0 {
        None
    } else {
        base_offset.checked_add(i64::from(relative))
    };
    offset.ok_or(RowError::Malformed {
        what: "index entry",
        offset: at,
        problem: "of an offset outside of its segment",
    })
}

fn relative(offset: i64, base_offset: i64) -> Result<[u8; 4]> {
    let relative = offset
        .checked_sub(base_offset)
        .and_then(|relative| i32::try_from(relative).ok())
        .filter(|relative| *relative >= 0);
    relative.map(i32::to_be_bytes).ok_or(RowError::TooLarge {
        what: "distance of an offset from that of its segment",
        value: offset.wrapping_sub(base_offset) as u64,
        max: i32::MAX as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_within_an_entry_and_offsets_of_other_segments_are_refused() {
        let bytes = encode_offset_index(
            &[OffsetIndexEntry {
                offset: 107,
                position: 9,
            }],
            100,
        )
        .unwrap();
        assert!((1..8).all(|cut| decode_offset_index(&bytes[..cut], 100).is_err()));
        assert!(decode_offset_index(&bytes, i64::MAX).is_err());
        assert!(
            encode_offset_index(
                &[OffsetIndexEntry {
                    offset: 99,
                    position: 0
                }],
                100
            )
            .is_err()
        );
        assert!(
            encode_time_index(
                &[TimeIndexEntry {
                    timestamp: 0,
                    offset: 1 << 40
                }],
                100
            )
            .is_err()
        );
        assert!(decode_time_index(&[0xff; 12], 0).is_err());
        assert_eq!(decode_time_index(&[], 0).unwrap(), []);
    }
}
