//! The connection to a cluster: what everything else is made from.

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
pub(crate) use crate::session::Session as ConnectionInner;
use crate::session::Session;
use crate::stats::ConnectionStats;
use crate::table::FlussTable;
use crate::turn::take_turn;

/// A connection to a Fluss cluster.
///
/// Thread-safe and cheap to clone: make one and share it. All tables, writers, scanners and lookups made from it share its sockets, its
/// view of the cluster and its write buffer. Sockets are opened when they are first needed and closed when the last handle made from
/// the connection is gone.
///
/// Its tasks run on the runtime it was made on, or on a thread of its own (see [`Config::driver_placement`]). When that runtime ends, the
/// connection is closed: whatever is called on it from then on, or was still waiting, fails with
/// [`ErrorKind::Closed`](crate::error::ErrorKind::Closed) at once.
#[derive(Clone)]
pub struct FlussConnection {
    session: Arc<Session>,
}

impl FlussConnection {
    /// Connects: checks the configuration, reaches one of the bootstrap servers and learns the cluster from it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::error::ErrorKind::Config) for a wrong field; [`ErrorKind::Authentication`](crate::error::ErrorKind::Authentication)
    /// when the server refuses the credentials; otherwise why the last bootstrap server tried could not be used.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the attempt and closes what it opened.
    pub async fn new(config: Config) -> Result<Self> {
        Self::builder(config).connect().await
    }

    /// Connects otherwise than over TCP, such as through a tunnel or to a cluster inside the process.
    pub fn builder(config: Config) -> ConnectionBuilder {
        ConnectionBuilder {
            config,
            dialer: None,
            seed: None,
        }
    }

    /// As [`new`](Self::new), over streams that `dialer` makes.
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

    /// The administration of databases, tables and partitions.
    ///
    /// # Errors
    ///
    /// None today; the documented API leaves room for them.
    ///
    /// # Cancel safety
    ///
    /// Nothing is under way while it is awaited.
    pub async fn get_admin(&self) -> Result<FlussAdmin> {
        take_turn().await;
        Ok(FlussAdmin::new(self.session.open_context()))
    }

    /// A handle to the table at `path`, as it is defined now.
    ///
    /// The handle owns what it needs: it may outlive this value and move into tasks.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::error::ErrorKind::NotFound) if there is no such table.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the request; nothing else is left behind.
    pub async fn get_table(&self, path: &TablePath) -> Result<FlussTable> {
        take_turn().await;
        let failed = |error: Error| error.during("get_table").of_table(path);
        let session = &self.session;
        let info = fetch_table_info(session, path).await.map_err(failed)?;
        // What was known may be of a table of that name that was dropped.
        session.cluster.note_table(path, info.table_id());
        session
            .schemas
            .insert(info.table_id(), info.schema_id(), info.schema().clone());
        Ok(FlussTable::new(Arc::clone(session), info))
    }

    /// The configuration this connection was made with.
    pub fn config(&self) -> &Config {
        &self.session.config
    }

    /// What the connection did so far: requests by API, the write buffer, rows written, lookups. Cheap; needs no recorder of metrics.
    pub fn stats(&self) -> ConnectionStats {
        self.session.stats()
    }

    /// Sends what the writers still hold, waits for the answers at most `timeout`, then closes every socket.
    ///
    /// Every handle made from the connection fails from then on with [`ErrorKind::Closed`](crate::error::ErrorKind::Closed).
    ///
    /// # Errors
    ///
    /// The first failed write that neither a `flush` nor the result of its row has told, or a timeout that tells how much was not sent.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the connection stays open or is closed half-way; calling it again finishes.
    pub async fn close(&self, timeout: Duration) -> Result<()> {
        take_turn().await;
        self.session.close(timeout).await
    }
}

/// How a connection is to be made; [`FlussConnection::builder`] begins it.
#[derive(Debug)]
#[must_use = "nothing is connected before `connect` is awaited"]
pub struct ConnectionBuilder {
    config: Config,
    dialer: Option<Arc<dyn Dialer>>,
    seed: Option<u64>,
}

impl ConnectionBuilder {
    /// What makes the streams to servers, for each host and port that the configuration or the cluster names. Over TCP unless set.
    pub fn dialer(mut self, dialer: Arc<dyn Dialer>) -> Self {
        self.dialer = Some(dialer);
        self
    }

    /// From what the random numbers follow that spread repetitions and choose among servers, so that a test with paused time does the
    /// same each time. Nobody can foresee them unless set.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Connects, as [`FlussConnection::new`] does.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
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
            .field("bootstrap_server", &self.session.config.bootstrap_server)
            .finish_non_exhaustive()
    }
}
