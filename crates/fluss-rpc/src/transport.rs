//! How a stream of bytes to a server is made.

use std::fmt;
use std::io;
use std::time::Duration;

use futures::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// A stream to a server.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// Makes streams to servers. The one for TCP is [`TcpDialer`]; tests and mocks bring their own.
pub trait Dialer: fmt::Debug + Send + Sync + 'static {
    /// A stream to the server at `host` and `port`. Whoever calls sets the deadline.
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>>;
}

/// Dials over TCP, without delay for small packets and with keepalive. Every address of a name is tried.
#[derive(Debug, Clone)]
pub struct TcpDialer {
    /// Longest time for one address when a name has several.
    pub address_timeout: Duration,
}

/// Time without traffic after which the kernel asks whether the other side is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

impl Default for TcpDialer {
    fn default() -> Self {
        Self {
            address_timeout: Duration::from_secs(5),
        }
    }
}

impl TcpDialer {
    async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        // The resolver of the system blocks; tokio asks it on a thread of its own.
        let addresses = lookup_host((host, port)).await?.collect::<Vec<_>>();
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in &addresses {
            let connect = TcpStream::connect(address);
            let outcome = if addresses.len() == 1 {
                connect.await
            } else {
                timeout(self.address_timeout, connect)
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            };
            match outcome {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    SockRef::from(&stream)
                        .set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
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
