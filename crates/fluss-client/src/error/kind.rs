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
}

impl ErrorKind {
    pub(super) fn of_server(code: ErrorCode) -> Self {
        match code.value() {
            1 => Self::Connection,
            2 => Self::Unsupported,
            3 | 14 => Self::Corrupt,
            4 | 7 | 9 | 36 | 41 | 53 | 58 | 60 | 62 => Self::NotFound,
            5
            | 15..=18
            | 20
            | 34
            | 35
            | 37..=40
            | 43
            | 45
            | 47
            | 49
            | 52
            | 56
            | 57
            | 61
            | 63
            | 64
            | 71 => Self::Usage,
            6 | 8 | 42 | 54 | 59 => Self::AlreadyExists,
            19 => Self::OffsetOutOfRange,
            25 => Self::Timeout,
            46 | 51 => Self::Authentication,
            48 => Self::Authorization,
            66 => Self::ScannerExpired,
            67 => Self::UnknownScanner,
            68 => Self::InvalidScanRequest,
            69 => Self::TooManyScanners,
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
