//! A running cluster, as its user holds it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fluss_wire::version::ServerType;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::fault::{FaultHandle, Rule};
use crate::network::{Gatekeeper, Network};
use crate::port::Port;
use crate::running::Running;
use crate::server::{self, Server};
use crate::server_id::ServerId;
use crate::settings::Settings;
use crate::state::{Node, Shared};

/// The host of servers in memory, reserved for documentation by RFC 5737.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The port of the coordinator in memory.
const FIRST_PORT: u16 = 9123;
/// How many times to try to bind a port that a server has just left.
const BIND_ATTEMPTS: u32 = 100;
const BIND_PAUSE: Duration = Duration::from_millis(20);

/// A running cluster: a coordinator and tablet servers. Dropping it stops them all.
pub struct MockCluster {
    pub(crate) shared: Arc<Shared>,
    pub(crate) running: Running,
    pub(crate) notices_after: Duration,
    network: Network,
    in_memory: bool,
    next_port: AtomicU16,
    /// The servers, each with its connections; dropping the set ends them.
    tasks: Mutex<JoinSet<()>>,
}

impl MockCluster {
    /// Returns the addresses of the tablet servers as `HOST:PORT,HOST:PORT`, for the bootstrap servers of a client.
    pub fn bootstrap_servers(&self) -> String {
        let addresses = self.tablet_servers();
        let addresses = addresses.iter().map(ToString::to_string);
        addresses.collect::<Vec<_>>().join(",")
    }

    /// Returns the address of the coordinator; the last one if it is down.
    pub fn coordinator(&self) -> SocketAddr {
        let address = self.running.address(ServerId::Coordinator);
        address.unwrap_or(SocketAddr::from((NOWHERE, FIRST_PORT)))
    }

    /// Returns the addresses of the tablet servers in the order of their ids, which start at 0. A server that is down
    /// has its last address.
    pub fn tablet_servers(&self) -> Vec<SocketAddr> {
        self.running.tablet_servers()
    }

    /// Returns a dialer that reaches the servers in process, without sockets.
    pub fn network(&self) -> Network {
        self.network.clone()
    }

    /// Adds a fault rule, which applies from the next request or connection. See [`fault`](crate::fault).
    pub fn inject(&self, rule: Rule) -> FaultHandle {
        self.shared.faults.inject(rule)
    }

    /// Removes all fault rules.
    pub fn remove_faults(&self) {
        self.shared.faults.remove_all();
    }

    pub(crate) async fn launch(settings: Settings) -> io::Result<Self> {
        let ids = 0..i32::from(settings.tablet_servers);
        let servers = std::iter::once(ServerId::Coordinator).chain(ids.map(ServerId::Tablet));
        let mut places = Vec::new();
        for (server, port) in servers.zip(FIRST_PORT..) {
            if settings.in_memory {
                places.push((server, None, SocketAddr::from((NOWHERE, port))));
            } else {
                let (listener, address) = bind(0).await?;
                places.push((server, Some(listener), address));
            }
        }
        let nodes = places.iter().filter_map(|(server, _, address)| {
            let ServerId::Tablet(id) = *server else {
                return None;
            };
            let address = *address;
            Some(Node { id, address })
        });
        let coordinator = places
            .first()
            .map_or(SocketAddr::from((NOWHERE, 0)), |place| place.2);
        let shared = Arc::new(Shared::new(&settings, coordinator, nodes.collect()));
        let cluster = Self {
            shared,
            running: Running::default(),
            notices_after: settings.notices_after,
            network: Network::new(),
            in_memory: settings.in_memory,
            next_port: AtomicU16::new(FIRST_PORT + settings.tablet_servers + 1),
            tasks: Mutex::default(),
        };
        for (server, listener, address) in places {
            cluster.open(server, listener, address);
        }
        Ok(cluster)
    }

    /// Makes a server that is down accept connections again, on this port.
    pub(crate) async fn launch_server(
        &self,
        server: ServerId,
        port: Port,
    ) -> io::Result<SocketAddr> {
        let last = self.running.address(server).map(|last| last.port());
        let wanted = match port {
            Port::Same => last,
            Port::Other => None,
            Port::At(port) => Some(port),
        };
        let (listener, address) = if self.in_memory {
            let next = || self.next_port.fetch_add(1, Ordering::Relaxed);
            let port = wanted.unwrap_or_else(next);
            (None, SocketAddr::from((NOWHERE, port)))
        } else {
            let (listener, address) = bind(wanted.unwrap_or(0)).await?;
            (Some(listener), address)
        };
        self.open(server, listener, address);
        Ok(address)
    }

    fn open(&self, id: ServerId, listener: Option<TcpListener>, address: SocketAddr) {
        let (kind, number) = match id {
            ServerId::Coordinator => (ServerType::Coordinator, 0),
            ServerId::Tablet(number) => (ServerType::TabletServer, number),
        };
        let server = Server {
            kind,
            id: number,
            shared: Arc::clone(&self.shared),
        };
        let gatekeeper = Gatekeeper::new(id, self.shared.faults.clone());
        let streams = self.network.open(address, gatekeeper.clone());
        let task = self.spawn(server::accept(listener, streams, gatekeeper, server));
        self.running.start(id, address, task);
    }

    /// Closes the connections of a server, and makes it unreachable.
    pub(crate) fn cut_off(&self, server: ServerId) {
        if let Some(address) = self.running.stop(server) {
            self.network.close(address);
        }
    }

    /// Runs a task until the cluster is dropped.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        self.network.close_all();
    }
}

/// Binds a port of the loopback interface, or any free one for 0. Retries for a while if it is in use: a server may
/// just have left it.
async fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let mut attempt = 1;
    loop {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                let address = listener.local_addr()?;
                return Ok((listener, address));
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < BIND_ATTEMPTS => {
                attempt += 1;
                sleep(BIND_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

impl fmt::Debug for MockCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockCluster")
            .field("coordinator", &self.coordinator())
            .field("tablet_servers", &self.tablet_servers())
            .finish_non_exhaustive()
    }
}
