//! One server of the cluster: accepts connections and serves them.

mod connection;
mod dispatch;
mod identity;

use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub(crate) use identity::Server;

use crate::network::{Admission, Gatekeeper};

/// The pause after a connection could not be accepted, such as for lack of descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// Serves connections over TCP and in process, until it is dropped. Dropping it closes them all.
pub(crate) async fn accept(
    listener: Option<TcpListener>,
    mut streams: mpsc::Receiver<(DuplexStream, Admission)>,
    gatekeeper: Gatekeeper,
    server: Server,
) {
    let mut connections = JoinSet::new();
    loop {
        // In this order, so that a simulation is repeatable.
        tokio::select! {
            biased;
            Some((stream, admission)) = streams.recv() => {
                connections.spawn(connection::serve(stream, admission, server.clone()));
            }
            stream = next(listener.as_ref()) => {
                let admission = gatekeeper.admit();
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
                // For speed only: without it, a small response may wait for the acknowledgment of the previous one.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
