//! An in-process cluster for testing code that uses Fluss. It is a test double: its data is in memory.
//!
//! Clients connect over loopback TCP as to any cluster, or in process with [`connect`](crate::mock::connect) or
//! [`dialer`](crate::mock::dialer). In-process streams use no sockets, so tokio's paused clock covers the whole round
//! trip: a call that waits thirty seconds for a silent server completes immediately.
//!
//! ```
//! use std::time::Duration;
//!
//! use fluss::config::Config;
//! use fluss::mock::MockCluster;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = tokio::runtime::Builder::new_current_thread()
//!     .enable_all()
//!     .start_paused(true)
//!     .build()?;
//! runtime.block_on(async {
//!     let cluster = MockCluster::builder().in_memory().start().await?;
//!     let connection = fluss::mock::connect(&cluster, Config::default()).await?;
//!     assert_eq!(connection.get_admin().await?.list_databases().await?, ["fluss"]);
//!     Ok(())
//! })
//! # }
//! ```

use std::io;
use std::pin::Pin;
use std::sync::Arc;

use fluss_client::config::{Config, DriverPlacement};
use fluss_client::error::Result;
use fluss_client::transport::{Dialer, Transport};
use fluss_client::{ConnectionBuilder, FlussConnection};
#[doc(inline)]
pub use fluss_mock::{
    ApiKey, ErrorCode, FaultProxy, MockCluster, MockClusterBuilder, Network, Port, Release,
    Request, ServerId, fault, oracle, raw,
};

/// Connects to `cluster` in process. The bootstrap servers in `config` are replaced by those of the cluster.
///
/// Its tasks run on the runtime of the caller, so that they share its clock, unless `config` requests
/// [a dedicated thread](fluss_client::config::DriverPlacement::OwnThread). On a `current_thread` runtime, a
/// synchronous append to a full write buffer then fails instead of waiting. Use `append_async` to write more than the
/// buffer holds.
///
/// # Errors
///
/// The same as [`FlussConnection::new`].
///
/// # Cancel safety
///
/// The same as [`FlussConnection::new`].
pub async fn connect(cluster: &MockCluster, config: Config) -> Result<FlussConnection> {
    builder(cluster, config).connect().await
}

/// Like [`connect`], but returns a builder for further settings.
pub fn builder(cluster: &MockCluster, mut config: Config) -> ConnectionBuilder {
    config.bootstrap_server = cluster.bootstrap_servers();
    if config.driver_placement == DriverPlacement::Auto {
        // A dedicated thread would have its own clock, which is not paused.
        config.driver_placement = DriverPlacement::CallerRuntime;
    }
    FlussConnection::builder(config).dialer(dialer(cluster))
}

/// Dials the servers of `cluster` in process.
pub fn dialer(cluster: &MockCluster) -> Arc<dyn Dialer> {
    Arc::new(InMemory(cluster.network()))
}

/// Dials the servers of a real cluster through `proxy`, for [`ConnectionBuilder::dialer`].
pub fn through(proxy: Arc<FaultProxy>) -> Arc<dyn Dialer> {
    Arc::new(Through(proxy))
}

#[derive(Debug)]
struct Through(Arc<FaultProxy>);

impl Dialer for Through {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send + 'a>> {
        Box::pin(async move {
            let stream = self.0.dial(host, port).await?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

#[derive(Debug)]
struct InMemory(Network);

impl Dialer for InMemory {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send + 'a>> {
        Box::pin(async move {
            let stream = self.0.dial(host, port).await?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}
