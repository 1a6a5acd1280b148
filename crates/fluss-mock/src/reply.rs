//! Replies to requests: results, the errors in their stead, and the frame of an error.

use fluss_wire::Segments;
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame;

/// The answer to a request, or the error in its stead.
pub(crate) type Result<T> = std::result::Result<T, ServerError>;

pub(crate) fn fail<T>(code: ErrorCode, message: impl Into<String>) -> Result<T> {
    Err(ServerError::new(code, message))
}

/// The error that servers return for whatever has no code of its own.
#[expect(
    clippy::needless_pass_by_value,
    reason = "serves as the function of a map_err"
)]
pub(crate) fn internal(error: impl ToString) -> ServerError {
    ServerError::new(ErrorCode::UNKNOWN_SERVER_ERROR, error.to_string())
}

/// The frame of an error, for the request with this id.
pub(crate) fn failure(id: i32, error: &ServerError) -> Segments {
    // Encoding fails only for frames of more than 2 GiB, and error texts are short.
    frame::encode_error(id, error).unwrap_or_default()
}
