//! One server of the cluster: takes connections in, and ends with them.

pub(crate) mod connection;
mod dispatch;
pub(crate) mod outgoing;

use std::sync::Arc;
use std::time::Duration;

use fluss_wire::version::ServerType;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::network::{Admission, Porter};
use crate::server_id::ServerId;
use crate::state::Shared;

/// How long to wait before the next attempt when a connection can't be taken in, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// Who a server is.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) kind: ServerType,
    pub(crate) id: i32,
    pub(crate) shared: Arc<Shared>,
}

impl Server {
    pub(crate) fn name(&self) -> ServerId {
        match self.kind {
            ServerType::Coordinator => ServerId::Coordinator,
            ServerType::TabletServer => ServerId::Tablet(self.id),
        }
    }
}

/// Serves everybody who connects, for ever: over TCP, and inside the process. Dropping it closes all connections.
pub(crate) async fn accept(
    listener: Option<TcpListener>,
    mut streams: mpsc::Receiver<(DuplexStream, Admission)>,
    porter: Porter,
    server: Server,
) {
    let mut connections = JoinSet::new();
    loop {
        // In this order, so that the same calls do the same each time.
        tokio::select! {
            biased;
            Some((stream, admission)) = streams.recv() => {
                connections.spawn(connection::serve(stream, admission, server.clone()));
            }
            stream = next(listener.as_ref()) => {
                let admission = porter.admit();
                connections.spawn(connection::serve(stream, admission, server.clone()));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// The next connection over TCP.
async fn next(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Only a matter of speed: without it a small answer may wait for the acknowledgement of the last one.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
