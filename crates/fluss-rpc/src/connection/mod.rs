//! One connection to one server: a driver task owns the socket, handles put requests in and wait for answers.

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
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec::ResponseBody;
use fluss_wire::frame::encode_request;
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

/// A connection to a server that has passed its handshake. Cheap to clone; usable from any thread and any runtime, or from none.
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

/// Takes a request back when its caller goes away.
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
    /// Dials a server and goes through the handshake, all within the connect timeout. Every task runs on `runtime`.
    ///
    /// # Errors
    ///
    /// Why no socket could be had, or why the handshake failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened.
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
        // Not awaited as a task: dropping this future must end it.
        runtime.spawn(async move {
            let mut done = done;
            let metrics = Arc::new(ApiMetrics::default());
            tokio::select! {
                biased;
                () = done.closed() => {}
                outcome = connect(dialer.as_ref(), &target, &config, &drivers, metrics) => {
                    // An error here says that the caller has gone away just now.
                    let _ = done.send(outcome);
                }
            }
        });
        outcome.await.unwrap_or(Err(RpcError::Closed))
    }

    /// Starts the driver of a stream. No handshake yet: only the handshake itself may call.
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

    /// Sends a request and waits for its answer until `deadline`.
    ///
    /// # Errors
    ///
    /// A timeout, a broken connection, a version that the two sides do not share (found before anything is sent), an error that the
    /// server answered with, or an answer that is no message of the API.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer and the place among the requests under way. A request that was not yet written is not
    /// written any more; one that was may take effect. Nothing else is disturbed.
    pub async fn call<R: ApiRequest>(&self, request: &R, deadline: Instant) -> Result<R::Response> {
        self.call_as(request, deadline).await
    }

    /// As [`call`](Self::call), with the answer read into something else than its message.
    pub(crate) async fn call_as<R: ApiRequest, A: ResponseBody>(
        &self,
        request: &R,
        deadline: Instant,
    ) -> Result<A> {
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
    async fn call_version<R: ApiRequest, A: ResponseBody>(
        &self,
        request: &R,
        version: i16,
        deadline: Instant,
    ) -> Result<A> {
        let started = Instant::now();
        let permit = self.permit(R::API_KEY, started, deadline).await?;
        let body = self
            .exchange(request, version, (started, deadline), permit)
            .await?;
        A::from_body(body).map_err(|source| RpcError::Answer {
            api: R::API_KEY,
            server: Arc::clone(&self.shared.server),
            source,
        })
    }

    /// Sends a request and waits for the bytes of its answer.
    async fn exchange<R: ApiRequest>(
        &self,
        request: &R,
        version: i16,
        (started, deadline): (Instant, Instant),
        permit: OwnedSemaphorePermit,
    ) -> Result<Bytes> {
        let shared = self.shared.as_ref();
        let Some(id) = shared.outbox.next_id() else {
            return Err(shared.disconnected(Arc::new(DisconnectCause::Spent), false));
        };
        let frame = encode_request(version, id, request).map_err(|source| RpcError::Request {
            api: R::API_KEY,
            source: Arc::new(source),
        })?;
        let sent_bytes = frame.len_bytes();
        let in_flight = shared.metrics.sent(R::API_KEY, sent_bytes);
        let (answer, answered) = oneshot::channel();
        let queued = Queued {
            id,
            outgoing: Outgoing {
                api: R::API_KEY,
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
        let span = debug_span!("request", server = %shared.server, api = R::API_KEY.name(), bytes = sent_bytes);
        let waited = until(&shared.runtime, with_grace(deadline), answered);
        let Some(outcome) = waited.instrument(span).await else {
            return Err(self.timeout(R::API_KEY, Phase::Answer, started));
        };
        cancel.answered = true;
        let outcome = outcome.unwrap_or_else(|_| Err(shared.ended(true)));
        match &outcome {
            Ok(body) => in_flight.answered(started.elapsed(), body.len()),
            // An answer too, if not one with a message.
            Err(RpcError::Server { .. }) => in_flight.answered(started.elapsed(), 0),
            Err(_) => {}
        }
        outcome
    }

    /// A place among the requests under way.
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

    /// Whether the connection has ended. It never comes back.
    pub fn is_closed(&self) -> bool {
        self.shared.outbox.is_spent() || self.shared.outbox.cause().is_some()
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
