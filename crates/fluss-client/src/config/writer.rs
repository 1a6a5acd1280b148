//! Enums for the writer settings.

use std::fmt;

/// Replicas that must have a batch before the server acknowledges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Acks {
    /// All in-sync replicas (−1 in the protocol). Required for idempotent writes.
    #[default]
    All,
    /// Only the leader.
    Leader,
    /// None. Servers of release 0.9.1 answer once the leader has written, as with [`Acks::Leader`].
    None,
}

impl Acks {
    /// Returns the number in the protocol. Source: `FlussApi.proto: ProduceLogRequest.acks`.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::All => -1,
            Self::Leader => 1,
            Self::None => 0,
        }
    }
}

impl fmt::Display for Acks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Leader => "1",
            Self::None => "0",
        })
    }
}

/// How buckets are chosen for rows of a table without a bucket key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BucketAssigner {
    /// Fills the batch of one bucket, then continues with another bucket that has a leader.
    #[default]
    Sticky,
    /// Uses the next bucket for each row.
    RoundRobin,
}
