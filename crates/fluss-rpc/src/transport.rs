//! How a stream of bytes to a server is made.

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

/// Makes streams to servers. The one for TCP is [`TcpDialer`]; tests, mocks and tunnels bring their own.
pub trait Dialer: fmt::Debug + Send + Sync + 'static {
    /// A stream to the server at `host` and `port`. Whoever calls sets the deadline, by dropping the future.
    ///
    /// The future runs on the runtime that drives the connections.
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>>;
}

/// Dials over TCP. Packets go out without delay, and the kernel asks a silent other side whether it is still there.
///
/// Every address that a name has is tried, one after another; each gets its share of the time, so that one which swallows packets does
/// not use up the time of the next.
#[derive(Debug, Clone)]
pub struct TcpDialer {
    timeout: Duration,
}

/// Time without traffic after which the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

impl Default for TcpDialer {
    fn default() -> Self {
        Self::new(RpcConfig::default().connect_timeout)
    }
}

impl TcpDialer {
    /// A dialer that takes at most `timeout` for all addresses of a name together.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let deadline = after(self.timeout);
        // The resolver of the system blocks; tokio asks it on a thread for such things.
        let addresses = timeout_at(deadline, lookup_host((host, port)))
            .await
            .map_err(|_| timed_out("the name was not resolved in time"))??
            .collect::<Vec<_>>();
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for (tried, address) in addresses.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let addresses_left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            match connect_to(*address, left / addresses_left).await {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    debug!(%address, %error, "address not reached");
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
        .map_err(|_| timed_out("the address did not answer in time"))??;
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
