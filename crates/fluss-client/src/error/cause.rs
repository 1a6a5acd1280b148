//! The cause of an error.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use fluss_metadata::MetadataError;
use fluss_metadata::text::{Count, Readable};
use fluss_row::RowError;
use fluss_rpc::RpcError;
use fluss_wire::error_code::ServerError;
use snafu::Snafu;

use super::kind::ErrorKind;

#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
pub(crate) enum Cause {
    #[snafu(display("configuration field {field} is {value:?}, expected {expected}"))]
    Config {
        field: String,
        value: String,
        expected: String,
    },

    #[snafu(display("{message}"))]
    Usage { message: String },

    #[snafu(display("{what}: this is a bug of the client, please report it"))]
    Internal { what: Cow<'static, str> },

    #[snafu(display("the {what} of the connection cannot start: {source}"))]
    Start {
        what: &'static str,
        source: Arc<std::io::Error>,
    },

    #[snafu(display("{what} is closed"))]
    Closed { what: &'static str },

    #[snafu(display("{what} did not end within {}", Readable(*waited)))]
    Timeout { what: String, waited: Duration },

    #[snafu(display("{what} within {}", Readable(*waited)))]
    Undelivered {
        what: &'static str,
        waited: Duration,
    },

    #[snafu(display(
        "no room for {} in the write buffer of {capacity} bytes after {}",
        Count(*wanted, "byte"),
        Readable(*waited)
    ))]
    BufferFull {
        wanted: usize,
        capacity: usize,
        waited: Duration,
    },

    #[snafu(display("{what}"))]
    Corrupt { what: String },

    #[snafu(display("{what} does not exist"))]
    NotFound { what: String },

    #[snafu(display("the server is too old: {what}"))]
    TooOld { what: String },

    #[snafu(display("the answer cannot be read: {source}"))]
    Answer { source: Arc<MetadataError> },

    #[snafu(display(
        "segment {segment} of the log in remote storage {store} cannot be read: {why}"
    ))]
    RemoteSegment {
        segment: String,
        store: String,
        why: String,
    },

    #[snafu(display("{what}: {}", reason(source)))]
    Unreadable {
        what: Cow<'static, str>,
        source: Arc<RowError>,
    },

    #[snafu(display("the bucket has no leader"))]
    Leaderless,

    #[snafu(display("{error}"))]
    Server { error: ServerError },

    #[snafu(display("{source}"))]
    Rpc { source: RpcError },

    #[snafu(display("{source}"))]
    Row { source: Arc<RowError> },

    #[snafu(display("{source}"))]
    Metadata { source: Arc<MetadataError> },
}

/// Why something cannot be read, down to the bottom of it. Which batch it is, the context says.
fn reason(error: &RowError) -> String {
    let mut text = String::new();
    let mut next = match error {
        RowError::CorruptBatch { source, .. } => Some(&**source as &dyn std::error::Error),
        error => Some(error as &dyn std::error::Error),
    };
    while let Some(error) = next {
        let colon = if text.is_empty() { "" } else { ": " };
        // Writing to a text never fails.
        let _ = write!(text, "{colon}{error}");
        next = error.source();
    }
    text
}

impl Cause {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. } => ErrorKind::Config,
            Self::Usage { .. } | Self::Metadata { .. } => ErrorKind::Usage,
            Self::Internal { .. } | Self::Start { .. } => ErrorKind::Internal,
            Self::Closed { .. } => ErrorKind::Closed,
            Self::Timeout { .. } | Self::Undelivered { .. } => ErrorKind::Timeout,
            Self::BufferFull { .. } => ErrorKind::BufferFull,
            Self::Corrupt { .. } | Self::Answer { .. } => ErrorKind::Corrupt,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Unreadable { source, .. } => match **source {
                RowError::MissingFeature { .. } => ErrorKind::Unsupported,
                _ => ErrorKind::Corrupt,
            },
            Self::Leaderless | Self::RemoteSegment { .. } => ErrorKind::Server,
            Self::TooOld { .. } => ErrorKind::Unsupported,
            Self::Row { source } => {
                if source.is_corrupt() {
                    ErrorKind::Corrupt
                } else {
                    ErrorKind::Usage
                }
            }
            Self::Server { error } => ErrorKind::of_server(error.code),
            Self::Rpc { source } => ErrorKind::of_rpc(source),
        }
    }

    pub(super) fn is_retriable(&self) -> bool {
        match self {
            Self::Timeout { .. }
            | Self::Undelivered { .. }
            | Self::BufferFull { .. }
            | Self::RemoteSegment { .. }
            | Self::Leaderless => true,
            Self::Server { error } => error.code.is_retriable(),
            Self::Rpc { source } => source.is_retriable(),
            Self::Config { .. }
            | Self::Usage { .. }
            | Self::Internal { .. }
            | Self::Start { .. }
            | Self::Closed { .. }
            | Self::Corrupt { .. }
            | Self::NotFound { .. }
            | Self::TooOld { .. }
            | Self::Answer { .. }
            | Self::Unreadable { .. }
            | Self::Row { .. }
            | Self::Metadata { .. } => false,
        }
    }

    pub(super) fn server_error(&self) -> Option<&ServerError> {
        match self {
            Self::Server { error } => Some(error),
            Self::Rpc { source } => source.server_error(),
            _ => None,
        }
    }
}
