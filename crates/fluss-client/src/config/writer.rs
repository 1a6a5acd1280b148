//! Choices of writers.

use std::fmt;

/// Replicas that must have a batch before the server acknowledges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acks {
    /// All in-sync replicas (−1 in the protocol). What idempotence needs.
    #[default]
    All,
    /// The leader alone.
    Leader,
    /// None. Servers of release 0.9.1 answer as with [`Acks::Leader`], once the leader has written.
    None,
}

impl Acks {
    /// The number in the protocol. Source: `FlussApi.proto: ProduceLogRequest.acks`.
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

/// How rows of a table without a bucket key choose their bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BucketAssigner {
    /// One bucket until its batch is full, then another one that has a leader.
    #[default]
    Sticky,
    /// Each row the next bucket.
    RoundRobin,
}
