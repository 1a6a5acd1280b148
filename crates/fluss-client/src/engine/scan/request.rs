//! What the driver of a scanner is to ask servers for.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fluss_metadata::TableBucket;

use super::remote::RemoteCursor;
use super::start::StartOffset;

/// Whether the server may hold an answer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchKind {
    /// Answered at once, with what there is.
    Immediate,
    /// Answered after so long at the latest: for buckets that are at their end, apart from the others, so that they never hold them back.
    Held(Duration),
}

/// One bucket of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FetchBucket {
    pub(crate) bucket: TableBucket,
    pub(crate) generation: u64,
    pub(crate) offset: i64,
    pub(crate) max_bytes: usize,
}

/// One fetch request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FetchPlan {
    pub(crate) server: i32,
    pub(crate) kind: FetchKind,
    pub(crate) unprojected: bool,
    pub(crate) max_bytes: usize,
    pub(crate) buckets: Arc<[FetchBucket]>,
    /// The watch that asks, if all its buckets are at their end.
    pub(crate) watch: Option<WatchPlan>,
}

/// What is remembered for the next request of a watch, as long as its buckets stay the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WatchPlan {
    pub(crate) id: u64,
    /// The message, once it was encoded, without the wait.
    pub(crate) message: Arc<OnceLock<Bytes>>,
    /// The last answer that brought nothing; empty if there was none.
    pub(crate) nothing: Bytes,
}

/// How a fetch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FetchEnd {
    /// With the very answer that brought nothing the last time.
    Same,
    /// With this answer, which each bucket has taken in.
    Answer(Bytes),
    /// With a failure, which each bucket has taken in.
    Failed,
}

/// One read of a remote segment.
#[derive(Debug, Clone)]
pub(crate) struct RemotePlan {
    pub(crate) bucket: TableBucket,
    pub(crate) generation: u64,
    pub(crate) offset: i64,
    pub(crate) cursor: RemoteCursor,
    pub(crate) max_bytes: usize,
}

/// One question for an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResolvePlan {
    pub(crate) bucket: TableBucket,
    pub(crate) generation: u64,
    pub(crate) start: StartOffset,
}

/// Everything that can be started now.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) fetches: Vec<FetchPlan>,
    pub(crate) remote: Vec<RemotePlan>,
    pub(crate) resolve: Vec<ResolvePlan>,
    /// Buckets whose leader is not known.
    pub(crate) unrouted: Vec<TableBucket>,
    /// When to plan again at the latest, because pauses end.
    pub(crate) wake_at: Option<Instant>,
}

impl Plan {
    /// Plans again at this instant at the latest.
    pub(super) fn wake_by(&mut self, at: Instant) {
        self.wake_at = Some(self.wake_at.map_or(at, |wake_at| wake_at.min(at)));
    }
}
