//! One batch: what it carries in its header, and what the engine knows of it.

use std::time::Instant;

use crate::error::Error;

/// A batch, for as long as the engine has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BatchId(pub(in crate::engine::write) u64);

/// What a batch carries in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Id of the writer; −1 without idempotence.
    pub(crate) writer_id: i64,
    /// Number of the batch in its bucket; −1 without idempotence.
    pub(crate) sequence: i32,
}

impl Stamp {
    /// What a batch carries without idempotence.
    pub(crate) const NONE: Self = Self {
        writer_id: -1,
        sequence: -1,
    };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Its bytes are being made.
    Sealing,
    Ready,
    InFlight,
}

#[derive(Debug)]
pub(in crate::engine::write) struct Batch<P> {
    pub(in crate::engine::write) id: BatchId,
    pub(in crate::engine::write) payload: P,
    /// Batches of different groups never share a request.
    pub(in crate::engine::write) group: u64,
    /// Size in bytes, once sealed.
    pub(in crate::engine::write) bytes: usize,
    pub(in crate::engine::write) deadline: Instant,
    pub(super) state: State,
    pub(super) sequence: Option<i32>,
    pub(in crate::engine::write) attempts: u32,
    pub(super) may_be_written: bool,
    /// Why the last attempt failed.
    pub(super) last_error: Option<Error>,
}

impl<P> Batch<P> {
    pub(in crate::engine::write) fn new(
        id: BatchId,
        payload: P,
        group: u64,
        deadline: Instant,
    ) -> Self {
        Self {
            id,
            payload,
            group,
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
