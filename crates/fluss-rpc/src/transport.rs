//! How byte streams to servers are created.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::debug;

use crate::config::RpcConfig;
use crate::deadline::after;

/// A stream to a server.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Creates streams to servers. [`TcpDialer`] is the one for TCP; tests, mocks and tunnels provide their own.
pub trait Dialer: fmt::Debug + Send + Sync + 'static {
    /// Creates a stream to the server at `host` and `port`. The caller enforces a deadline by dropping the future.
    ///
    /// The future runs on the runtime that drives the connections.
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>>;
}

/// Dials over TCP, with `TCP_NODELAY` and keepalive.
///
/// All addresses of a host name are tried in turn. Each gets a share of the time, so that one that drops packets does
/// not use up the time of the next.
#[derive(Debug, Clone)]
pub struct TcpDialer {
    timeout: Duration,
}

/// Idle time after which the kernel sends keepalive probes.
const KEEPALIVE: Duration = Duration::from_secs(60);

impl Default for TcpDialer {
    fn default() -> Self {
        Self::new(RpcConfig::default().connect_timeout)
    }
}

impl TcpDialer {
    /// Creates a dialer that takes at most `timeout` for all addresses of a name together.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let deadline = after(self.timeout);
        // The system's resolver blocks, so tokio runs it on a blocking thread.
        let addresses = timeout_at(deadline, lookup_host((host, port)))
            .await
            .map_err(|_| timed_out("the host name was not resolved in time"))??
            .collect::<Vec<_>>();
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
        for (tried, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let addresses_left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            match connect_to(*address, left / addresses_left).await {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    debug!(%address, %error, "failed to connect to the address");
                    last = error;
                }
            }
        }
        Err(last)
    }
}

async fn connect_to(address: SocketAddr, share: Duration) -> io::Result<TcpStream> {
    let stream = timeout(share, TcpStream::connect(address))
        .await
        .map_err(|_| timed_out("the address did not respond in time"))??;
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    Ok(stream)
}

fn timed_out(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl Dialer for TcpDialer {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>> {
        Box::pin(async move {
            let stream = self.connect(host, port).await?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}
