//! The cluster as its user holds it.

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

use crate::fault::{Injected, Rule};
use crate::network::{Network, Porter};
use crate::port::Port;
use crate::running::Running;
use crate::server::{self, Server};
use crate::server_id::ServerId;
use crate::settings::Settings;
use crate::state::{Node, Shared};

/// The host of servers in memory. Source: RFC 5737.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The port of a coordinator in memory.
const FIRST_PORT: u16 = 9123;
/// How often a port is asked for that a server has just left.
const BIND_ATTEMPTS: u32 = 100;
const BIND_PAUSE: Duration = Duration::from_millis(20);

/// A running cluster: a coordinator and tablet servers. Dropping it stops them.
pub struct MockCluster {
    pub(crate) shared: Arc<Shared>,
    pub(crate) running: Running,
    pub(crate) notices_after: Duration,
    network: Network,
    in_memory: bool,
    next_port: AtomicU16,
    /// End with this: each server, and through it each of its connections.
    tasks: Mutex<JoinSet<()>>,
}

impl MockCluster {
    /// The addresses of the tablet servers, `HOST:PORT` with commas between them, as clients want their bootstrap servers.
    pub fn bootstrap_servers(&self) -> String {
        let addresses = self.tablet_servers();
        let addresses = addresses.iter().map(ToString::to_string);
        addresses.collect::<Vec<_>>().join(",")
    }

    /// The address of the coordinator, or the last one it had.
    pub fn coordinator(&self) -> SocketAddr {
        let address = self.running.address(ServerId::Coordinator);
        address.unwrap_or(SocketAddr::from((NOWHERE, FIRST_PORT)))
    }

    /// The addresses of the tablet servers by their ids, which begin at 0; of those that are down, the last ones they had.
    pub fn tablet_servers(&self) -> Vec<SocketAddr> {
        self.running.tablet_servers()
    }

    /// The way to the servers inside the process, without sockets.
    pub fn network(&self) -> Network {
        self.network.clone()
    }

    /// Puts a rule in force, from the next request or connection on. See [`fault`](crate::fault).
    pub fn inject(&self, rule: Rule) -> Injected {
        self.shared.faults.inject(rule)
    }

    /// Takes every rule back.
    pub fn lift_faults(&self) {
        self.shared.faults.lift_all();
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

    /// Lets a server that is down take connections in, where it was or elsewhere.
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
        let porter = Porter::new(id, self.shared.faults.clone());
        let streams = self.network.open(address, porter.clone());
        let task = self.spawn(server::accept(listener, streams, porter, server));
        self.running.start(id, address, task);
    }

    /// Nobody reaches a server any more, and its connections are closed.
    pub(crate) fn cut_off(&self, server: ServerId) {
        if let Some(address) = self.running.stop(server) {
            self.network.close(address);
        }
    }

    /// Runs something for as long as the cluster.
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

/// Takes a port of the loopback interface, or any for 0. One that was in use until now may take a moment.
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
