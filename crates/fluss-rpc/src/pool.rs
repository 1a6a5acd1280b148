//! The connections to the servers of a cluster, dialed once and shared.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use fluss_metadata::{ServerKind, ServerNode};
use fluss_wire::api::ApiKey;
use fluss_wire::version::ServerType;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::config::RpcConfig;
use crate::connection::{Connection, Target, connect};
use crate::deadline::until;
use crate::error::{Phase, Result, RpcError};
use crate::lane::Lane;
use crate::metrics::{ApiMetrics, RpcStats};
use crate::retry::RetryPolicy;
use crate::transport::Dialer;

/// Connections by server. Cheap to clone, and usable from any thread, on any runtime or none. All connections are
/// closed with the last clone.
#[derive(Clone)]
pub struct ConnectionPool {
    inner: Arc<Inner>,
    _last_handle: Arc<CloseOnDrop>,
}

/// State shared by the handles and the running dials.
struct Inner {
    config: RpcConfig,
    dialer: Arc<dyn Dialer>,
    runtime: Handle,
    metrics: Arc<ApiMetrics>,
    closed: CancellationToken,
    entries: Mutex<HashMap<EntryKey, PoolEntry>>,
}

struct CloseOnDrop(Arc<Inner>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Held by a task that does nothing. It is dropped when the pool is closed or when its runtime ends, and all
/// connections with it. Later callers get an error instead of waiting for tasks that never run.
struct CloseWithRuntime(Weak<Inner>);

impl Drop for CloseWithRuntime {
    fn drop(&mut self) {
        if let Some(inner) = self.0.upgrade() {
            inner.close();
        }
    }
}

/// The server, and the index of the connection to it.
type EntryKey = (ServerKind, i32, usize);

type Dial = Shared<BoxFuture<'static, Result<Connection>>>;

struct PoolEntry {
    address: (String, u16),
    stage: Stage,
    /// Consecutive failed dials.
    failures: u32,
    not_before: Option<Instant>,
}

enum Stage {
    Idle,
    Dialing(Dial),
    Live(Connection),
}

impl ConnectionPool {
    /// Creates a pool whose connections run on `runtime`, which must have time and I/O enabled. The pool is closed
    /// when that runtime ends.
    pub fn new(config: RpcConfig, dialer: Arc<dyn Dialer>, runtime: Handle) -> Self {
        let inner = Arc::new(Inner {
            config,
            dialer,
            runtime,
            metrics: Arc::default(),
            closed: CancellationToken::new(),
            entries: Mutex::default(),
        });
        let (closed, end) = (
            inner.closed.clone(),
            CloseWithRuntime(Arc::downgrade(&inner)),
        );
        inner.runtime.spawn(async move {
            let _end = end;
            closed.cancelled().await;
        });
        Self {
            _last_handle: Arc::new(CloseOnDrop(Arc::clone(&inner))),
            inner,
        }
    }

    /// A connection to a server, dialed if there is none. Lanes that are equal modulo the number of connections to a
    /// server get the same one.
    ///
    /// Callers wait for a dial that is already running. After a failed dial, the next one backs off. A server that
    /// has moved to another address is dialed there.
    ///
    /// # Errors
    ///
    /// The error of the dial, which is the same for all its callers, or a timeout at `deadline`.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the dial continues for other and later callers.
    pub async fn get(
        &self,
        server: &ServerNode,
        lane: Lane,
        deadline: Instant,
    ) -> Result<Connection> {
        self.get_for(ApiKey::ApiVersions, server, lane, deadline)
            .await
    }

    /// Like [`get`](Self::get), with the API it is for.
    pub(crate) async fn get_for(
        &self,
        api: ApiKey,
        server: &ServerNode,
        lane: Lane,
        deadline: Instant,
    ) -> Result<Connection> {
        let dial = match self.inner.entry(server, lane)? {
            Found::Live(connection) => return Ok(connection),
            Found::Dial(dial) => dial,
        };
        let started = Instant::now();
        until(&self.inner.runtime, deadline, dial)
            .await
            .unwrap_or_else(|| {
                Err(RpcError::Timeout {
                    api,
                    server: format!("{}:{}", server.host(), server.port()).into(),
                    phase: Phase::Dial,
                    waited: started.elapsed(),
                })
            })
    }

    /// Dials a separate connection to an address, for bootstrapping. Runs on the pool's runtime.
    pub(crate) async fn dial_once(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Connection> {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = self.inner.config.connect_timeout.min(left);
        self.inner
            .dial(&Target::new(host, port, None, timeout))
            .await
    }

    /// Adopts a connection dialed for bootstrapping, now that its server is known. If it is not needed, it is closed
    /// with its last handle.
    pub(crate) fn adopt(&self, server: &ServerNode, connection: Connection) {
        let address = (server.host(), server.port());
        let mut entries = self.inner.entries();
        if self.inner.closed.is_cancelled() {
            return;
        }
        let entry = entries
            .entry((server.kind(), server.id(), 0))
            .or_insert_with(|| PoolEntry::new(address));
        if entry.is_at(address) && matches!(entry.stage, Stage::Idle) {
            entry.stage = Stage::Live(connection);
        }
    }

    /// Returns whether a request can be sent without dialing.
    pub(crate) fn is_connected(&self, server: &ServerNode) -> bool {
        let entries = self.inner.entries();
        entries
            .get(&(server.kind(), server.id(), 0))
            .is_some_and(|entry| {
                entry.is_at((server.host(), server.port()))
                    && matches!(&entry.stage, Stage::Live(live) if !live.is_closed())
            })
    }

    /// Closes all connections and cancels all dials. Later calls fail.
    pub fn close(&self) {
        self.inner.close();
    }

    /// A token that is canceled when the pool is closed.
    pub(crate) fn closed(&self) -> &CancellationToken {
        &self.inner.closed
    }

    /// Returns the runtime of the connections.
    pub fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    /// Returns the number of open connections.
    pub fn open_connections(&self) -> usize {
        let entries = self.inner.entries();
        entries
            .values()
            .filter(|entry| matches!(&entry.stage, Stage::Live(live) if !live.is_closed()))
            .count()
    }

    /// Returns the totals sent and received over all connections.
    pub fn stats(&self) -> RpcStats {
        self.inner.metrics.stats(self.open_connections())
    }

    pub(crate) fn config(&self) -> &RpcConfig {
        &self.inner.config
    }
}

/// The result of looking for a connection.
enum Found {
    Live(Connection),
    Dial(Dial),
}

impl Inner {
    fn entries(&self) -> MutexGuard<'_, HashMap<EntryKey, PoolEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection to a server, or the dial that will provide one.
    fn entry(self: &Arc<Self>, server: &ServerNode, lane: Lane) -> Result<Found> {
        let lane = lane.index() % self.config.connections_per_server.max(1);
        let key = (server.kind(), server.id(), lane);
        let address = (server.host(), server.port());
        let mut entries = self.entries();
        if self.closed.is_cancelled() {
            return Err(RpcError::Closed);
        }
        if let Some(entry) = entries.get(&key)
            && entry.is_at(address)
        {
            match &entry.stage {
                Stage::Live(live) if !live.is_closed() => return Ok(Found::Live(live.clone())),
                // A dial that has a result and is still here ended with a panic of the dialer.
                Stage::Dialing(dial) if dial.peek().is_none() => {
                    return Ok(Found::Dial(dial.clone()));
                }
                Stage::Live(_) | Stage::Dialing(_) | Stage::Idle => {}
            }
        }
        // Dials are rare enough to clean up the other entries as well.
        let now = Instant::now();
        entries.retain(|other, entry| *other == key || entry.is_of_use(now));
        let entry = entries
            .entry(key)
            .or_insert_with(|| PoolEntry::new(address));
        if !entry.is_at(address) {
            debug!(%server, from = ?entry.address, "the server has moved");
            *entry = PoolEntry::new(address);
        }
        let dial = self.spawn_dial(key, server, entry.not_before);
        entry.stage = Stage::Dialing(dial.clone());
        Ok(Found::Dial(dial))
    }

    /// Dials on the pool's runtime, where the dial continues even if callers stop waiting.
    fn spawn_dial(
        self: &Arc<Self>,
        key: EntryKey,
        server: &ServerNode,
        not_before: Option<Instant>,
    ) -> Dial {
        let expected = match server.kind() {
            ServerKind::Coordinator => ServerType::Coordinator,
            ServerKind::TabletServer => ServerType::TabletServer,
        };
        let timeout = self.config.connect_timeout;
        let target = Target::new(server.host(), server.port(), Some(expected), timeout);
        let address = (server.host().to_owned(), server.port());
        let inner = Arc::clone(self);
        let server = format!("{}:{}", address.0, address.1);
        let task = self.runtime.spawn(async move {
            if let Some(not_before) = not_before {
                tokio::select! {
                    biased;
                    () = sleep_until(not_before) => {}
                    () = inner.closed.cancelled() => return Err(RpcError::Closed),
                }
            }
            let outcome = inner.dial(&target).await;
            inner.on_dialed(key, &address, outcome)
        });
        async move {
            match task.await {
                Ok(outcome) => outcome,
                Err(error) if error.is_panic() => Err(RpcError::Connect {
                    server: server.into(),
                    source: Arc::new(io::Error::other("the dialer panicked")),
                }),
                Err(_) => Err(RpcError::Closed),
            }
        }
        .boxed()
        .shared()
    }

    async fn dial(&self, target: &Target) -> Result<Connection> {
        let metrics = Arc::clone(&self.metrics);
        tokio::select! {
            biased;
            outcome = connect(self.dialer.as_ref(), target, &self.config, &self.runtime, metrics) => outcome,
            () = self.closed.cancelled() => Err(RpcError::Closed),
        }
    }

    fn on_dialed(
        &self,
        key: EntryKey,
        address: &(String, u16),
        outcome: Result<Connection>,
    ) -> Result<Connection> {
        let mut entries = self.entries();
        if self.closed.is_cancelled() {
            return Err(RpcError::Closed);
        }
        // The waiting callers get the connection even if the server has moved since: it works.
        if let Some(entry) = entries.get_mut(&key)
            && entry.address == *address
        {
            if let Ok(connection) = &outcome {
                entry.stage = Stage::Live(connection.clone());
                entry.failures = 0;
                entry.not_before = None;
            } else {
                entry.stage = Stage::Idle;
                entry.failures = entry.failures.saturating_add(1);
                let pause = RetryPolicy::DIAL.random_pause(entry.failures, &self.config.chance);
                entry.not_before = Some(Instant::now() + pause);
            }
        }
        outcome
    }

    fn close(&self) {
        let entries = {
            let mut entries = self.entries();
            self.closed.cancel();
            std::mem::take(&mut *entries)
        };
        for entry in entries.into_values() {
            if let Stage::Live(connection) = entry.stage {
                connection.close();
            }
        }
    }
}

impl PoolEntry {
    fn new((host, port): (&str, u16)) -> Self {
        Self {
            address: (host.to_owned(), port),
            stage: Stage::Idle,
            failures: 0,
            not_before: None,
        }
    }

    fn is_at(&self, (host, port): (&str, u16)) -> bool {
        self.address.0 == host && self.address.1 == port
    }

    /// Whether it still has a purpose, unlike an ended connection.
    fn is_of_use(&self, now: Instant) -> bool {
        match &self.stage {
            Stage::Live(connection) => !connection.is_closed(),
            Stage::Dialing(_) => true,
            Stage::Idle => self.not_before.is_some_and(|not_before| {
                now.saturating_duration_since(not_before) < RetryPolicy::DIAL.max * 10
            }),
        }
    }
}

impl fmt::Debug for ConnectionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionPool")
            .field("open", &self.open_connections())
            .finish_non_exhaustive()
    }
}
