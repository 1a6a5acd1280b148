//! Whether the partition of a bucket still exists: buckets of a dropped partition have no leader, and waiting for an
//! election is in vain.

use fluss_metadata::{TableBucket, TableInfo};
use fluss_rpc::path_message;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::MetadataRequest;

use crate::context::Context;
use crate::error::{Error, Result};

/// Returns an error immediately if the partition of a bucket was dropped. Servers are asked only if no leader of the
/// bucket is known.
pub(super) async fn require(
    context: &Context,
    table: &TableInfo,
    bucket: &TableBucket,
) -> Result<()> {
    let cluster = &context.cluster;
    let is_led = || cluster.view().leader_of(bucket).is_some();
    if bucket.partition_id().is_none() || is_led() {
        return Ok(());
    }
    // Why this fails, the call that follows finds out, too.
    let _ = cluster
        .refresh_buckets(table.table_path(), &[*bucket])
        .await;
    match missing(context, table, bucket).await {
        Some(error) if !is_led() => Err(error),
        _ => Ok(()),
    }
}

/// That the partition of a bucket does not exist, by the word of a server.
pub(super) async fn missing(
    context: &Context,
    table: &TableInfo,
    bucket: &TableBucket,
) -> Option<Error> {
    let request = MetadataRequest {
        table_path: vec![path_message(table.table_path())].into(),
        partitions_id: vec![bucket.partition_id()?].into(),
        ..MetadataRequest::default()
    };
    let answer = context.cluster.call_any(&request).await;
    let error = Error::from(answer.err()?);
    is_missing(&error).then_some(error)
}

/// Whether an error says that a partition does not exist.
pub(super) fn is_missing(error: &Error) -> bool {
    error
        .server_error()
        .is_some_and(|error| error.code == ErrorCode::PARTITION_NOT_EXISTS)
}
