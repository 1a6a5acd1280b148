//! The cluster as its user holds it.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use fluss_wire::version::ServerType;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::builder::MockClusterBuilder;
use crate::fault::{Faults, Injected, Rule};
use crate::network::{Network, Porter};
use crate::server::{self, Server};
use crate::state::{Node, Shared};

/// The host of servers in memory. Source: RFC 5737.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The port of a coordinator in memory.
const FIRST_PORT: u16 = 9123;

/// A running cluster: a coordinator and tablet servers. Dropping it stops them.
pub struct MockCluster {
    network: Network,
    faults: Faults,
    coordinator: SocketAddr,
    tablet_servers: Vec<SocketAddr>,
    /// Ends with this: each server, and through it each of its connections.
    _servers: JoinSet<()>,
}

impl MockCluster {
    /// Starts a cluster with one tablet server, as [`MockClusterBuilder::start`] does.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing is left running.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// A cluster with settings.
    pub fn builder() -> MockClusterBuilder {
        MockClusterBuilder::default()
    }

    /// The addresses of the tablet servers, `HOST:PORT` with commas between them, as clients want their bootstrap servers.
    pub fn bootstrap_servers(&self) -> String {
        let addresses = self.tablet_servers.iter().map(ToString::to_string);
        addresses.collect::<Vec<_>>().join(",")
    }

    /// The address of the coordinator.
    pub fn coordinator(&self) -> SocketAddr {
        self.coordinator
    }

    /// The addresses of the tablet servers, by their ids, which begin at 0.
    pub fn tablet_servers(&self) -> &[SocketAddr] {
        &self.tablet_servers
    }

    /// The way to the servers inside the process, without sockets.
    pub fn network(&self) -> Network {
        self.network.clone()
    }

    /// Puts a rule in force, from the next request or connection on. See [`fault`](crate::fault).
    pub fn inject(&self, rule: Rule) -> Injected {
        self.faults.inject(rule)
    }

    /// Takes every rule back.
    pub fn lift_faults(&self) {
        self.faults.lift_all();
    }

    pub(crate) async fn launch(settings: MockClusterBuilder) -> io::Result<Self> {
        let (listener, coordinator) = listen(&settings, 0).await?;
        let mut listeners = vec![(ServerType::Coordinator, 0, listener)];
        let mut tablet_servers = Vec::new();
        for id in 0..i32::from(settings.tablet_servers) {
            let (listener, address) = listen(&settings, id + 1).await?;
            listeners.push((ServerType::TabletServer, id, listener));
            tablet_servers.push(address);
        }
        let nodes = (0..).zip(&tablet_servers).map(|(id, address)| Node {
            id,
            address: *address,
        });
        let shared = Arc::new(Shared::new(&settings, coordinator, nodes.collect()));
        let network = Network::new();
        let mut servers = JoinSet::new();
        let addresses = std::iter::once(coordinator).chain(tablet_servers.iter().copied());
        for ((kind, id, listener), address) in listeners.into_iter().zip(addresses) {
            let server = Server {
                kind,
                id,
                shared: Arc::clone(&shared),
            };
            let porter = Porter::new(server.name(), shared.faults.clone());
            let streams = network.open(address, porter.clone());
            servers.spawn(server::accept(listener, streams, porter, server));
        }
        Ok(Self {
            faults: shared.faults.clone(),
            network,
            coordinator,
            tablet_servers,
            _servers: servers,
        })
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        self.network.close_all();
    }
}

/// Where a server is to be found. In memory, these are addresses that are kept for documents, so that no real server has them.
async fn listen(
    settings: &MockClusterBuilder,
    place: i32,
) -> io::Result<(Option<TcpListener>, SocketAddr)> {
    if settings.in_memory {
        let port = FIRST_PORT.saturating_add(u16::try_from(place).unwrap_or(u16::MAX));
        return Ok((None, SocketAddr::from((NOWHERE, port))));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((Some(listener), address))
}

impl fmt::Debug for MockCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockCluster")
            .field("coordinator", &self.coordinator)
            .field("tablet_servers", &self.tablet_servers)
            .finish_non_exhaustive()
    }
}
