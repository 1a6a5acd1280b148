//! What the engine knows of one batch.

use std::time::Instant;

use crate::error::Error;

/// Id of a batch; not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BatchId(pub(in crate::engine::write) u64);

/// Writer id and sequence in the header of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Id of the writer; −1 without idempotence.
    pub(crate) writer_id: i64,
    /// Number of the batch in its bucket; −1 without idempotence.
    pub(crate) sequence: i32,
}

impl Stamp {
    /// Without idempotence.
    pub(crate) const NONE: Self = Self {
        writer_id: -1,
        sequence: -1,
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its rows have not got their final bytes.
    Sealing,
    Ready,
    InFlight,
}

#[derive(Debug)]
pub(in crate::engine::write) struct Batch {
    pub(super) id: BatchId,
    /// Batches of different formats never share a request.
    pub(super) format_id: u64,
    /// Size in bytes, once sealed.
    pub(super) bytes: usize,
    pub(in crate::engine::write) deadline: Instant,
    pub(super) state: State,
    pub(super) sequence: Option<i32>,
    pub(in crate::engine::write) attempts: u32,
    pub(super) may_be_written: bool,
    /// Why the last attempt failed.
    pub(super) last_error: Option<Error>,
}

impl Batch {
    pub(in crate::engine::write) fn new(id: BatchId, format_id: u64, deadline: Instant) -> Self {
        Self {
            id,
            format_id,
            bytes: 0,
            deadline,
            state: State::Sealing,
            sequence: None,
            attempts: 0,
            may_be_written: false,
            last_error: None,
        }
    }
}
