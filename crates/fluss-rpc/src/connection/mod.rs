//! One connection to one server: a driver task owns the socket, handles put requests in and wait for answers.

mod driver;
mod handshake;
mod outbox;
mod pending;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use fluss_wire::api::ApiRequest;
use fluss_wire::codec;
use fluss_wire::frame::encode_request;
use fluss_wire::version::{ApiVersions, ServerType};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

pub(crate) use handshake::connect;

use crate::config::RpcConfig;
use crate::error::{DisconnectCause, Phase, Result, RpcError};
use crate::metrics::ApiMetrics;
use crate::transport::Transport;
use outbox::{Outbox, Outgoing};

/// A connection to a server that has passed its handshake. Cheap to clone; usable from any thread and any runtime.
///
/// Requests are pipelined: any number of calls may be under way, up to a bound, and answers may come in any order. When the last handle
/// is gone the socket is closed. When the connection breaks, every call under way fails with the same cause and so does every later one.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    versions: Arc<ApiVersions>,
    /// Closes the connection with the last handle.
    _last_handle: Arc<CloseOnDrop>,
}

/// What the handles and the driver share.
struct Shared {
    server: Arc<str>,
    outbox: Outbox,
    in_flight: Arc<Semaphore>,
    runtime: Handle,
    metrics: ApiMetrics,
}

struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.outbox.close(DisconnectCause::Local);
    }
}

impl Connection {
    /// Starts the driver of a stream. No handshake yet: only the handshake itself may call.
    fn start(
        stream: Box<dyn Transport>,
        server: Arc<str>,
        config: &RpcConfig,
        runtime: &Handle,
    ) -> Self {
        let shared = Arc::new(Shared {
            server,
            outbox: Outbox::default(),
            in_flight: Arc::new(Semaphore::new(config.max_in_flight)),
            runtime: runtime.clone(),
            metrics: ApiMetrics::default(),
        });
        runtime.spawn(driver::run(
            stream,
            Arc::clone(&shared),
            config.max_frame_size,
            config.idle_timeout,
        ));
        Self {
            versions: Arc::new(ApiVersions::default()),
            _last_handle: Arc::new(CloseOnDrop(Arc::clone(&shared))),
            shared,
        }
    }

    /// Sends a request and waits for its answer until `deadline`.
    ///
    /// # Errors
    ///
    /// A timeout, a broken connection, a version that the two sides do not share (found before anything is sent), an error that the
    /// server answered with, or an answer that is no message of the API.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer. A request that was not yet written is not written any more; one that was may take
    /// effect. Nothing else is disturbed.
    pub async fn call<R: ApiRequest>(&self, request: &R, deadline: Instant) -> Result<R::Response> {
        let version =
            self.versions
                .negotiate(R::API_KEY)
                .map_err(|source| RpcError::Unsupported {
                    server: Arc::clone(&self.shared.server),
                    source,
                })?;
        self.call_version(request, version, deadline).await
    }

    /// As [`call`](Self::call), in a version that is known to be right.
    async fn call_version<R: ApiRequest>(
        &self,
        request: &R,
        version: i16,
        deadline: Instant,
    ) -> Result<R::Response> {
        let started = Instant::now();
        let metrics = self.shared.metrics.of(R::API_KEY);
        let permit = self.permit::<R>(started, deadline).await?;
        let (answer, answered) = oneshot::channel();
        let outgoing = Outgoing {
            api: R::API_KEY,
            deadline,
            sent_at: started,
            answer,
            _permit: permit,
        };
        let sent = self
            .shared
            .outbox
            .push(outgoing, |id| {
                encode_request(version, id, request).map_err(|source| RpcError::Request {
                    api: R::API_KEY,
                    source: Arc::new(source),
                })
            })
            .map_err(|cause| cause.unwrap_or_else(|| self.disconnected()))?;
        metrics.sent(sent);
        let outcome = answered.await.unwrap_or_else(|_| Err(self.disconnected()));
        metrics.answered(started.elapsed(), outcome.as_ref().map_or(0, Bytes::len));
        codec::decode::<R::Response>(outcome?).map_err(|source| RpcError::Answer {
            api: R::API_KEY,
            server: Arc::clone(&self.shared.server),
            source,
        })
    }

    /// A place among the requests under way.
    async fn permit<R: ApiRequest>(
        &self,
        started: Instant,
        deadline: Instant,
    ) -> Result<tokio::sync::OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.shared.in_flight).try_acquire_owned() {
            return Ok(permit);
        }
        // The wait runs on the connection's runtime, whose clock it needs: the caller may have none.
        let waiting = Arc::clone(&self.shared.in_flight).acquire_owned();
        let waited = self
            .shared
            .runtime
            .spawn(async move { timeout_at(deadline, waiting).await });
        match waited.await {
            Ok(Ok(Ok(permit))) => Ok(permit),
            Ok(Err(_)) => Err(RpcError::Timeout {
                api: R::API_KEY,
                server: Arc::clone(&self.shared.server),
                phase: Phase::Queue,
                waited: started.elapsed(),
            }),
            _ => Err(self.disconnected()),
        }
    }

    fn disconnected(&self) -> RpcError {
        RpcError::Disconnected {
            server: Arc::clone(&self.shared.server),
            cause: self
                .shared
                .outbox
                .cause()
                .unwrap_or_else(|| Arc::new(DisconnectCause::Local)),
        }
    }

    /// Whether the connection has ended. It never comes back.
    pub fn is_closed(&self) -> bool {
        self.shared.outbox.cause().is_some()
    }

    /// Ends the connection; every call under way fails.
    pub fn close(&self) {
        self.shared.outbox.close(DisconnectCause::Local);
    }

    /// The versions that the server offers.
    pub fn api_versions(&self) -> &ApiVersions {
        &self.versions
    }

    /// What the server says it is.
    pub fn server_type(&self) -> Option<ServerType> {
        self.versions.server_type()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("server", &self.shared.server)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
