//! The scanner's decisions: which bucket to ask for next and how much, what an answer means, what `poll` hands out.
//!
//! Pure: bytes are counted and instants are passed in; nothing here waits, locks or reads a clock. `crate::scan` drives it.

mod answer;
mod bound;
mod bucket;
mod buffer;
mod decoded;
mod outcome;
mod plan;
mod remote;
mod request;
mod start;
mod state;
mod tail;
mod take;
mod waking;
mod watch;
mod watches;

pub(crate) use answer::Answer;
pub(crate) use bound::BatchHeader;
pub(crate) use bucket::Chunk;
pub(crate) use buffer::Ticket;
pub(crate) use outcome::{FetchFault, judge};
pub(crate) use remote::{RemoteCursor, RemoteSegment};
pub(crate) use request::{
    FetchBucket, FetchEnd, FetchKind, FetchPlan, Plan, RemotePlan, ResolvePlan,
};
pub(crate) use start::StartOffset;
pub use start::{EARLIEST_OFFSET, LATEST_OFFSET, OffsetReset};
pub(crate) use state::{Limits, ScanEngine};
pub(crate) use tail::Tail;
pub(crate) use take::{Take, Taken};

#[cfg(test)]
mod bound_tests;
#[cfg(test)]
mod tests;
