//! The connection to a cluster, from which you create everything else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fluss_metadata::TablePath;
use fluss_rpc::{Chance, Cluster, Dialer, TcpDialer};
use tracing::debug;

use crate::admin::{FlussAdmin, fetch_table_info};
use crate::config::Config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::rpc_config::rpc_config;
use crate::runtime::Drivers;
use crate::schema_cache::SchemaCache;
use crate::session::Session;
use crate::stats::ConnectionStats;
use crate::table::FlussTable;
use crate::turn::take_turn;

/// A connection to a Fluss cluster.
///
/// Thread-safe and cheap to clone: create one and share it. All tables, writers, scanners and lookups created from it
/// share its sockets, its view of the cluster and its write buffer. Sockets are opened when they are first needed,
/// and closed when the last handle created from the connection is dropped.
///
/// Its tasks run on the runtime it was created on, or on a dedicated thread (see [`Config::driver_placement`]). When
/// that runtime ends, the connection is closed: calls in progress and later calls immediately fail with
/// [`ErrorKind::Closed`](crate::error::ErrorKind::Closed).
#[derive(Clone)]
pub struct FlussConnection {
    session: Arc<Session>,
}

impl FlussConnection {
    /// Connects to a cluster: validates the configuration, connects to one of the bootstrap servers and fetches the
    /// metadata of the cluster.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::error::ErrorKind::Config) for an invalid setting;
    /// [`ErrorKind::Authentication`](crate::error::ErrorKind::Authentication) if the server rejects the credentials;
    /// otherwise the reason why the last bootstrap server could not be used.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, opened connections are closed.
    pub async fn new(config: Config) -> Result<Self> {
        Self::builder(config).connect().await
    }

    /// Builds a connection over a custom transport, such as a tunnel or an in-process cluster.
    pub fn builder(config: Config) -> ConnectionBuilder {
        ConnectionBuilder {
            config,
            dialer: None,
            seed: None,
        }
    }

    /// Equivalent to [`new`](Self::new) over streams created by `dialer`.
    #[cfg(test)]
    pub(crate) async fn with_dialer(config: Config, dialer: Arc<dyn Dialer>) -> Result<Self> {
        Self::builder(config).dialer(dialer).connect().await
    }

    async fn with_chance(config: Config, dialer: Arc<dyn Dialer>, chance: Chance) -> Result<Self> {
        config.validate()?;
        let drivers = Drivers::start(config.driver_placement)?;
        let mut rpc = rpc_config(&config);
        rpc.chance = chance;
        let cluster = Cluster::connect_with(
            rpc,
            config.bootstrap_addresses()?,
            dialer,
            drivers.handle().clone(),
        )
        .await
        .map_err(|error| Error::from(error).during("connect"))?;
        debug!(bootstrap = %config.bootstrap_server, "connected");
        Ok(Self {
            session: Session::new(Context {
                config: Arc::new(config),
                drivers,
                cluster,
                schemas: SchemaCache::default(),
            }),
        })
    }

    /// Returns the admin for databases, tables and partitions.
    ///
    /// # Errors
    ///
    /// Currently never fails; the documented API allows errors.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: does no I/O.
    pub async fn get_admin(&self) -> Result<FlussAdmin> {
        take_turn().await;
        Ok(FlussAdmin::new(self.session.open_context()))
    }

    /// Returns a handle to the table at `path`, with its current definition.
    ///
    /// The handle owns what it needs: it can outlive this value and move into tasks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::error::ErrorKind::NotFound) if the table does not exist.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_table(&self, path: &TablePath) -> Result<FlussTable> {
        take_turn().await;
        let failed = |error: Error| error.during("get_table").of_table(path);
        let context = self.session.context();
        let info = fetch_table_info(context, path).await.map_err(failed)?;
        // The cached metadata may belong to a dropped table with the same name.
        context.cluster.note_table(path, info.table_id());
        context
            .schemas
            .insert(info.table_id(), info.schema_id(), info.schema().clone());
        Ok(FlussTable::new(Arc::clone(&self.session), info))
    }

    /// Returns the configuration of this connection.
    pub fn config(&self) -> &Config {
        &self.session.context().config
    }

    /// Returns totals since the connection was created: requests by API, the write buffer, rows written, lookups.
    /// Cheap, and works without a metrics recorder.
    pub fn stats(&self) -> ConnectionStats {
        self.session.stats()
    }

    /// Sends what the writers still buffer, waits for the responses for at most `timeout`, then closes all sockets.
    ///
    /// After that, every handle created from the connection fails with
    /// [`ErrorKind::Closed`](crate::error::ErrorKind::Closed).
    ///
    /// # Errors
    ///
    /// Returns the first failed write that neither a `flush` nor the result of its row has returned, or a timeout
    /// error with the number of unsent rows.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if dropped before completion, the connection may stay open or be partially closed. Call it
    /// again to finish.
    pub async fn close(&self, timeout: Duration) -> Result<()> {
        take_turn().await;
        self.session.close(timeout).await
    }
}

/// Builder for a [`FlussConnection`]. Created by [`FlussConnection::builder`].
#[derive(Debug)]
#[must_use = "nothing happens until `connect` is awaited"]
pub struct ConnectionBuilder {
    config: Config,
    dialer: Option<Arc<dyn Dialer>>,
    seed: Option<u64>,
}

impl ConnectionBuilder {
    /// Sets what creates the streams to servers, for each host and port that the configuration or the cluster names.
    /// TCP by default.
    pub fn dialer(mut self, dialer: Arc<dyn Dialer>) -> Self {
        self.dialer = Some(dialer);
        self
    }

    /// Seeds the random numbers used for jitter and server selection, for reproducible tests with paused time. Random
    /// by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Connects, like [`FlussConnection::new`].
    ///
    /// # Errors
    ///
    /// The same as [`FlussConnection::new`].
    ///
    /// # Cancel safety
    ///
    /// The same as [`FlussConnection::new`].
    pub async fn connect(self) -> Result<FlussConnection> {
        take_turn().await;
        let timeout = self.config.connect_timeout;
        let dialer = self
            .dialer
            .unwrap_or_else(|| Arc::new(TcpDialer::new(timeout)));
        let chance = self.seed.map_or_else(Chance::default, Chance::seeded);
        FlussConnection::with_chance(self.config, dialer, chance).await
    }
}

impl fmt::Debug for FlussConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlussConnection")
            .field(
                "bootstrap_server",
                &self.session.context().config.bootstrap_server,
            )
            .finish_non_exhaustive()
    }
}
