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

use crate::fault::{Door, Faults};
use crate::server_id::ServerId;

/// Bytes that a stream holds on their way in one direction.
const STREAM_BYTES: usize = 64 * 1024;
/// Streams that may wait for a server to take them in.
const BACKLOG: usize = 128;

/// The way to the servers of a cluster inside the process. Cheap to clone; without the cluster, it leads nowhere.
///
/// Every server can be reached by it at its address, those on loopback TCP too.
#[derive(Clone)]
pub struct Network {
    gates: Arc<Mutex<BTreeMap<SocketAddr, Gate>>>,
}

/// Where one server takes streams in.
#[derive(Clone)]
struct Gate {
    streams: mpsc::Sender<(DuplexStream, Admission)>,
    porter: Porter,
}

/// Counts the connections to a server, and decides what happens to them.
#[derive(Clone)]
pub(crate) struct Porter {
    server: ServerId,
    faults: Faults,
    count: Arc<AtomicU64>,
}

/// A connection that a server took in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission {
    /// From 1 on.
    pub(crate) number: u64,
    pub(crate) door: Option<Door>,
}

impl Porter {
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
            door: self.faults.on_connect(self.server, number),
        }
    }
}

impl Network {
    /// A stream to the server at an address, as the cluster tells its addresses: an IP address and a port.
    ///
    /// # Errors
    ///
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if there is no server, or a rule says so.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, no stream is left.
    pub async fn dial(&self, host: &str, port: u16) -> io::Result<DuplexStream> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let ip = host.parse::<IpAddr>().map_err(|_| refused())?;
        let gate = self.lock().get(&SocketAddr::new(ip, port)).cloned();
        let gate = gate.ok_or_else(refused)?;
        let admission = gate.porter.admit();
        match admission.door {
            Some(Door::Refuse) => return Err(refused()),
            Some(Door::Ignore) => return pending().await,
            Some(Door::Silent) | None => {}
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

    /// Opens the way to a server: what it gives are the streams that are dialled to `address`.
    pub(crate) fn open(
        &self,
        address: SocketAddr,
        porter: Porter,
    ) -> mpsc::Receiver<(DuplexStream, Admission)> {
        let (streams, arrivals) = mpsc::channel(BACKLOG);
        self.lock().insert(address, Gate { streams, porter });
        arrivals
    }

    /// Nobody gets to this address any more.
    pub(crate) fn close(&self, address: SocketAddr) {
        self.lock().remove(&address);
    }

    /// From now on nobody gets anywhere.
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
