//! The connections to the servers of a cluster: dialled once, shared by all.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fluss_metadata::{ServerKind, ServerNode};
use fluss_wire::version::ServerType;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use crate::config::RpcConfig;
use crate::connection::{Connection, connect};
use crate::error::{Result, RpcError};
use crate::retry::{RetryPolicy, chance};
use crate::transport::Dialer;

/// Connections by server. Cheap to clone.
#[derive(Clone)]
pub struct ConnectionPool {
    inner: Arc<Inner>,
}

struct Inner {
    config: RpcConfig,
    dialer: Arc<dyn Dialer>,
    runtime: Handle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    slots: HashMap<SlotKey, Slot>,
}

/// Which server, and which of the connections to it.
type SlotKey = (ServerKind, i32, usize);

type Dial = Shared<BoxFuture<'static, Result<Connection>>>;

struct Slot {
    address: (String, u16),
    connection: Stage,
    failures: u32,
    not_before: Option<Instant>,
}

enum Stage {
    Idle,
    Dialing(Dial),
    Live(Connection),
}

impl ConnectionPool {
    /// A pool whose connections are driven by `runtime`.
    pub fn new(config: RpcConfig, dialer: Arc<dyn Dialer>, runtime: Handle) -> Self {
        Self {
            inner: Arc::new(Inner {
                config,
                dialer,
                runtime,
                state: Mutex::default(),
            }),
        }
    }

    /// A connection to a server, dialled if there is none. Callers with equal `lane` modulo the number of connections to a server get
    /// the same one.
    ///
    /// Whoever asks while a dial is under way waits for that one. After a failed dial the next one waits a moment, longer each time.
    ///
    /// # Errors
    ///
    /// Why the dial failed; all who waited for it get the same error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves a dial to those who still wait for it, or to whoever asks next.
    pub async fn get(&self, server: &ServerNode, lane: usize) -> Result<Connection> {
        let dial = {
            let mut state = self.inner.state();
            if state.closed {
                return Err(RpcError::Closed);
            }
            let lane = lane % self.inner.config.connections_per_server.max(1);
            let key = (server.kind(), server.id(), lane);
            let address = (server.host(), server.port());
            let slot = state.slots.entry(key).or_insert_with(|| Slot::new(address));
            if (slot.address.0.as_str(), slot.address.1) != address {
                debug!(%server, "the server has moved");
                *slot = Slot::new(address);
            }
            match &slot.connection {
                Stage::Live(connection) if !connection.is_closed() => return Ok(connection.clone()),
                Stage::Dialing(dial) => dial.clone(),
                Stage::Idle | Stage::Live(_) => {
                    let dial = self.dial(key, server.clone(), slot.not_before);
                    slot.connection = Stage::Dialing(dial.clone());
                    dial
                }
            }
        };
        dial.await
    }

    /// A connection of its own to an address, for the first contact.
    pub(crate) async fn dial_once(&self, host: &str, port: u16) -> Result<Connection> {
        let inner = Arc::clone(&self.inner);
        let host = host.to_owned();
        let task = self.inner.runtime.spawn(async move {
            connect(
                inner.dialer.as_ref(),
                (&host, port),
                None,
                &inner.config,
                &inner.runtime,
            )
            .await
        });
        task.await.unwrap_or(Err(RpcError::Closed))
    }

    /// Dials on the pool's runtime, where it goes on whoever stops waiting.
    fn dial(&self, key: SlotKey, server: ServerNode, not_before: Option<Instant>) -> Dial {
        let inner = Arc::clone(&self.inner);
        let task = self.inner.runtime.spawn(async move {
            if let Some(not_before) = not_before {
                sleep_until(not_before).await;
            }
            let address = (server.host(), server.port());
            let expected = match server.kind() {
                ServerKind::Coordinator => ServerType::Coordinator,
                ServerKind::TabletServer => ServerType::TabletServer,
            };
            let outcome = connect(
                inner.dialer.as_ref(),
                address,
                Some(expected),
                &inner.config,
                &inner.runtime,
            )
            .await;
            inner.on_dialled(key, address, &outcome);
            outcome
        });
        async move { task.await.unwrap_or(Err(RpcError::Closed)) }
            .boxed()
            .shared()
    }

    /// Closes every connection; whoever asks later gets an error.
    pub fn close(&self) {
        let slots = {
            let mut state = self.inner.state();
            state.closed = true;
            std::mem::take(&mut state.slots)
        };
        for slot in slots.into_values() {
            if let Stage::Live(connection) = slot.connection {
                connection.close();
            }
        }
    }

    /// The runtime that drives the connections.
    pub fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        let state = self.inner.state();
        state
            .slots
            .values()
            .filter(|slot| matches!(&slot.connection, Stage::Live(live) if !live.is_closed()))
            .count()
    }

    pub(crate) fn config(&self) -> &RpcConfig {
        &self.inner.config
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn on_dialled(&self, key: SlotKey, address: (&str, u16), outcome: &Result<Connection>) {
        let mut state = self.state();
        if state.closed {
            if let Ok(connection) = outcome {
                connection.close();
            }
            return;
        }
        let Some(slot) = state.slots.get_mut(&key) else {
            return;
        };
        if (slot.address.0.as_str(), slot.address.1) != address {
            return;
        }
        match outcome {
            Ok(connection) => {
                slot.connection = Stage::Live(connection.clone());
                slot.failures = 0;
                slot.not_before = None;
            }
            Err(error) => {
                slot.connection = Stage::Idle;
                slot.failures = slot.failures.saturating_add(1);
                let pause: Duration = RetryPolicy::DIAL.pause(slot.failures, chance());
                slot.not_before = Some(Instant::now() + pause);
                debug!(%error, ?pause, "dial failed");
            }
        }
    }
}

impl Slot {
    fn new((host, port): (&str, u16)) -> Self {
        Self {
            address: (host.to_owned(), port),
            connection: Stage::Idle,
            failures: 0,
            not_before: None,
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
