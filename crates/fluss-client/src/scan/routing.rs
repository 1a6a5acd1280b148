//! What a request says so that its server can tell whether it is for it.

use fluss_metadata::{TableBucket, TableInfo};

use crate::context::Context;

/// What clients send as the id of a replica. Source: `FlussApi.proto: FetchLogRequest.follower_server_id`.
pub(super) const NO_REPLICA: i32 = -1;

/// As [`routing_bucket_count`], of a bucket that nothing may be known of yet.
pub(super) async fn learn_routing_bucket_count(
    context: &Context,
    table: &TableInfo,
    bucket: &TableBucket,
) -> i32 {
    let cluster = &context.cluster;
    if bucket.partition_id().is_some() && cluster.view().leader_of(bucket).is_none() {
        // The servers that report leaders report this too. The next call asks again, and returns why no server
        // responds.
        let _ = cluster.leader(table.table_path(), *bucket).await;
    }
    routing_bucket_count(context, table, bucket)
}

/// The bucket count that a server of a rescaled table asks to know: that of the partition, where it was told, else
/// the table's.
pub(super) fn routing_bucket_count(
    context: &Context,
    table: &TableInfo,
    bucket: &TableBucket,
) -> i32 {
    let view = context.cluster.view();
    let told = view.bucket_count(bucket.table_id(), bucket.partition_id());
    told.unwrap_or_else(|| table.num_buckets())
}
