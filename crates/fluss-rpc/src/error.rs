//! Why a call failed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fluss_metadata::text::{Count, Readable};
use fluss_wire::api::ApiKey;
use fluss_wire::codec::DecodeError;
use fluss_wire::error_code::{ErrorClass, ServerError};
use fluss_wire::frame::FrameError;
use fluss_wire::sasl::SaslError;
use fluss_wire::version::{ServerType, UnsupportedVersion};
use snafu::Snafu;

/// The result of every fallible call here.
pub type Result<T, E = RpcError> = std::result::Result<T, E>;

/// What was waited for when a deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// A socket to the server.
    Dial,
    /// The handshake on it.
    Handshake,
    /// A permit to send the request.
    Queue,
    /// The response.
    Answer,
}

/// Why a call failed. Cheap to clone: all callers on a connection get the same cause.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum RpcError {
    /// The deadline passed.
    #[snafu(display("{api} to {server}: {} within {}", phase_text(*phase), Readable(*waited)))]
    Timeout {
        /// The API that was called.
        api: ApiKey,
        /// The server that was called.
        server: Arc<str>,
        /// What was waited for.
        phase: Phase,
        /// How long.
        waited: Duration,
    },
    /// The connection could not be established.
    #[snafu(display("cannot connect to {server}: {source}"))]
    Connect {
        /// The server.
        server: Arc<str>,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The connection broke before or while the request was in flight.
    #[snafu(display("connection to {server} lost: {cause}"))]
    Disconnected {
        /// The server.
        server: Arc<str>,
        /// The cause, the same for all callers.
        cause: Arc<DisconnectCause>,
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// The server returned an error.
    #[snafu(display("{api} to {server}: {error}"))]
    Server {
        /// The API that was called.
        api: ApiKey,
        /// The server that was called.
        server: Arc<str>,
        /// The server's error.
        error: ServerError,
    },
    /// The server and this client have no common version of the API.
    #[snafu(display("{server}: {source}"))]
    Unsupported {
        /// The server.
        server: Arc<str>,
        /// The versions of both.
        source: UnsupportedVersion,
    },
    /// The response is not a message of the API.
    #[snafu(display("{api} from {server}: {source}"))]
    Answer {
        /// The API that was called.
        api: ApiKey,
        /// The server that responded.
        server: Arc<str>,
        /// What is wrong.
        source: DecodeError,
    },
    /// The request exceeds the maximum size of a frame.
    #[snafu(display("{api}: {source}"))]
    Request {
        /// The API that was called.
        api: ApiKey,
        /// What is wrong.
        source: Arc<FrameError>,
    },
    /// The credentials cannot be sent.
    #[snafu(display("credentials: {source}"))]
    Credentials {
        /// What is wrong.
        source: Arc<SaslError>,
    },
    /// The server violated the authentication protocol.
    #[snafu(display("{server}: authentication failed: {reason}"))]
    Authentication {
        /// The server.
        server: Arc<str>,
        /// What it did.
        reason: &'static str,
    },
    /// The server at the address is not of the expected kind.
    #[snafu(display("{server} is a {got:?} server, expected {expected:?}"))]
    WrongServer {
        /// The server.
        server: Arc<str>,
        /// Its kind.
        got: Option<ServerType>,
        /// The expected kind.
        expected: ServerType,
    },
    /// No server is known that could respond.
    #[snafu(display("{what} is not known"))]
    Unknown {
        /// What was looked for, such as `the coordinator`.
        what: String,
    },
    /// The call was retried until the deadline or the retry budget ended.
    #[snafu(display(
        "gave up after {} in {}: {source}",
        Count(*attempts as usize, "attempt"),
        Readable(*waited)
    ))]
    Exhausted {
        /// The number of attempts.
        attempts: u32,
        /// The total time.
        waited: Duration,
        /// The last failure.
        #[snafu(source(from(RpcError, Box::new)))]
        source: Box<RpcError>,
    },
    /// The pool or the cluster was closed.
    #[snafu(display("the connection is closed"))]
    Closed,
}

/// Why a connection ended.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum DisconnectCause {
    /// The server closed it.
    #[snafu(display("closed by the server"))]
    ByServer,
    /// Reading or writing failed.
    #[snafu(display("{source}"))]
    Io {
        /// Why.
        source: io::Error,
    },
    /// The received bytes are not a valid frame.
    #[snafu(display("{source}"))]
    Frame {
        /// What is wrong.
        source: FrameError,
    },
    /// The server closed it with an error.
    #[snafu(display("the server closed the connection: {error}"))]
    Failure {
        /// The server's error.
        error: ServerError,
    },
    /// The server sent nothing until a request reached its deadline.
    #[snafu(display("no response within {}", Readable(*waited)))]
    Silent {
        /// How long.
        waited: Duration,
    },
    /// The server no longer accepts data.
    #[snafu(display("the server accepted no data for {}", Readable(*waited)))]
    Stalled {
        /// How long.
        waited: Duration,
    },
    /// It was not used.
    #[snafu(display("closed after being idle for {}", Readable(*idle)))]
    Idle {
        /// How long.
        idle: Duration,
    },
    /// It has no request ids left.
    #[snafu(display("all request ids have been used"))]
    Spent,
    /// This client closed it, or its runtime ended.
    #[snafu(display("closed by this client"))]
    Local,
}

fn phase_text(phase: Phase) -> &'static str {
    match phase {
        Phase::Dial => "no connection",
        Phase::Handshake => "connected, but the server did not answer the handshake",
        Phase::Queue => "no room for the request",
        Phase::Answer => "no answer",
    }
}

impl RpcError {
    /// Returns the server's error, if the server returned one.
    pub fn server_error(&self) -> Option<&ServerError> {
        match self {
            Self::Server { error, .. } => Some(error),
            Self::Disconnected { cause, .. } => match cause.as_ref() {
                DisconnectCause::Failure { error } => Some(error),
                _ => None,
            },
            Self::Exhausted { source, .. } => source.server_error(),
            _ => None,
        }
    }

    /// Returns whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::Timeout { .. } => true,
            Self::Disconnected { cause, .. } => matches!(
                **cause,
                DisconnectCause::Silent { .. } | DisconnectCause::Stalled { .. }
            ),
            Self::Exhausted { source, .. } => source.is_timeout(),
            _ => false,
        }
    }

    /// Returns whether the server is too old or too new.
    pub fn is_unsupported_version(&self) -> bool {
        match self {
            Self::Unsupported { .. } => true,
            Self::Exhausted { source, .. } => source.is_unsupported_version(),
            _ => false,
        }
    }

    /// Returns whether the server sent invalid data.
    pub fn is_corrupt(&self) -> bool {
        match self {
            Self::Answer { .. } => true,
            Self::Disconnected { cause, .. } => matches!(**cause, DisconnectCause::Frame { .. }),
            Self::Exhausted { source, .. } => source.is_corrupt(),
            _ => false,
        }
    }

    /// Returns whether this client was closed.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Closed => true,
            Self::Exhausted { source, .. } => source.is_closed(),
            _ => false,
        }
    }

    /// Returns whether the same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Timeout { .. }
            | Self::Connect { .. }
            | Self::WrongServer { .. }
            | Self::Unknown { .. } => true,
            Self::Disconnected { cause, .. } => match cause.as_ref() {
                DisconnectCause::Failure { error } => error.is_retriable(),
                _ => true,
            },
            Self::Server { api, error, .. } => error.code.is_retriable_for(*api),
            Self::Exhausted { source, .. } => source.is_retriable(),
            Self::Unsupported { .. }
            | Self::Answer { .. }
            | Self::Request { .. }
            | Self::Credentials { .. }
            | Self::Authentication { .. }
            | Self::Closed => false,
        }
    }

    /// Returns whether the metadata may be out of date.
    pub fn invalidates_metadata(&self) -> bool {
        match self {
            Self::Timeout { .. }
            | Self::Connect { .. }
            | Self::Disconnected { .. }
            | Self::WrongServer { .. }
            | Self::Unknown { .. } => true,
            Self::Server { error, .. } => error.invalidates_metadata(),
            Self::Exhausted { source, .. } => source.invalidates_metadata(),
            _ => false,
        }
    }

    /// Returns whether the request definitely never reached the server, so that any request can be retried safely.
    pub fn was_not_sent(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::WrongServer { .. }
            | Self::Unknown { .. }
            | Self::Unsupported { .. }
            | Self::Request { .. }
            | Self::Credentials { .. }
            | Self::Authentication { .. } => true,
            Self::Disconnected { sent, .. } => !sent,
            Self::Timeout { phase, .. } => *phase != Phase::Answer,
            // The handshake comes before all other requests.
            Self::Server { api, .. } => matches!(api, ApiKey::ApiVersions | ApiKey::Authenticate),
            Self::Answer { .. } | Self::Exhausted { .. } | Self::Closed => false,
        }
    }

    /// Returns whether the server rejected the request without executing it, and it may be accepted later or by another server.
    pub(crate) fn was_refused(&self) -> bool {
        matches!(self, Self::Server { error, .. }
            if matches!(error.code.class(), ErrorClass::RefreshMetadata | ErrorClass::Throttled)
                && !error.code.may_have_been_applied())
    }

    /// Returns whether the server asked for a longer backoff.
    pub(crate) fn is_throttled(&self) -> bool {
        self.server_error()
            .is_some_and(|error| error.code.class() == ErrorClass::Throttled)
    }

    /// The same failure during a handshake: the request after it was not sent.
    pub(crate) fn before_sending(self) -> Self {
        match self {
            Self::Disconnected { server, cause, .. } => Self::Disconnected {
                server,
                cause,
                sent: false,
            },
            other => other,
        }
    }
}
