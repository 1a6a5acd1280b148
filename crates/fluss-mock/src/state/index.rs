//! The indexes of a log segment: positions and times of some of its batches.
//!
//! Source: `LogSegment#append`, `RemoteLogIndexCache.Entry#lookupTimestamp`.

use fluss_row::log::LogBatch;

/// The number of bytes between two entries (`log.index.interval-size`).
const INTERVAL: usize = 4096;

/// The indexes of one segment.
pub(super) struct SegmentIndex {
    base_offset: i64,
    /// The last offset of a batch, and the position of the batch.
    positions: Vec<(i64, usize)>,
    /// A time, and the offset of the first batch that was written then.
    times: Vec<(i64, i64)>,
}

impl SegmentIndex {
    /// Creates the entries that a server adds while it appends these batches.
    pub(super) fn of<'a>(
        base_offset: i64,
        batches: impl IntoIterator<Item = &'a LogBatch>,
    ) -> Self {
        let mut index = Self {
            base_offset,
            positions: Vec::new(),
            times: Vec::new(),
        };
        let (mut position, mut since_entry) = (0, 0);
        let mut latest = (i64::MIN, base_offset);
        for batch in batches {
            let header = batch.header();
            if header.commit_timestamp() > latest.0 {
                latest = (header.commit_timestamp(), header.base_offset());
            }
            if since_entry > INTERVAL {
                index.positions.push((header.next_offset() - 1, position));
                if index.times.last().is_none_or(|(time, _)| *time < latest.0) {
                    index.times.push(latest);
                }
                since_entry = 0;
            }
            since_entry += batch.bytes().len();
            position += batch.bytes().len();
        }
        index
    }

    /// The position from which to search for an offset.
    pub(super) fn position(&self, offset: i64) -> usize {
        self.entry(offset).1
    }

    /// The offset that a server returns for a time from this segment: at or before the first batch that was written
    /// then or later, often inside a batch.
    pub(super) fn offset_at(&self, timestamp: i64) -> i64 {
        let behind = self.times.partition_point(|(time, _)| *time <= timestamp);
        let before = behind
            .checked_sub(1)
            .and_then(|place| self.times.get(place));
        self.entry(before.map_or(self.base_offset, |(_, offset)| *offset))
            .0
    }

    /// The last entry at or before an offset.
    fn entry(&self, offset: i64) -> (i64, usize) {
        let behind = self.positions.partition_point(|(last, _)| *last <= offset);
        let entry = behind
            .checked_sub(1)
            .and_then(|place| self.positions.get(place));
        entry.copied().unwrap_or((self.base_offset, 0))
    }
}
