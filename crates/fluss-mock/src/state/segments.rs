//! The log segments of a bucket.

use fluss_metadata::RemoteLogSegment;

/// The segments of a log, except for the last one, which is being written to.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    pub(crate) closed: Vec<RemoteLogSegment>,
    /// The first offset of the last segment.
    pub(super) open: i64,
    /// Offsets before this one are only in the remote directory.
    pub(super) local_start: i64,
}

impl Segments {
    /// Removes the segments that end at or before an offset.
    pub(super) fn forget(&mut self, offset: i64) {
        self.closed.retain(|segment| segment.end_offset() > offset);
    }
}
