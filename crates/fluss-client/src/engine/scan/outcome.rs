//! What a failure means for a bucket, and how long to pause before the next request.

use fluss_wire::error_code::ErrorCode;

use super::start::OffsetReset;

/// What to do about an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchFault {
    /// Ask again after a pause.
    Retry,
    /// Look up the leader again, and retry after a pause.
    RefreshAndRetry,
    /// Ask again without projection.
    Unproject,
    /// Continue at another offset.
    Reset(OffsetReset),
    /// Tell the user.
    Fail,
}

/// Judges an error of a bucket in a fetch answer. Source: `LogFetcher` and `AbstractLogFetchCollector` of the Java
/// client.
///
/// DIFFERS: error 34 leads to a fetch without projection, and offsets out of range may be reset; Java reports both to
/// the user.
pub(crate) fn judge(code: ErrorCode, projected: bool, reset: OffsetReset) -> FetchFault {
    match code {
        ErrorCode::NOT_LEADER_OR_FOLLOWER
        | ErrorCode::LOG_STORAGE_EXCEPTION
        | ErrorCode::KV_STORAGE_EXCEPTION
        | ErrorCode::STORAGE_EXCEPTION
        | ErrorCode::FENCED_LEADER_EPOCH_EXCEPTION
        | ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION
        | ErrorCode::LEADER_NOT_AVAILABLE_EXCEPTION
        | ErrorCode::NETWORK_EXCEPTION => FetchFault::RefreshAndRetry,
        ErrorCode::UNKNOWN_SERVER_ERROR => FetchFault::Retry,
        // What is in the log is broken, and stays so: retriable for writers only.
        ErrorCode::CORRUPT_MESSAGE | ErrorCode::CORRUPT_RECORD_EXCEPTION => FetchFault::Fail,
        ErrorCode::INVALID_COLUMN_PROJECTION if projected => FetchFault::Unproject,
        ErrorCode::LOG_OFFSET_OUT_OF_RANGE_EXCEPTION if reset != OffsetReset::Error => {
            FetchFault::Reset(reset)
        }
        other if other.is_retriable() => FetchFault::Retry,
        _ => FetchFault::Fail,
    }
}
