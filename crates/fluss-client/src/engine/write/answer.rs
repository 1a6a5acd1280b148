//! What became of one attempt to send a batch, and what that says.

use fluss_wire::error_code::{ErrorClass, ErrorCode, ServerError};

use crate::error::{Error, ErrorKind};

/// What came back for one batch of a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The server wrote it.
    Written {
        /// Log tables: the offset of the first row. Primary-key tables: the offset after the last change.
        offset: Option<i64>,
        /// How loaded the storage of the bucket is, between 0 and 1. Source:
        /// `FlussApi.proto: PbPutKvRespForBucket.pressure`.
        pressure: Option<f32>,
    },
    /// The server said no.
    Refused(ServerError),
    /// There was no answer.
    Lost {
        /// Why.
        error: Error,
        /// Whether the batch may have reached the server.
        sent: bool,
    },
}

impl Answer {
    /// Whether the sequence was not the one that the server expected, or the writer unknown to it.
    pub(super) fn is_sequence_refusal(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code.class() == ErrorClass::ResetWriter)
    }

    /// Whether the server knows the batch already.
    pub(super) fn is_duplicate(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code.class() == ErrorClass::Duplicate)
    }

    /// Whether the server asks for rest: its storage cannot keep up, or has no room.
    pub(super) fn is_back_pressure(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code.class() == ErrorClass::Throttled)
    }

    /// Whether the batch may be in the log although it was not acknowledged.
    ///
    /// Only what the server checks before it appends counts as certain. A server that loses its leadership while it
    /// waits for replicas answers with the same code as one that never was the leader.
    pub(super) fn may_be_written(&self) -> bool {
        match self {
            Self::Written { .. } => true,
            Self::Lost { sent, .. } => *sent,
            Self::Refused(error) => !matches!(
                error.code,
                ErrorCode::CORRUPT_MESSAGE
                    | ErrorCode::SCHEMA_NOT_EXIST
                    | ErrorCode::CORRUPT_RECORD_EXCEPTION
                    | ErrorCode::NOT_ENOUGH_REPLICAS_EXCEPTION
                    | ErrorCode::OUT_OF_ORDER_SEQUENCE_EXCEPTION
                    | ErrorCode::UNKNOWN_WRITER_ID_EXCEPTION
                    | ErrorCode::INVALID_TARGET_COLUMN
                    | ErrorCode::AUTHORIZATION_EXCEPTION
                    | ErrorCode::DELETION_DISABLED_EXCEPTION
                    | ErrorCode::DISK_WRITE_LOCKED
                    | ErrorCode::STORAGE_BACKPRESSURE_EXCEPTION
            ),
        }
    }

    /// Whether the same batch may succeed later.
    pub(super) fn is_retriable(&self) -> bool {
        match self {
            Self::Written { .. } => false,
            Self::Refused(error) => error.code.is_retriable(),
            Self::Lost { error, .. } => is_passing(error),
        }
    }

    /// Whether the leader must be looked up again before the next attempt.
    pub(super) fn invalidates_leader(&self) -> bool {
        match self {
            Self::Written { .. } => false,
            Self::Refused(error) => error.code.invalidates_metadata(),
            Self::Lost { error, .. } => error
                .server_error()
                .is_none_or(|error| error.code.invalidates_metadata()),
        }
    }

    /// Whether the server does not know the bucket at all.
    pub(super) fn says_unknown_bucket(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code == ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION)
    }

    /// The error for the rows of the batch.
    pub(super) fn into_error(self) -> Error {
        match self {
            Self::Written { .. } => Error::corrupt("a written batch is no error"),
            Self::Refused(error) => Error::from(error),
            Self::Lost { error, .. } => error,
        }
    }
}

/// Whether what failed may succeed later: a server says so, or none was reached.
pub(crate) fn is_passing(error: &Error) -> bool {
    error.is_retriable() || matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout)
}
