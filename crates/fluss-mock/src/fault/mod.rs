//! Fault injection: rules that make requests and connections fail.
//!
//! A rule selects requests by API, server, bucket, connection or a predicate on the decoded message, and how many of
//! them: the third, the first three, one in ten. It then says what happens: instead of the request
//! ([`before`](OnRequest::before)), instead of the response after the request was carried out
//! ([`after`](OnRequest::after)), or to the bytes of the response ([`mangle`](OnRequest::mangle)).
//! [`MockCluster::inject`](crate::MockCluster::inject) activates the rule and returns a [`FaultHandle`], which counts
//! the hits, waits for them, and removes the rule.
//!
//! Rules are tried in the order of their injection. The first one that applies wins; the request does not count as a
//! match of the others.
//!
//! ```
//! use std::time::Duration;
//!
//! use fluss_mock::fault::{self, Fault, Mangle};
//! use fluss_mock::raw::ProduceLogRequest;
//! use fluss_mock::{ApiKey, ErrorCode, MockCluster, ServerId};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> std::io::Result<()> {
//! let cluster = MockCluster::builder().tablet_servers(3).in_memory().start().await?;
//! // The next batch is written, but its response is lost.
//! let lost = cluster.inject(fault::on(ApiKey::ProduceLog).times(1).after(Fault::Close));
//! // Twice, the leader of bucket 2 claims not to be the leader.
//! cluster.inject(
//!     fault::on(ApiKey::ProduceLog)
//!         .bucket(2)
//!         .times(2)
//!         .before(Fault::BucketError(ErrorCode::NOT_LEADER_OR_FOLLOWER)),
//! );
//! // Tablet server 1 is slow when a request has more than one bucket.
//! cluster.inject(
//!     fault::on(ApiKey::ProduceLog)
//!         .server(1)
//!         .when(|request: &ProduceLogRequest| request.buckets_req.len() > 1)
//!         .before(Fault::Delay(Duration::from_secs(2))),
//! );
//! // One response in a hundred is cut off; which ones follows from the seed of the cluster.
//! cluster.inject(fault::on_any().probability(0.01).mangle(Mangle::Cut { after: 9 }));
//! // The coordinator rejects connections, until the rule is removed.
//! let rejects = cluster.inject(fault::on_connect().server(ServerId::Coordinator).reject());
//! rejects.remove();
//! assert_eq!(lost.hits(), 0);
//! # Ok(())
//! # }
//! ```

mod bucketed;
mod kinds;
mod mangle;
mod registry;
mod rule;
mod when;

pub(crate) use bucketed::{INJECTED, with_bucket_errors, without_buckets};
pub(crate) use kinds::ConnectFault;
pub use kinds::{Fault, Mangle};
pub(crate) use mangle::{Mangled, Next};
pub use registry::FaultHandle;
pub(crate) use registry::Faults;
pub(crate) use rule::{Hit, Timing};
pub use rule::{OnConnect, OnRequest, Rule, on, on_any, on_connect};
