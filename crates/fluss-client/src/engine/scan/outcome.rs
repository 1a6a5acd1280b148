//! What a failure means for a bucket, and how long to pause before the next request.

use std::time::Duration;

use fluss_wire::error_code::ErrorCode;

use crate::table::OffsetReset;

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LAST_DELAY: Duration = Duration::from_secs(1);

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

/// The pause after the given number of failures in a row: doubling from 50 ms to 1 s, less up to half of it by chance
/// (`entropy`, of which 0 takes most).
pub(crate) fn retry_delay(failures: u32, entropy: u32) -> Duration {
    let full = FIRST_DELAY
        .saturating_mul(1 << failures.saturating_sub(1).min(5))
        .min(LAST_DELAY);
    let half = full / 2;
    half + half.mul_f64(f64::from(entropy) / f64::from(u32::MAX))
}
