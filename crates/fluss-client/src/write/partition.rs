//! Looking up the leaders of tables and partitions that are written to, and creating missing partitions.

use std::sync::Arc;

use fluss_metadata::{PartitionId, TableBucket, TableInfo};
use fluss_rpc::{Cluster, path_message, spec_message};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::CreatePartitionRequest;
use tracing::debug;

use super::buckets::{PartitionBuckets, PartitionName};
use crate::config::Config;
use crate::engine::write::{Resolution, is_passing};
use crate::error::{Error, Result};

/// How a search ended.
#[derive(Debug)]
pub(super) enum Search {
    Ended(Resolution),
    /// The partition has another number of buckets than the one its rows were distributed over.
    OtherBuckets(i32),
}

/// Asks the cluster for the leaders of a table or partition. Creates a missing partition, if the configuration allows it.
pub(super) async fn resolve(
    cluster: Cluster,
    config: Arc<Config>,
    info: TableInfo,
    buckets: Arc<PartitionBuckets>,
) -> Search {
    let found = match &buckets.partition {
        None => find_table(&cluster, &info).await.map(|()| None),
        Some(partition) => find_or_create(&cluster, &config, &info, partition).await,
    };
    if let Ok(Some(partition)) = &found {
        let view = cluster.view();
        let count = view.bucket_count(info.table_id(), Some(*partition));
        if let Some(count) = count.filter(|count| *count as u32 != buckets.count()) {
            return Search::OtherBuckets(count);
        }
        buckets.settle();
    }
    Search::Ended(match found {
        Ok(None) if buckets.partition.is_some() => Resolution::NotYet(None),
        Ok(partition) => Resolution::Known(partition),
        Err(error) if is_passing(&error) || is_unknown(&error) => {
            debug!(table = %info.table_path(), %error, "the leaders cannot be looked up now");
            Resolution::NotYet(Some(error))
        }
        Err(error) => Resolution::Gone(error),
    })
}

/// Whether it may be a transient failure inside the server. Both a search and the creation of a partition can safely be retried.
fn is_unknown(error: &Error) -> bool {
    error.server_code() == Some(ErrorCode::UNKNOWN_SERVER_ERROR.value())
}

/// Refreshes the view of the table. Another table under its name means that it is gone.
async fn find_table(cluster: &Cluster, info: &TableInfo) -> Result<()> {
    cluster.refresh_table(info.table_path()).await?;
    let checked = cluster.check_identity(info.table_path(), info.table_id());
    Ok(checked.await?)
}

async fn find_or_create(
    cluster: &Cluster,
    config: &Config,
    info: &TableInfo,
    partition: &PartitionName,
) -> Result<Option<PartitionId>> {
    if let Some(id) = find_partition(cluster, info, partition).await? {
        return Ok(Some(id));
    }
    if !config.writer_dynamic_create_partition {
        let text = format!(
            "there is no partition {}, and writer_dynamic_create_partition is off",
            partition.name
        );
        return Err(Error::from(ServerError::new(
            ErrorCode::PARTITION_NOT_EXISTS,
            text,
        )));
    }
    // The server decides whether the partition fits the rules of its table: servers of release 0.9.1 take any time, and use their own
    // clock and time zone when they drop old partitions.
    create(cluster, info, partition)
        .await
        .map_err(|error| error.during("create_partition"))?;
    debug!(table = %info.table_path(), partition = %partition.name, "created a partition");
    // Servers learn about it a little later, so not finding it immediately is no failure.
    find_partition(cluster, info, partition).await
}

/// The id of the partition; asks for the leaders of its buckets where they are not known.
async fn find_partition(
    cluster: &Cluster,
    info: &TableInfo,
    partition: &PartitionName,
) -> Result<Option<PartitionId>> {
    let (path, table) = (info.table_path(), info.table_id());
    let found = cluster.partition_of(path, table, &partition.name).await?;
    let Some(id) = found else { return Ok(None) };
    let view = cluster.view();
    let count = view.bucket_count(info.table_id(), Some(id));
    let buckets: Vec<_> = (0..count.unwrap_or_else(|| info.num_buckets()))
        .map(|bucket| TableBucket::new_with_partition(info.table_id(), Some(id), bucket))
        .collect();
    if buckets
        .iter()
        .any(|bucket| view.leader_of(bucket).is_none())
    {
        cluster.refresh_buckets(path, &buckets).await?;
        cluster.check_identity(path, table).await?;
    }
    // Forgotten again if the servers say that it was dropped.
    Ok(cluster
        .view()
        .partition_id(info.table_id(), &partition.name))
}

async fn create(cluster: &Cluster, info: &TableInfo, partition: &PartitionName) -> Result<()> {
    let keys = info.partition_keys();
    let values = partition.values.iter().map(String::as_str);
    let spec = keys.iter().map(String::as_str).zip(values);
    let request = CreatePartitionRequest {
        table_path: path_message(info.table_path()),
        partition_spec: spec_message(spec),
        // The protocol's name says the opposite of what the server does with it: it ignores a partition that exists.
        ignore_if_not_exists: true,
    };
    cluster.call_coordinator(&request).await?;
    Ok(())
}
