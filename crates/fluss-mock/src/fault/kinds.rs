//! The kinds of faults.

use std::time::Duration;

use fluss_wire::error_code::ErrorCode;

/// What happens to a request, before or after it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The whole request fails with this error.
    Error(ErrorCode),
    /// The bucket that the rule names fails with this error, or every bucket of the request if the rule names none.
    /// Other buckets succeed. The same as [`Error`](Self::Error) for APIs that don't respond bucket by bucket.
    BucketError(ErrorCode),
    /// There is no response. The connection stays usable.
    Drop,
    /// Adds a delay. Before the request is carried out, later requests of the connection wait too, because servers
    /// handle them one by one; after it, only this response is late.
    Delay(Duration),
    /// The connection stalls: the server reads and writes nothing more. It stays open.
    Stall,
    /// The connection is closed.
    Close,
}

/// What happens to the bytes of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mangle {
    /// Sends the first bytes of the response, then closes the connection.
    Cut {
        /// The number of bytes to send, including the length prefix: at most one less than all.
        after: usize,
    },
    /// Sends the first bytes of the response, then stalls the connection.
    Half {
        /// The number of bytes to send, including the length prefix: at most one less than all.
        after: usize,
    },
    /// Inverts all bits of one byte.
    Flip {
        /// The position of the byte, counted from the first byte of the length prefix, modulo the length of the
        /// response.
        at: usize,
    },
    /// Replaces the length prefix.
    Length(i32),
    /// Replaces the request id with one that no request has.
    RequestId,
    /// Sends the response twice.
    Twice,
    /// Sends the response in small pieces. Later responses wait.
    Drip {
        /// The size of each piece in bytes, at least 1.
        bytes: usize,
        /// The pause before each piece.
        every: Duration,
    },
}

/// What happens to a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectFault {
    /// It is closed at once, or not made at all in process.
    Reject,
    /// The dial never returns. Over TCP the same as `Silent`.
    Ignore,
    /// It is made, but nothing is read from it.
    Silent,
}
