//! Where a bucket stands in log segments that were moved to remote storage.

use std::collections::VecDeque;

/// A log segment in remote storage. Source: `FlussApi.proto: PbRemoteLogSegment`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteSegment {
    pub(crate) id: String,
    pub(crate) start_offset: i64,
    /// Offset after its last record.
    pub(crate) end_offset: i64,
    pub(crate) size: u64,
}

impl RemoteSegment {
    /// Path of its data file below the directory of the bucket.
    pub(crate) fn file(&self) -> String {
        format!("{}/{:020}.log", self.id, self.start_offset)
    }
}

/// The remaining segments, and the byte at which to continue in the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteCursor {
    pub(crate) dir: String,
    pub(crate) segments: VecDeque<RemoteSegment>,
    pub(crate) position: u64,
}

impl RemoteCursor {
    /// Moves on by whole batches. Returns `None` with the end offset of the last segment once everything is read.
    pub(crate) fn advance(mut self, bytes: u64) -> Result<Self, i64> {
        self.position += bytes;
        let mut end = 0;
        while let Some(front) = self.segments.front() {
            if self.position < front.size {
                return Ok(self);
            }
            end = front.end_offset;
            self.segments.pop_front();
            self.position = 0;
        }
        Err(end)
    }
}
