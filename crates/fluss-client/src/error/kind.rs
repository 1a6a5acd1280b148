//! The kinds of errors, for programs that decide by them.

use fluss_rpc::RpcError;
use fluss_wire::error_code::ErrorCode;

/// What kind of error it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A field of the configuration has a value that cannot be used.
    Config,
    /// The call, its arguments or a row do not fit the table, or the server refused them as invalid.
    Usage,
    /// A database, table, partition, schema or snapshot does not exist.
    NotFound,
    /// A database, table or partition exists already.
    AlreadyExists,
    /// The server did not accept who this client is.
    Authentication,
    /// The server does not allow this user what was asked.
    Authorization,
    /// A wait reached its deadline: what became of a write is unknown.
    Timeout,
    /// No connection could be made, or it broke: what became of a write is unknown.
    Connection,
    /// The write buffer stayed full for as long as the configuration lets a writer wait.
    BufferFull,
    /// The server is too old, or too new, for what was asked.
    Unsupported,
    /// What a server sent cannot be read.
    Corrupt,
    /// The offset asked for is not, or no longer, in the log.
    OffsetOutOfRange,
    /// The server ended a scan of all rows because nothing of it was asked for too long. Begin it again.
    ScannerExpired,
    /// The server does not know a scan of all rows, as after a restart or when its bucket got another leader. Begin it again.
    UnknownScanner,
    /// The server refused a request of a scan of all rows, such as a page out of turn.
    InvalidScanRequest,
    /// As many scans of all rows are open as the server allows. Try again when some have ended.
    TooManyScanners,
    /// The connection, writer or scanner was closed before, or the runtime that the connection was made on has ended.
    Closed,
    /// The server failed for a reason of its own.
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
