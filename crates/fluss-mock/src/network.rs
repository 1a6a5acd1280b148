//! Streams to servers inside the process.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// Bytes that a stream holds on their way in one direction.
const STREAM_BYTES: usize = 64 * 1024;
/// Streams that may wait for a server to take them in.
const BACKLOG: usize = 128;

/// The way to the servers of a cluster inside the process. Cheap to clone; without the cluster, it leads nowhere.
///
/// Every server can be reached by it at its address, those on loopback TCP too.
#[derive(Clone, Default)]
pub struct Network {
    doors: Arc<Mutex<BTreeMap<SocketAddr, mpsc::Sender<DuplexStream>>>>,
}

impl Network {
    /// A stream to the server at an address, as the cluster tells its addresses: an IP address and a port.
    ///
    /// # Errors
    ///
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) if there is no server.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, no stream is left.
    pub async fn dial(&self, host: &str, port: u16) -> io::Result<DuplexStream> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let ip = host.parse::<IpAddr>().map_err(|_| refused())?;
        let door = self.door(SocketAddr::new(ip, port)).ok_or_else(refused)?;
        let (stream, theirs) = tokio::io::duplex(STREAM_BYTES);
        door.send(theirs).await.map_err(|_| refused())?;
        Ok(stream)
    }

    /// Opens the way to a server: what it gives are the streams that are dialled to `address`.
    pub(crate) fn open(&self, address: SocketAddr) -> mpsc::Receiver<DuplexStream> {
        let (door, streams) = mpsc::channel(BACKLOG);
        self.lock().insert(address, door);
        streams
    }

    fn door(&self, address: SocketAddr) -> Option<mpsc::Sender<DuplexStream>> {
        self.lock().get(&address).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<SocketAddr, mpsc::Sender<DuplexStream>>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network")
            .field(&self.lock().keys().collect::<Vec<_>>())
            .finish()
    }
}
