//! Error codes: what went wrong on a server, and whether to retry.
//!
//! [`ErrorCode::class`] is the only place that decides this. It follows the Java client except for three codes, which
//! are final in Java although waiting or looking up the new leader helps:
//!
//! - 24 `FENCED_LEADER_EPOCH_EXCEPTION`: DIFFERS: retriable after a refresh of the metadata. The Java log fetcher
//!   does that too, past its own exception class.
//! - 65 `NOT_COORDINATOR_LEADER_EXCEPTION`: DIFFERS: retriable after a refresh; a standby coordinator returns it for
//!   every request without executing it.
//! - 69 `TOO_MANY_SCANNERS`: DIFFERS: retriable after a pause; scans end.

mod table;

use std::fmt;

use crate::api::ApiKey;
use crate::message::ErrorResponse;

/// The number of an error of a server. An unknown code keeps its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(i32);

/// What an error means for the sender of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// No error.
    Success,
    /// Transient: send the same request to the same server after a pause.
    Retry,
    /// The server is short of resources: send the same request to the same server after a longer pause.
    Throttled,
    /// Sent to the wrong server, or the server is gone: refresh the metadata, then send the same request to the right
    /// server.
    RefreshMetadata,
    /// The bucket was computed with an outdated bucket count: refresh the table and recompute the bucket. The
    /// unchanged request would fail again.
    Reroute,
    /// The target does not exist or no longer exists: evict it from caches, and fail.
    Gone,
    /// The writer id and its sequences are no longer valid: get a new one.
    ResetWriter,
    /// The batch was already written by an earlier attempt: this is a success.
    Duplicate,
    /// The server has forgotten the scan: open a new one.
    RestartScan,
    /// The requested offset is not in the log: choose another one, or fail.
    OffsetOutOfRange,
    /// Authenticate again on the same connection, after a pause.
    RetryAuthentication,
    /// Close the connection and fail; the credentials are wrong.
    Authentication,
    /// Permanent: fail.
    Fatal,
}

impl ErrorCode {
    /// Creates the code with this number, known or not.
    pub const fn new(code: i32) -> Self {
        Self(code)
    }

    /// Returns the number.
    pub const fn value(self) -> i32 {
        self.0
    }

    /// Returns whether this crate knows the code.
    pub const fn is_known(self) -> bool {
        self.row().is_some()
    }

    /// Returns the name in the protocol; `UNKNOWN_SERVER_ERROR` for an unknown one, which is treated as such.
    pub const fn name(self) -> &'static str {
        match self.row() {
            Some(row) => row.name,
            None => "UNKNOWN_SERVER_ERROR",
        }
    }

    /// Returns a short text, for errors without a text from the server.
    pub const fn description(self) -> &'static str {
        match self.row() {
            Some(row) => row.text,
            None => "the server returned an error that this client does not know",
        }
    }

    /// Returns what it means for the sender of the request. An unknown code is fatal.
    pub const fn class(self) -> ErrorClass {
        match self.row() {
            Some(row) => row.class,
            None => ErrorClass::Fatal,
        }
    }

    /// Returns whether the same request may succeed later (perhaps at another server, see
    /// [`invalidates_metadata`](Self::invalidates_metadata)).
    ///
    /// Not true of [`RetryAuthentication`](ErrorClass::RetryAuthentication), which is about the handshake only.
    pub const fn is_retriable(self) -> bool {
        matches!(
            self.class(),
            ErrorClass::Retry | ErrorClass::Throttled | ErrorClass::RefreshMetadata
        )
    }

    /// Like [`is_retriable`](Self::is_retriable), for the response to a whole request of `api`.
    ///
    /// Servers before 1.0 report all problems with their ZooKeeper as
    /// [`UNKNOWN_SERVER_ERROR`](Self::UNKNOWN_SERVER_ERROR). This is transient for requests that cannot themselves
    /// make a server fail each time: metadata, writer ids, fetches.
    pub const fn is_retriable_for(self, api: ApiKey) -> bool {
        self.is_retriable()
            || matches!(self, Self::UNKNOWN_SERVER_ERROR)
                && matches!(
                    api,
                    ApiKey::GetMetadata | ApiKey::InitWriter | ApiKey::FetchLog
                )
    }

    /// Returns whether the cached information about the table, bucket or coordinator is out of date.
    pub const fn invalidates_metadata(self) -> bool {
        matches!(
            self.class(),
            ErrorClass::RefreshMetadata | ErrorClass::Reroute | ErrorClass::Gone
        )
    }

    /// Returns whether a write that got this response may be, or is, in the log of the leader.
    ///
    /// Sending it again without a writer id and sequence may write it twice.
    pub const fn may_have_been_applied(self) -> bool {
        matches!(
            self,
            Self::NETWORK_EXCEPTION
                | Self::REQUEST_TIME_OUT
                | Self::NOT_ENOUGH_REPLICAS_AFTER_APPEND_EXCEPTION
                | Self::DUPLICATE_SEQUENCE_EXCEPTION
        )
    }
}

impl From<i32> for ErrorCode {
    fn from(code: i32) -> Self {
        Self(code)
    }
}

impl From<ErrorCode> for i32 {
    fn from(code: ErrorCode) -> Self {
        code.0
    }
}

impl fmt::Display for ErrorCode {
    /// Name and number: `NOT_LEADER_OR_FOLLOWER (12)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Maximum number of characters of a server's text in messages.
const LONGEST_SUMMARY: usize = 1000;

/// An error as a server reports it: for a request, a connection, or one bucket of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// The code, known or not.
    pub code: ErrorCode,
    /// The server's text; absent if it sent none.
    pub message: Option<String>,
}

impl ServerError {
    /// Creates an error with a text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: Some(message.into()),
        }
    }

    /// Returns the error in the `error_code` and `error_message` of a response for one bucket or table, if there is
    /// one.
    ///
    /// An absent code is success, and so is 0, which servers don't send.
    pub fn from_parts(code: Option<i32>, message: Option<String>) -> Option<Self> {
        let code = ErrorCode::new(code?);
        (code != ErrorCode::NONE).then_some(Self { code, message })
    }

    /// Returns the server's text, or else a description of the code. Some servers append a stack trace.
    pub fn text(&self) -> &str {
        self.message.as_deref().unwrap_or(self.code.description())
    }

    /// Returns the first meaningful line of [`text`](Self::text), truncated if it is very long, as shown in messages.
    pub fn summary(&self) -> &str {
        let mut lines = self.text().lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
        match line.char_indices().nth(LONGEST_SUMMARY) {
            Some((end, _)) => line.get(..end).unwrap_or(line),
            None => line,
        }
    }

    /// See [`ErrorCode::is_retriable`].
    pub fn is_retriable(&self) -> bool {
        self.code.is_retriable()
    }

    /// See [`ErrorCode::invalidates_metadata`].
    pub fn invalidates_metadata(&self) -> bool {
        self.code.invalidates_metadata()
    }
}

impl fmt::Display for ServerError {
    /// Code and the first line of the text: `NOT_LEADER_OR_FOLLOWER (12): not the leader of bucket 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.summary())
    }
}

impl std::error::Error for ServerError {}

impl From<ErrorCode> for ServerError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            message: None,
        }
    }
}

impl From<ErrorResponse> for ServerError {
    fn from(response: ErrorResponse) -> Self {
        Self {
            code: ErrorCode::new(response.error_code),
            message: response.error_message,
        }
    }
}

impl From<&ServerError> for ErrorResponse {
    fn from(error: &ServerError) -> Self {
        Self {
            error_code: error.code.value(),
            error_message: error.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_code_keeps_its_number_and_text_and_is_fatal() {
        let error = ServerError::new(ErrorCode::new(4711), "new in 2.0");
        assert_eq!(error.code.value(), 4711);
        assert_eq!(error.to_string(), "UNKNOWN_SERVER_ERROR (4711): new in 2.0");
        assert_eq!(error.code.class(), ErrorClass::Fatal);
        assert!(!error.code.is_known() && !error.is_retriable() && !error.invalidates_metadata());
    }

    #[test]
    fn an_unknown_error_passes_where_no_request_is_at_fault() {
        let unknown = ErrorCode::UNKNOWN_SERVER_ERROR;
        let apis = crate::api::TABLE.iter().map(|entry| entry.key);
        let passes = apis.filter(|api| unknown.is_retriable_for(*api));
        let passes = passes.collect::<Vec<_>>();
        let expected = [ApiKey::GetMetadata, ApiKey::FetchLog, ApiKey::InitWriter];
        assert_eq!(passes.len(), expected.len());
        assert!(expected.iter().all(|api| passes.contains(api)));
        assert!(ErrorCode::REQUEST_TIME_OUT.is_retriable_for(ApiKey::CreateTable));
        assert!(!ErrorCode::TABLE_NOT_EXIST.is_retriable_for(ApiKey::GetMetadata));
        assert!(!ErrorCode::new(4711).is_retriable_for(ApiKey::GetMetadata));
    }

    #[test]
    fn no_code_and_code_zero_are_success() {
        assert_eq!(ServerError::from_parts(None, None), None);
        assert_eq!(
            ServerError::from_parts(Some(0), Some("odd".to_owned())),
            None
        );
        let error = ServerError::from_parts(Some(12), None).unwrap();
        assert_eq!(
            error.to_string(),
            "NOT_LEADER_OR_FOLLOWER (12): the server has no such replica, or does not lead it"
        );
        assert!(error.is_retriable() && error.invalidates_metadata());
    }

    #[test]
    fn classes_say_what_to_do() {
        use ErrorClass as C;
        let cases = [
            (ErrorCode::CORRUPT_MESSAGE, C::Retry, true, false),
            (ErrorCode::SCHEMA_NOT_EXIST, C::Retry, true, false),
            (ErrorCode::CORRUPT_RECORD_EXCEPTION, C::Retry, true, false),
            (
                ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION,
                C::OffsetOutOfRange,
                false,
                false,
            ),
            (
                ErrorCode::FENCED_LEADER_EPOCH_EXCEPTION,
                C::RefreshMetadata,
                true,
                true,
            ),
            (
                ErrorCode::OUT_OF_ORDER_SEQUENCE_EXCEPTION,
                C::ResetWriter,
                false,
                false,
            ),
            (
                ErrorCode::DUPLICATE_SEQUENCE_EXCEPTION,
                C::Duplicate,
                false,
                false,
            ),
            (ErrorCode::PARTITION_NOT_EXISTS, C::Gone, false, true),
            (
                ErrorCode::AUTHENTICATE_EXCEPTION,
                C::Authentication,
                false,
                false,
            ),
            (
                ErrorCode::RETRIABLE_AUTHENTICATE_EXCEPTION,
                C::RetryAuthentication,
                false,
                false,
            ),
            (
                ErrorCode::NOT_COORDINATOR_LEADER_EXCEPTION,
                C::RefreshMetadata,
                true,
                true,
            ),
            (ErrorCode::UNKNOWN_SCANNER_ID, C::RestartScan, false, false),
            (
                ErrorCode::HISTORICAL_PARTITION_THROTTLED,
                C::Throttled,
                true,
                false,
            ),
            (ErrorCode::INVALID_BUCKET_ROUTING, C::Reroute, false, true),
        ];
        for (code, class, retriable, invalidates) in cases {
            assert_eq!(code.class(), class, "{code}");
            assert_eq!(code.is_retriable(), retriable, "{code}");
            assert_eq!(code.invalidates_metadata(), invalidates, "{code}");
        }
    }

    #[test]
    fn a_message_shows_the_first_line_of_what_a_server_said_and_the_text_has_the_rest() {
        let trace = "org.apache.fluss.exception.FlussRuntimeException: no space left\r\n\tat a.B.c(B.java:1)\nCaused by: x";
        let long = "x".repeat(5000);
        let cut = "x".repeat(LONGEST_SUMMARY);
        for (text, shown) in [
            (
                trace,
                "org.apache.fluss.exception.FlussRuntimeException: no space left",
            ),
            ("\n  late\nmore", "late"),
            ("one line", "one line"),
            ("", ""),
            (&*long, &*cut),
        ] {
            let error = ServerError::new(ErrorCode::UNKNOWN_SERVER_ERROR, text);
            assert_eq!(error.summary(), shown);
            assert_eq!(error.text(), text);
            assert!(error.to_string().ends_with(shown));
            assert!(!error.to_string().contains('\n'));
        }
    }
}
