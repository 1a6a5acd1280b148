//! Checks that several requests share, and how a failed one is reported for a single bucket.

use fluss_metadata::{PartitionId, TableBucket};
use fluss_wire::error_code::{ErrorCode, ServerError};

use crate::reply::{Result, fail};
use crate::state::{State, Table};

/// Acknowledged when all in-sync replicas have it (`acks=all`).
pub(super) const ALL: i32 = -1;

/// Rejects a write to all replicas while too few of them are in sync.
pub(super) fn check_in_sync(state: &State, bucket: &TableBucket) -> Result<()> {
    match state.too_few_in_sync(bucket) {
        None => Ok(()),
        Some(in_sync) => fail(
            ErrorCode::NOT_ENOUGH_REPLICAS_EXCEPTION,
            format!(
                "The size of the current ISR {in_sync:?} is insufficient to satisfy the required acks -1 for table bucket {bucket}."
            ),
        ),
    }
}

/// Rejects unknown values of `acks`. The known ones behave alike here: replication is immediate.
pub(super) fn check_acks(acks: i32) -> Result<()> {
    if (ALL..=1).contains(&acks) {
        return Ok(());
    }
    fail(
        ErrorCode::INVALID_REQUIRED_ACKS,
        format!("Invalid required acks {acks}"),
    )
}

/// Rejects a sender that hashed its keys for another number of buckets. Only clients of release 1.0 send that number.
pub(super) fn check_routing(
    table: &Table,
    partition: Option<PartitionId>,
    hashed_for: Option<i32>,
) -> Result<()> {
    let count = table.bucket_count_of(partition);
    match hashed_for {
        Some(hashed_for) if hashed_for != count => fail(
            ErrorCode::INVALID_BUCKET_ROUTING,
            format!("hashed for {hashed_for} buckets, there are {count}"),
        ),
        _ => Ok(()),
    }
}

pub(super) fn check_primary_key(table: &Table) -> Result<()> {
    if table.descriptor.has_primary_key() {
        return Ok(());
    }
    fail(
        ErrorCode::NON_PRIMARY_KEY_TABLE_EXCEPTION,
        format!("the primary key table not exists for {}", table.path),
    )
}

/// Splits a result into its value and the two error fields of a response.
pub(super) fn split<T>(result: Result<T>) -> (Option<T>, (Option<i32>, Option<String>)) {
    match result {
        Ok(value) => (Some(value), (None, None)),
        Err(ServerError { code, message }) => (None, (Some(code.value()), message)),
    }
}
