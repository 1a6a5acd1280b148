//! Faults as rules: what goes wrong, and with which requests and connections.
//!
//! A rule says *when*: to which API, at which server, for which bucket, on which connection, if the decoded request is like this, the
//! third time, three times, in every tenth case. And it says *what*: instead of carrying the request out ([`before`](OnRequest::before)),
//! in place of the answer of a request that was carried out ([`after`](OnRequest::after)), or with the bytes of its answer
//! ([`mangle`](OnRequest::mangle)). [`MockCluster::inject`](crate::MockCluster::inject) puts it in force; what that returns counts how
//! often the rule struck, waits until it did, and takes it back.
//!
//! Of several rules in force, the one that was injected first strikes, if it does; the others don't count that request.
//!
//! ```
//! use std::time::Duration;
//!
//! use fluss_mock::fault::{self, Door, Fault, Mangle};
//! use fluss_mock::message::ProduceLogRequest;
//! use fluss_mock::{ApiKey, ErrorCode, MockCluster, ServerId};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> std::io::Result<()> {
//! let cluster = MockCluster::builder().tablet_servers(3).in_memory().start().await?;
//! // The next batch is written, and nobody learns of it.
//! let lost = cluster.inject(fault::on(ApiKey::ProduceLog).times(1).after(Fault::Close));
//! // Bucket 2 is led by somebody else, says its leader twice.
//! cluster.inject(
//!     fault::on(ApiKey::ProduceLog)
//!         .bucket(2)
//!         .times(2)
//!         .before(Fault::BucketError(ErrorCode::NOT_LEADER_OR_FOLLOWER)),
//! );
//! // Tablet server 1 is slow when it gets more than one bucket at once.
//! cluster.inject(
//!     fault::on(ApiKey::ProduceLog)
//!         .server(1)
//!         .when(|request: &ProduceLogRequest| request.buckets_req.len() > 1)
//!         .before(Fault::Delay(Duration::from_secs(2))),
//! );
//! // One answer in a hundred is broken, by the seed of the cluster.
//! cluster.inject(fault::on_any().probability(0.01).mangle(Mangle::Cut { after: 9 }));
//! // The coordinator takes no connection in.
//! let shut = cluster.inject(fault::on_connect().server(ServerId::Coordinator).door(Door::Refuse));
//! shut.lift();
//! assert_eq!(lost.hits(), 0);
//! # Ok(())
//! # }
//! ```

mod buckets;
mod mangle;
mod registry;
mod rule;
mod when;

use std::time::Duration;

use fluss_wire::error_code::ErrorCode;

pub(crate) use buckets::{INJECTED, into_answer, names_bucket, out_of_request};
pub(crate) use mangle::{Mangled, Then};
pub(crate) use registry::Faults;
pub use registry::Injected;
pub use rule::{OnConnect, OnRequest, Rule, on, on_any, on_connect};
pub(crate) use rule::{Strike, What};

/// What happens to a request, before or after it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The answer is this error, for the request as a whole.
    Error(ErrorCode),
    /// The answer has this error for the bucket that the rule is about, or for all buckets of the request if it is about none; other
    /// buckets get what they asked for. As [`Error`](Self::Error) for APIs that don't answer bucket by bucket.
    BucketError(ErrorCode),
    /// There is no answer. The connection goes on.
    Drop,
    /// Everything takes this long. Before the request is carried out, the later requests of the connection wait too, as servers work
    /// through them one by one; after it, only its answer is late.
    Delay(Duration),
    /// The connection falls silent: nothing is read from it any more, and nothing sent. It stays open.
    Stall,
    /// The connection is closed.
    Close,
}

/// What happens to the bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mangle {
    /// So many bytes are sent (one less than all if it is no longer), then the connection is closed.
    Cut {
        /// Bytes, of the length in front too.
        after: usize,
    },
    /// So many bytes are sent (one less than all if it is no longer), then the connection falls silent.
    Half {
        /// Bytes, of the length in front too.
        after: usize,
    },
    /// All bits of a byte are turned over.
    Flip {
        /// Which byte, from the first one of the length on; counted on from the first where the answer is shorter.
        at: usize,
    },
    /// The length in front is this one, whatever follows.
    Length(i32),
    /// The answer is to a request that nobody made.
    RequestId,
    /// The answer comes twice.
    Twice,
    /// The answer comes in small pieces. Answers behind it wait.
    Drip {
        /// Bytes of each piece, at least 1.
        bytes: usize,
        /// Pause in front of each piece.
        every: Duration,
    },
}

/// What happens to somebody who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Door {
    /// The connection is closed at once. Inside the process, it is not made at all.
    Refuse,
    /// The connection is never made: the dial waits for ever. Over TCP, where the operating system makes connections whether a server
    /// wants them or not, as [`Silent`](Self::Silent).
    Ignore,
    /// The connection is made, and nothing is read from it.
    Silent,
}
