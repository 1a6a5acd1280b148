//! A connection to a server: a driver task owns the socket; handles queue requests and wait for responses.

mod driver;
mod handshake;
mod incoming;
mod outbox;
mod outgoing;
mod pending;
mod silence;
mod spare;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use fluss_wire::Segments;
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec::ResponseBody;
use fluss_wire::frame::{FrameError, encode_encoded_request, encode_request};
use fluss_wire::version::{ApiVersions, ServerType};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tracing::{Instrument, debug_span};

pub(crate) use handshake::{Target, connect};

use crate::config::RpcConfig;
use crate::deadline::{until, with_grace};
use crate::error::{DisconnectCause, Phase, Result, RpcError};
use crate::metrics::ApiMetrics;
use crate::transport::{Dialer, Transport};
use driver::Driver;
use outbox::{Outbox, Outgoing, Queued};

/// A connection to a server after the handshake. Cheap to clone, and usable from any thread, on any runtime or none.
///
/// Requests are pipelined: any number of calls can be in flight, up to a limit, and responses may arrive in any
/// order. The socket is closed with the last handle. When the connection breaks, all calls in flight and all later
/// calls fail with the same cause.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    versions: Arc<ApiVersions>,
    /// Closes the connection when the last handle is dropped.
    _last_handle: Arc<CloseOnDrop>,
}

/// State shared by the handles and the driver.
struct Shared {
    server: Arc<str>,
    outbox: Outbox,
    in_flight: Arc<Semaphore>,
    runtime: Handle,
    metrics: Arc<ApiMetrics>,
}

impl Shared {
    fn count_unmatched(&self) {
        self.metrics.unmatched();
    }

    fn disconnected(&self, cause: Arc<DisconnectCause>, sent: bool) -> RpcError {
        RpcError::Disconnected {
            server: Arc::clone(&self.server),
            cause,
            sent,
        }
    }

    /// The error for a connection that has ended.
    fn ended(&self, sent: bool) -> RpcError {
        let cause = self.outbox.cause();
        self.disconnected(
            cause.unwrap_or_else(|| Arc::new(DisconnectCause::Local)),
            sent,
        )
    }
}

struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.outbox.close(DisconnectCause::Local);
    }
}

/// Cancels a request when its caller is dropped.
struct CancelOnDrop<'a> {
    shared: &'a Shared,
    id: i32,
    answered: bool,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.shared.outbox.cancel(self.id);
        }
    }
}

impl Connection {
    /// Dials a server and performs the handshake, all within the connect timeout. All tasks run on `runtime`.
    ///
    /// # Errors
    ///
    /// The reason why the connection or the handshake failed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, opened connections are closed.
    pub async fn connect(
        dialer: Arc<dyn Dialer>,
        host: &str,
        port: u16,
        config: &RpcConfig,
        runtime: &Handle,
    ) -> Result<Self> {
        let target = Target::new(host, port, None, config.connect_timeout);
        let (config, drivers) = (config.clone(), runtime.clone());
        let (done, outcome) = oneshot::channel();
        // Not awaited directly as a task, because dropping this future must end it.
        runtime.spawn(async move {
            let mut done = done;
            let metrics = Arc::new(ApiMetrics::default());
            tokio::select! {
                biased;
                () = done.closed() => {}
                outcome = connect(dialer.as_ref(), &target, &config, &drivers, metrics) => {
                    // An error means that the caller was just dropped.
                    let _ = done.send(outcome);
                }
            }
        });
        outcome.await.unwrap_or(Err(RpcError::Closed))
    }

    /// Starts the driver of a stream, before the handshake: only the handshake may make calls.
    fn start(
        stream: Box<dyn Transport>,
        server: Arc<str>,
        config: &RpcConfig,
        runtime: &Handle,
        metrics: Arc<ApiMetrics>,
    ) -> Self {
        let permits = config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        let shared = Arc::new(Shared {
            server,
            outbox: Outbox::default(),
            in_flight: Arc::new(Semaphore::new(permits)),
            runtime: runtime.clone(),
            metrics,
        });
        runtime.spawn(Driver::new(stream, Arc::clone(&shared), config).run());
        Self {
            versions: Arc::new(ApiVersions::default()),
            _last_handle: Arc::new(CloseOnDrop(Arc::clone(&shared))),
            shared,
        }
    }

    /// Sends a request and waits for its response until `deadline`.
    ///
    /// # Errors
    ///
    /// A timeout, a broken connection, an unsupported version (detected before anything is sent), an error returned
    /// by the server, or a response that is not a message of the API.
    ///
    /// # Cancel safety
    ///
    /// If dropped, a request that is not yet written is canceled; one that is written may still be executed. Other
    /// requests are not affected.
    pub async fn call<R: ApiRequest>(&self, request: &R, deadline: Instant) -> Result<R::Response> {
        self.call_as(request, deadline).await
    }

    /// Like [`call`](Self::call), but decodes the response to a type other than its message.
    pub(crate) async fn call_as<R: ApiRequest, A: ResponseBody>(
        &self,
        request: &R,
        deadline: Instant,
    ) -> Result<A> {
        let version = self.version(R::API_KEY)?;
        self.call_version(request, version, deadline).await
    }

    /// Like [`call`](Self::call), with a message that is already encoded. Returns the bytes of the response.
    pub(crate) async fn call_encoded(
        &self,
        api: ApiKey,
        message: Segments,
        deadline: Instant,
    ) -> Result<Bytes> {
        let version = self.version(api)?;
        let started = Instant::now();
        let permit = self.permit(api, started, deadline).await?;
        let encode = |id| encode_encoded_request(api, version, id, message);
        self.exchange(api, encode, (started, deadline), permit)
            .await
    }

    fn version(&self, api: ApiKey) -> Result<i16> {
        self.versions
            .negotiate(api)
            .map_err(|source| RpcError::Unsupported {
                server: Arc::clone(&self.shared.server),
                source,
            })
    }

    /// Like [`call`](Self::call), with a version that is known to be supported.
    async fn call_version<R: ApiRequest, A: ResponseBody>(
        &self,
        request: &R,
        version: i16,
        deadline: Instant,
    ) -> Result<A> {
        let started = Instant::now();
        let permit = self.permit(R::API_KEY, started, deadline).await?;
        let encode = |id| encode_request(version, id, request);
        let body = self
            .exchange(R::API_KEY, encode, (started, deadline), permit)
            .await?;
        A::from_body(body).map_err(|source| RpcError::Answer {
            api: R::API_KEY,
            server: Arc::clone(&self.shared.server),
            source,
        })
    }

    /// Sends a request and waits for the bytes of its response.
    async fn exchange(
        &self,
        api: ApiKey,
        encode: impl FnOnce(i32) -> Result<Segments, FrameError>,
        (started, deadline): (Instant, Instant),
        permit: OwnedSemaphorePermit,
    ) -> Result<Bytes> {
        let shared = self.shared.as_ref();
        let Some(id) = shared.outbox.next_id() else {
            return Err(shared.disconnected(Arc::new(DisconnectCause::Spent), false));
        };
        let frame = encode(id).map_err(|source| RpcError::Request {
            api,
            source: Arc::new(source),
        })?;
        let sent_bytes = frame.len_bytes();
        let in_flight = shared.metrics.sent(api, sent_bytes);
        let (answer, answered) = oneshot::channel();
        let queued = Queued {
            id,
            outgoing: Outgoing {
                api,
                deadline,
                since: started,
                answer,
                _permit: permit,
            },
            frame,
        };
        shared
            .outbox
            .push(queued)
            .map_err(|cause| shared.disconnected(cause, false))?;
        let mut cancel = CancelOnDrop {
            shared,
            id,
            answered: false,
        };
        let span =
            debug_span!("request", server = %shared.server, api = api.name(), bytes = sent_bytes);
        let waited = until(&shared.runtime, with_grace(deadline), answered);
        let Some(outcome) = waited.instrument(span).await else {
            return Err(self.timeout(api, Phase::Answer, started));
        };
        cancel.answered = true;
        let outcome = outcome.unwrap_or_else(|_| Err(shared.ended(true)));
        match &outcome {
            Ok(body) => in_flight.answered(started.elapsed(), body.len()),
            // This is a response too, but without a message.
            Err(RpcError::Server { .. }) => in_flight.answered(started.elapsed(), 0),
            Err(_) => {}
        }
        outcome
    }

    /// Waits for a permit to send a request.
    async fn permit(
        &self,
        api: ApiKey,
        started: Instant,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit> {
        if deadline <= started {
            return Err(self.timeout(api, Phase::Queue, started));
        }
        let room = Arc::clone(&self.shared.in_flight);
        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
            return Ok(permit);
        }
        match until(&self.shared.runtime, deadline, room.acquire_owned()).await {
            Some(Ok(permit)) => Ok(permit),
            Some(Err(_)) => Err(self.shared.ended(false)),
            None => Err(self.timeout(api, Phase::Queue, started)),
        }
    }

    fn timeout(&self, api: ApiKey, phase: Phase, started: Instant) -> RpcError {
        RpcError::Timeout {
            api,
            server: Arc::clone(&self.shared.server),
            phase,
            waited: started.elapsed(),
        }
    }

    /// Returns whether the connection has ended. It never recovers.
    pub fn is_closed(&self) -> bool {
        self.shared.outbox.is_spent() || self.shared.outbox.cause().is_some()
    }

    /// Closes the connection. All calls in flight fail.
    pub fn close(&self) {
        self.shared.outbox.close(DisconnectCause::Local);
    }

    /// Returns the API versions that the server supports.
    pub fn api_versions(&self) -> &ApiVersions {
        &self.versions
    }

    /// Returns the kind of server, if reported.
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
