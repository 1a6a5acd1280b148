//! What was fetched and not yet handed out, in the order of the log.

use std::collections::VecDeque;

/// Names one answer of one bucket that is being decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(pub(super) u64);

/// One answer of one bucket: first a promise, then its batches as they are decoded.
#[derive(Debug)]
pub(super) struct Slot<C> {
    pub(super) ticket: Ticket,
    /// Offset after the batches that were decoded, empty ones included; at first the offset that was asked for.
    pub(super) decoded_to: i64,
    /// Offset after everything in the answer, empty batches included.
    pub(super) end_offset: i64,
    pub(super) bytes: usize,
    /// Bytes that decoding added to them.
    pub(super) unpacked_bytes: usize,
    pub(super) chunks: VecDeque<Pending<C>>,
    /// Whether all its batches are here.
    pub(super) done: bool,
}

/// A batch with the first row that was not handed out.
#[derive(Debug)]
pub(super) struct Pending<C> {
    pub(super) chunk: C,
    pub(super) next_row: usize,
}
