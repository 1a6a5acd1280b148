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
    /// A free place among the requests under way.
    Queue,
    /// The answer.
    Answer,
}

/// Why a call failed. Cheap to clone: all who waited on one connection get the same cause.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum RpcError {
    /// The deadline passed.
    #[snafu(display("{api} to {server}: {} within {}", phase_text(*phase), Readable(*waited)))]
    Timeout {
        /// What was called.
        api: ApiKey,
        /// Who was called.
        server: Arc<str>,
        /// What was waited for.
        phase: Phase,
        /// How long.
        waited: Duration,
    },
    /// No connection could be made.
    #[snafu(display("cannot connect to {server}: {source}"))]
    Connect {
        /// The server.
        server: Arc<str>,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The connection broke while the request was under way, or before.
    #[snafu(display("connection to {server} lost: {cause}"))]
    Disconnected {
        /// The server.
        server: Arc<str>,
        /// Why, the same for all who waited.
        cause: Arc<DisconnectCause>,
        /// Whether the request may have reached the server.
        sent: bool,
    },
    /// The server refused.
    #[snafu(display("{api} to {server}: {error}"))]
    Server {
        /// What was called.
        api: ApiKey,
        /// Who was called.
        server: Arc<str>,
        /// What it said.
        error: ServerError,
    },
    /// The server and this client have no version of the API in common.
    #[snafu(display("{server}: {source}"))]
    Unsupported {
        /// The server.
        server: Arc<str>,
        /// Which versions each has.
        source: UnsupportedVersion,
    },
    /// The answer is no message of the API.
    #[snafu(display("{api} from {server}: {source}"))]
    Answer {
        /// What was called.
        api: ApiKey,
        /// Who answered.
        server: Arc<str>,
        /// What is wrong.
        source: DecodeError,
    },
    /// The request is longer than a frame can be.
    #[snafu(display("{api}: {source}"))]
    Request {
        /// What was called.
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
    /// The server did not take part in the authentication as it must.
    #[snafu(display("{server}: authentication did not finish: {reason}"))]
    Authentication {
        /// The server.
        server: Arc<str>,
        /// What it did.
        reason: &'static str,
    },
    /// The server at the address is not what it was taken for.
    #[snafu(display("{server} is a {got:?} server, expected {expected:?}"))]
    WrongServer {
        /// The server.
        server: Arc<str>,
        /// What it is.
        got: Option<ServerType>,
        /// What it was taken for.
        expected: ServerType,
    },
    /// Nobody is known who could answer.
    #[snafu(display("{what} is not known"))]
    Unknown {
        /// Who was looked for, such as `the coordinator`.
        what: String,
    },
    /// It was tried until the deadline or the budget ended.
    #[snafu(display(
        "gave up after {} in {}: {source}",
        Count(*attempts as usize, "attempt"),
        Readable(*waited)
    ))]
    Exhausted {
        /// How often.
        attempts: u32,
        /// How long in all.
        waited: Duration,
        /// The last failure.
        #[snafu(source(from(RpcError, Box::new)))]
        source: Box<RpcError>,
    },
    /// The pool or the cluster was closed.
    #[snafu(display("the connection to the cluster is closed"))]
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
    /// What came is no frame.
    #[snafu(display("{source}"))]
    Frame {
        /// What is wrong.
        source: FrameError,
    },
    /// The server ended it and said why.
    #[snafu(display("the server gave up the connection: {error}"))]
    Failure {
        /// What it said.
        error: ServerError,
    },
    /// No answer at all came while a request reached its deadline.
    #[snafu(display("no answer at all within {}", Readable(*waited)))]
    Silent {
        /// How long.
        waited: Duration,
    },
    /// The server takes nothing any more.
    #[snafu(display("not a byte could be sent within {}", Readable(*waited)))]
    Stalled {
        /// How long.
        waited: Duration,
    },
    /// Nobody used it.
    #[snafu(display("closed after {} without use", Readable(*idle)))]
    Idle {
        /// How long.
        idle: Duration,
    },
    /// It was used so long that no request id is left.
    #[snafu(display("all request ids are used"))]
    Spent,
    /// This client closed it, or the runtime that drove it ended.
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
    /// What the server said, if it was a server that refused.
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

    /// Whether a deadline passed.
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

    /// Whether the server is too old or too new.
    pub fn is_unsupported_version(&self) -> bool {
        match self {
            Self::Unsupported { .. } => true,
            Self::Exhausted { source, .. } => source.is_unsupported_version(),
            _ => false,
        }
    }

    /// Whether what the server sent cannot be read.
    pub fn is_corrupt(&self) -> bool {
        match self {
            Self::Answer { .. } => true,
            Self::Disconnected { cause, .. } => matches!(**cause, DisconnectCause::Frame { .. }),
            Self::Exhausted { source, .. } => source.is_corrupt(),
            _ => false,
        }
    }

    /// Whether this side was closed before.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Closed => true,
            Self::Exhausted { source, .. } => source.is_closed(),
            _ => false,
        }
    }

    /// Whether the same call may succeed later.
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

    /// Whether what is known of the cluster may be out of date.
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

    /// Whether the request certainly never reached the server, so that repeating it does no harm whatever it asks.
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
            // The handshake goes before every other request.
            Self::Server { api, .. } => matches!(api, ApiKey::ApiVersions | ApiKey::Authenticate),
            Self::Answer { .. } | Self::Exhausted { .. } | Self::Closed => false,
        }
    }

    /// Whether the server refused the request without carrying it out, and may accept it later or elsewhere.
    pub(crate) fn was_refused(&self) -> bool {
        matches!(self, Self::Server { error, .. }
            if matches!(error.code.class(), ErrorClass::RefreshMetadata | ErrorClass::Throttled)
                && !error.code.may_have_been_applied())
    }

    /// Whether the server asked for a longer pause.
    pub(crate) fn is_throttled(&self) -> bool {
        self.server_error()
            .is_some_and(|error| error.code.class() == ErrorClass::Throttled)
    }

    /// The same failure, in a handshake: whatever was to be sent after it was not.
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
