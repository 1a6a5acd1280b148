//! A network in memory, and the server's side of a connection.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use fluss_rpc::{Dialer, RpcConfig, Transport};
use fluss_wire::Segments;
use fluss_wire::api::TABLE;
use fluss_wire::codec::WireMessage;
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame::{FrameDecoder, RequestFrame, decode_request, encode_error, encode_success};
use fluss_wire::message::{ApiVersionsResponse, PbApiVersion};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

pub(crate) const COORDINATOR: i32 = 1;
pub(crate) const TABLET: i32 = 2;

/// The server's end of a connection.
pub(crate) struct Peer {
    stream: DuplexStream,
    decoder: FrameDecoder,
    received: BytesMut,
}

impl Peer {
    /// The next request; `None` when the client has closed.
    pub(crate) async fn request(&mut self) -> Option<RequestFrame> {
        loop {
            if let Some(frame) = self.decoder.decode(&mut self.received).unwrap() {
                return Some(decode_request(frame).unwrap());
            }
            if self.stream.read_buf(&mut self.received).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// Sends bytes as they are; says whether the client still listens.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    pub(crate) async fn send_frame(&mut self, frame: Segments) {
        self.send(&frame.into_bytes()).await;
    }

    pub(crate) async fn succeed<M: WireMessage>(&mut self, id: i32, message: &M) {
        self.send_frame(encode_success(id, message).unwrap()).await;
    }

    pub(crate) async fn fail(&mut self, id: i32, code: ErrorCode) {
        let error = ServerError::from(code);
        self.send_frame(encode_error(id, &error).unwrap()).await;
    }

    /// Answers `API_VERSIONS` with everything this client knows.
    pub(crate) async fn handshake(&mut self, server_type: i32) {
        if let Some(request) = self.request().await {
            assert_eq!(request.api_key, 1000, "the first request");
            self.succeed(request.request_id, &versions(server_type))
                .await;
        }
    }

    /// Until the client closes.
    pub(crate) async fn closed(&mut self) {
        while self.request().await.is_some() {}
    }
}

pub(crate) fn versions(server_type: i32) -> ApiVersionsResponse {
    let all = TABLE.iter().map(|api| PbApiVersion {
        api_key: i32::from(api.key.code()),
        min_version: i32::from(api.versions.min),
        max_version: i32::from(api.versions.max),
    });
    ApiVersionsResponse {
        api_versions: all.collect(),
        server_type: Some(server_type),
    }
}

type Script = Arc<dyn Fn(Peer, usize) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Clone)]
enum Host {
    Refuses,
    Swallows,
    Panics,
    Serves(Script),
}

/// A network in memory. Clones are the same network.
#[derive(Clone, Default)]
pub(crate) struct Net {
    hosts: Arc<Mutex<HashMap<String, Host>>>,
    dials: Arc<AtomicUsize>,
    buffer: Arc<AtomicUsize>,
}

impl Net {
    /// A network where `server:1` is served by `script`, which gets each connection and its number from 0.
    pub(crate) fn serving<F, Fut>(script: F) -> Self
    where
        F: Fn(Peer, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let net = Self::default();
        net.serve("server:1", script);
        net
    }

    pub(crate) fn serve<F, Fut>(&self, address: &str, script: F)
    where
        F: Fn(Peer, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let script: Script = Arc::new(move |peer, nth| script(peer, nth).boxed());
        self.set(address, Host::Serves(script));
    }

    pub(crate) fn refuse(&self, address: &str) {
        self.set(address, Host::Refuses);
    }

    pub(crate) fn swallow(&self, address: &str) {
        self.set(address, Host::Swallows);
    }

    pub(crate) fn panic(&self, address: &str) {
        self.set(address, Host::Panics);
    }

    fn set(&self, address: &str, host: Host) {
        self.hosts.lock().unwrap().insert(address.to_owned(), host);
    }

    /// How many bytes fit on the way.
    pub(crate) fn set_buffer(&self, bytes: usize) {
        self.buffer.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn dials(&self) -> usize {
        self.dials.load(Ordering::Relaxed)
    }

    pub(crate) fn dialer(&self) -> Arc<dyn Dialer> {
        Arc::new(self.clone())
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Net")
    }
}

impl Dialer for Net {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Box<dyn Transport>>> {
        let nth = self.dials.fetch_add(1, Ordering::Relaxed);
        let address = format!("{host}:{port}");
        let host = self.hosts.lock().unwrap().get(&address).cloned();
        let buffer = match self.buffer.load(Ordering::Relaxed) {
            0 => 1 << 20,
            bytes => bytes,
        };
        async move {
            match host {
                None | Some(Host::Refuses) => Err(io::ErrorKind::ConnectionRefused.into()),
                Some(Host::Swallows) => std::future::pending().await,
                Some(Host::Panics) => panic!("a dialer that panics"),
                Some(Host::Serves(script)) => {
                    let (client, stream) = tokio::io::duplex(buffer);
                    let peer = Peer {
                        stream,
                        decoder: FrameDecoder::new(1 << 30),
                        received: BytesMut::new(),
                    };
                    tokio::spawn(script(peer, nth));
                    Ok(Box::new(client) as Box<dyn Transport>)
                }
            }
        }
        .boxed()
    }
}

/// Short timeouts, to be kept apart in what is measured: 3 s to connect, 5 s for a request, 12 s for a call.
pub(crate) fn config() -> RpcConfig {
    let mut config = RpcConfig::default();
    config.connect_timeout = Duration::from_secs(3);
    config.request_timeout = Duration::from_secs(5);
    config.call_timeout = Duration::from_secs(12);
    config
}

/// Lets every task do what it can do now.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Tasks of the current runtime, the test itself not counted.
pub(crate) fn alive_tasks() -> usize {
    tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
}

/// Waits on this thread, which has no runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
