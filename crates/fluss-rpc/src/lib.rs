//! RPC with a Fluss cluster: connections, handshake, pool, a view of the cluster, and calls routed to the right
//! server.
//!
//! - [`Connection`]: one socket, driven by one task; requests are pipelined and matched by id, each with a deadline.
//! - [`ConnectionPool`]: connections by server, dialed once and shared.
//! - [`Cluster`]: bootstrap, [`ClusterView`], and calls to the coordinator, any server, a bucket's leader.
//! - [`Dialer`]: where streams come from; TCP by default.
//! - [`RetryPolicy`]: pauses between attempts.
//!
//! All tasks run on the `tokio` runtime that you pass when you create a pool or cluster. You can use handles from any
//! other runtime, or from none. Every wait has a deadline: a server that is silent, slow or sends garbage causes an
//! error, never a hang.
//!
//! Non-goals: it knows nothing about rows, and retries no request that the API table does not mark as safe to retry.
//!
//! ```no_run
//! use fluss_rpc::{Cluster, RpcConfig};
//! use fluss_wire::message::ListDatabasesRequest;
//!
//! # async fn example() -> Result<(), fluss_rpc::RpcError> {
//! let bootstrap = vec![("localhost".to_owned(), 9123)];
//! let cluster = Cluster::connect(RpcConfig::default(), bootstrap, tokio::runtime::Handle::current()).await?;
//! let databases = cluster.call_any(&ListDatabasesRequest::default()).await?;
//! println!("{:?}", databases.database_name);
//! # Ok(())
//! # }
//! ```

// docs.rs sets it: items that need a feature say so.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod chance;
mod cluster;
mod config;
mod connection;
mod deadline;
mod error;
mod lane;
mod message;
mod metrics;
mod pool;
mod retry;
mod transport;

pub use chance::Chance;
pub use cluster::{Cluster, ClusterView, ListedPartition};
pub use config::{RpcConfig, Secret, Security};
pub use connection::Connection;
pub use error::{DisconnectCause, Phase, Result, RpcError};
pub use lane::Lane;
pub use message::{path_message, spec_message};
pub use metrics::{ApiStats, METRICS, Metric, MetricKind, RpcStats};
pub use pool::ConnectionPool;
pub use retry::RetryPolicy;
pub use transport::{Dialer, TcpDialer, Transport};
