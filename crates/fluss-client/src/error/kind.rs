//! The kinds of errors, for programs that handle them.

use fluss_rpc::RpcError;
use fluss_wire::error_code::ErrorCode;

/// Returns the kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting has an invalid value.
    Config,
    /// The call, its arguments or a row do not fit the table, or the server rejected them as invalid.
    Usage,
    /// A database, table, partition, schema or snapshot does not exist.
    NotFound,
    /// A database, table or partition already exists.
    AlreadyExists,
    /// Authentication failed.
    Authentication,
    /// The user does not have permission.
    Authorization,
    /// A deadline passed. The outcome of a write is unknown.
    Timeout,
    /// No connection could be established, or it broke. The outcome of a write is unknown.
    Connection,
    /// The write buffer stayed full for the configured wait time.
    BufferFull,
    /// The server is too old or too new for the call.
    Unsupported,
    /// Data from a server cannot be read.
    Corrupt,
    /// The requested offset is not, or no longer, in the log.
    OffsetOutOfRange,
    /// The server ended a scan of all rows because it was idle for too long. Start it again.
    ScannerExpired,
    /// The server does not know a scan of all rows, for example after a restart or a leader change. Start it again.
    UnknownScanner,
    /// The server rejected a request of a scan of all rows, such as a page out of order.
    InvalidScanRequest,
    /// The server has too many open scans of all rows. Try again when some have ended.
    TooManyScanners,
    /// The connection, writer or scanner is closed, or the runtime of the connection has ended.
    Closed,
    /// The server failed for another reason.
    Server,
    /// This client is at fault. Please report it.
    Internal,
}

impl ErrorKind {
    pub(super) fn of_server(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NETWORK_EXCEPTION => Self::Connection,
            ErrorCode::UNSUPPORTED_VERSION => Self::Unsupported,
            ErrorCode::CORRUPT_MESSAGE | ErrorCode::CORRUPT_RECORD_EXCEPTION => Self::Corrupt,
            ErrorCode::DATABASE_NOT_EXIST
            | ErrorCode::TABLE_NOT_EXIST
            | ErrorCode::SCHEMA_NOT_EXIST
            | ErrorCode::PARTITION_NOT_EXISTS
            | ErrorCode::KV_SNAPSHOT_NOT_EXIST
            | ErrorCode::LAKE_SNAPSHOT_NOT_EXIST
            | ErrorCode::SERVER_NOT_EXIST_EXCEPTION
            | ErrorCode::SEVER_TAG_NOT_EXIST_EXCEPTION
            | ErrorCode::NO_REBALANCE_IN_PROGRESS_EXCEPTION => Self::NotFound,
            ErrorCode::DATABASE_NOT_EMPTY
            | ErrorCode::INVALID_TABLE_EXCEPTION
            | ErrorCode::INVALID_DATABASE_EXCEPTION
            | ErrorCode::INVALID_REPLICATION_FACTOR
            | ErrorCode::INVALID_REQUIRED_ACKS
            | ErrorCode::NON_PRIMARY_KEY_TABLE_EXCEPTION
            | ErrorCode::INVALID_COLUMN_PROJECTION
            | ErrorCode::INVALID_TARGET_COLUMN
            | ErrorCode::TABLE_NOT_PARTITIONED_EXCEPTION
            | ErrorCode::INVALID_TIMESTAMP_EXCEPTION
            | ErrorCode::INVALID_CONFIG_EXCEPTION
            | ErrorCode::LAKE_STORAGE_NOT_CONFIGURED_EXCEPTION
            | ErrorCode::PARTITION_SPEC_INVALID_EXCEPTION
            | ErrorCode::PARTITION_MAX_NUM_EXCEPTION
            | ErrorCode::SECURITY_DISABLED_EXCEPTION
            | ErrorCode::BUCKET_MAX_NUM_EXCEPTION
            | ErrorCode::INVALID_SERVER_RACK_INFO_EXCEPTION
            | ErrorCode::INVALID_ALTER_TABLE_EXCEPTION
            | ErrorCode::DELETION_DISABLED_EXCEPTION
            | ErrorCode::REBALANCE_FAILURE_EXCEPTION
            | ErrorCode::INVALID_PRODUCER_ID_EXCEPTION
            | ErrorCode::CONFIG_EXCEPTION
            | ErrorCode::INSUFFICIENT_KV_LEADER_REPLICA_CAPACITY => Self::Usage,
            ErrorCode::DATABASE_ALREADY_EXIST
            | ErrorCode::TABLE_ALREADY_EXIST
            | ErrorCode::PARTITION_ALREADY_EXISTS
            | ErrorCode::LAKE_TABLE_ALREADY_EXIST
            | ErrorCode::SEVER_TAG_ALREADY_EXIST_EXCEPTION => Self::AlreadyExists,
            ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION => Self::OffsetOutOfRange,
            ErrorCode::REQUEST_TIME_OUT => Self::Timeout,
            ErrorCode::AUTHENTICATE_EXCEPTION | ErrorCode::RETRIABLE_AUTHENTICATE_EXCEPTION => {
                Self::Authentication
            }
            ErrorCode::AUTHORIZATION_EXCEPTION => Self::Authorization,
            ErrorCode::SCANNER_EXPIRED => Self::ScannerExpired,
            ErrorCode::UNKNOWN_SCANNER_ID => Self::UnknownScanner,
            ErrorCode::INVALID_SCAN_REQUEST => Self::InvalidScanRequest,
            ErrorCode::TOO_MANY_SCANNERS => Self::TooManyScanners,
            _ => Self::Server,
        }
    }

    pub(super) fn of_rpc(error: &RpcError) -> Self {
        if let Some(server) = error.server_error() {
            return Self::of_server(server.code);
        }
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_unsupported_version() {
            Self::Unsupported
        } else if error.is_corrupt() {
            Self::Corrupt
        } else if error.is_closed() {
            Self::Closed
        } else {
            Self::Connection
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_scans_have_kinds_of_their_own() {
        let cases = [
            (66, ErrorKind::ScannerExpired),
            (67, ErrorKind::UnknownScanner),
            (68, ErrorKind::InvalidScanRequest),
            (69, ErrorKind::TooManyScanners),
            (-1, ErrorKind::Server),
            (4_242, ErrorKind::Server),
        ];
        for (code, kind) in cases {
            assert_eq!(ErrorKind::of_server(ErrorCode::new(code)), kind, "{code}");
        }
    }
}
