//! Streams to servers inside the process.

use std::collections::BTreeMap;
use std::fmt;
use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

use crate::fault::{ConnectFault, Faults};
use crate::server_id::ServerId;

/// The buffer of a stream in each direction, in bytes.
const STREAM_BYTES: usize = 64 * 1024;
/// The number of streams that may wait for a server to accept them.
const BACKLOG: usize = 128;

/// Dials the servers of a cluster in process, without sockets. Cheap to clone. Once the cluster is dropped, every dial
/// fails.
///
/// It reaches every server at its address, including servers that also listen on loopback TCP.
#[derive(Clone)]
pub struct Network {
    gates: Arc<Mutex<BTreeMap<SocketAddr, Gate>>>,
}

/// Where one server accepts streams.
#[derive(Clone)]
struct Gate {
    streams: mpsc::Sender<(DuplexStream, Admission)>,
    gatekeeper: Gatekeeper,
}

/// Counts the connections to a server, and decides what happens to them.
#[derive(Clone)]
pub(crate) struct Gatekeeper {
    server: ServerId,
    faults: Faults,
    count: Arc<AtomicU64>,
}

/// A connection that a server accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission {
    /// Counted from 1.
    pub(crate) number: u64,
    pub(crate) fault: Option<ConnectFault>,
}

impl Gatekeeper {
    pub(crate) fn new(server: ServerId, faults: Faults) -> Self {
        Self {
            server,
            faults,
            count: Arc::default(),
        }
    }

    pub(crate) fn admit(&self) -> Admission {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        Admission {
            number,
            fault: self.faults.on_connect(self.server, number),
        }
    }
}

impl Network {
    /// Opens a stream to the server at an address that the cluster reported: an IP address and a port.
    ///
    /// # Errors
    ///
    /// Fails with [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if no server is there, or a fault rule
    /// [rejects](crate::fault::OnConnect::reject) the connection.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, no stream is left open.
    pub async fn dial(&self, host: &str, port: u16) -> io::Result<DuplexStream> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let ip = host.parse::<IpAddr>().map_err(|_| refused())?;
        let gate = self.lock().get(&SocketAddr::new(ip, port)).cloned();
        let gate = gate.ok_or_else(refused)?;
        let admission = gate.gatekeeper.admit();
        match admission.fault {
            Some(ConnectFault::Reject) => return Err(refused()),
            Some(ConnectFault::Ignore) => return pending().await,
            Some(ConnectFault::Silent) | None => {}
        }
        let (stream, theirs) = tokio::io::duplex(STREAM_BYTES);
        let arrival = (theirs, admission);
        gate.streams.send(arrival).await.map_err(|_| refused())?;
        Ok(stream)
    }

    pub(crate) fn new() -> Self {
        Self {
            gates: Arc::default(),
        }
    }

    /// Registers a server. The receiver yields the streams that are dialed to `address`.
    pub(crate) fn open(
        &self,
        address: SocketAddr,
        gatekeeper: Gatekeeper,
    ) -> mpsc::Receiver<(DuplexStream, Admission)> {
        let (streams, arrivals) = mpsc::channel(BACKLOG);
        self.lock().insert(
            address,
            Gate {
                streams,
                gatekeeper,
            },
        );
        arrivals
    }

    /// Makes dials to this address fail.
    pub(crate) fn close(&self, address: SocketAddr) {
        self.lock().remove(&address);
    }

    /// Makes all dials fail.
    pub(crate) fn close_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Gate>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network")
            .field(&self.lock().keys().collect::<Vec<_>>())
            .finish()
    }
}
