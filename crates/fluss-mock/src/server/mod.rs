//! One server of the cluster: takes connections in, and ends with them.

mod connection;
mod dispatch;

use std::sync::Arc;
use std::time::Duration;

use fluss_wire::version::ServerType;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

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

/// Serves everybody who connects, for ever. Dropping it closes all connections.
pub(crate) async fn accept(listener: TcpListener, server: Server) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Only a matter of speed: without it a small answer may wait for the acknowledgement of the last one.
                let _ = stream.set_nodelay(true);
                connections.spawn(connection::serve(stream, server.clone()));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
        while connections.try_join_next().is_some() {}
    }
}
