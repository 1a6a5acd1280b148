//! Snapshots of primary-key tables, and leases on them.
//!
//! Their files exist by name only: reading snapshots takes RocksDB and a real cluster.

use std::collections::{BTreeMap, BTreeSet};

use fluss_metadata::{BucketId, OperationType, PartitionId, TableBucket, TableId};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    AcquireKvSnapshotLeaseRequest, AcquireKvSnapshotLeaseResponse, DropKvSnapshotLeaseRequest,
    DropKvSnapshotLeaseResponse, GetKvSnapshotMetadataRequest, GetKvSnapshotMetadataResponse,
    GetLatestKvSnapshotsRequest, GetLatestKvSnapshotsResponse, ListKvSnapshotsRequest,
    ListKvSnapshotsResponse, PbKvSnapshot, PbRemotePathAndLocalFile, ReleaseKvSnapshotLeaseRequest,
    ReleaseKvSnapshotLeaseResponse,
};

use super::caller::{Caller, unknown_table};
use super::{table, table_path};
use crate::reply::{Result, fail};
use crate::state::{Lease, Snapshot, Snapshots, State, Table};

/// The files of each snapshot.
const FILES: [&str; 3] = ["CURRENT", "MANIFEST-000004", "OPTIONS-000007"];

pub(crate) fn latest(
    state: &mut State,
    caller: &Caller,
    request: &GetLatestKvSnapshotsRequest,
) -> Result<GetLatestKvSnapshotsResponse> {
    let path = table_path(&request.table_path);
    caller.must_on_table(state, OperationType::Describe, &path)?;
    let found = table::find(state, &path)?;
    if !found.descriptor.has_primary_key() {
        return fail(
            ErrorCode::NON_PRIMARY_KEY_TABLE_EXCEPTION,
            format!(
                "Table '{path}' is not a primary key table, so it doesn't have any kv snapshots."
            ),
        );
    }
    let partition = request.partition_name.as_deref();
    let partition_id = match (partition, found.descriptor.is_partitioned()) {
        (None, false) => None,
        (Some(_), false) => {
            return fail(
                ErrorCode::TABLE_NOT_PARTITIONED_EXCEPTION,
                format!("Table '{path}' is not a partitioned table."),
            );
        }
        (None, true) => {
            return fail(
                ErrorCode::PARTITION_NOT_EXISTS,
                format!(
                    "Table '{path}' is a partitioned table, but partition name is not provided."
                ),
            );
        }
        (Some(name), true) => match found.partitions.get(name) {
            Some(partition) => Some(partition.id),
            None => {
                return fail(
                    ErrorCode::PARTITION_NOT_EXISTS,
                    format!("The partition '{name}' of table '{path}' does not exist."),
                );
            }
        },
    };
    let (table_id, count) = (found.id, found.bucket_count_of(partition_id));
    let latest = (0..count).map(|bucket_id| {
        let bucket = TableBucket::new_with_partition(table_id, partition_id, bucket_id);
        let snapshots = refreshed(state, bucket);
        let latest = snapshots.as_ref().and_then(Snapshots::latest);
        PbKvSnapshot {
            bucket_id,
            snapshot_id: latest.map(|latest| latest.id),
            log_offset: latest.map(|latest| latest.log_offset),
        }
    });
    Ok(GetLatestKvSnapshotsResponse {
        table_id,
        partition_id,
        latest_snapshots: latest.collect(),
    })
}

/// The current snapshots of a bucket, if it was ever written to.
fn refreshed(state: &mut State, bucket: TableBucket) -> Option<Snapshots> {
    let now = state.clock.now_millis();
    let interval = state.config.snapshot_interval_millis();
    state.leases.retain(|_, lease| lease.expires > now);
    let held = state.leases.values();
    let held: BTreeSet<i64> = held
        .filter_map(|lease| lease.held.get(&bucket).copied())
        .collect();
    let data = state.data(&bucket)?;
    let end = data.log.end_offset();
    data.snapshots.refresh(end, now, interval, &held);
    Some(data.snapshots.clone())
}

pub(crate) fn metadata(
    state: &mut State,
    caller: &Caller,
    request: &GetKvSnapshotMetadataRequest,
) -> Result<GetKvSnapshotMetadataResponse> {
    caller.must_on_table_id(state, OperationType::Describe, request.table_id)?;
    let bucket =
        TableBucket::new_with_partition(request.table_id, request.partition_id, request.bucket_id);
    let snapshots = refreshed(state, bucket).unwrap_or_default();
    let found = snapshots.get(request.snapshot_id);
    let path = state.catalog.table_by_id(request.table_id);
    let (Some(found), Some(Table { path, .. })) = (found, path) else {
        return fail(
            ErrorCode::KV_SNAPSHOT_NOT_EXIST,
            format!(
                "Failed to get kv snapshot metadata for table bucket {bucket} and snapshot id {}. Error: Kv snapshot not found",
                request.snapshot_id
            ),
        );
    };
    let root = state.config.remote_dir().unwrap_or("memory:/remote");
    let Snapshot { id, log_offset, .. } = *found;
    let dir = format!(
        "{root}/kv/{}/{}-{}/{}/snap-{id}",
        path.database(),
        path.table(),
        request.table_id,
        request.bucket_id
    );
    Ok(GetKvSnapshotMetadataResponse {
        log_offset,
        snapshot_files: FILES
            .iter()
            .map(|name| PbRemotePathAndLocalFile {
                remote_path: format!("{dir}/{name}"),
                local_file_name: (*name).to_owned(),
            })
            .collect(),
    })
}

/// All snapshots that are kept (since 1.0). A log table has none.
pub(crate) fn list(
    state: &mut State,
    caller: &Caller,
    request: &ListKvSnapshotsRequest,
) -> Result<ListKvSnapshotsResponse> {
    let ListKvSnapshotsRequest {
        table_id,
        partition_id,
    } = *request;
    caller.must_on_table_id(state, OperationType::Describe, table_id)?;
    if let Some(id) = partition_id {
        let problem = match state.catalog.partition(id) {
            None => "exist",
            Some((table, _)) if table.id != table_id => "belong to the table",
            Some(_) => "",
        };
        if !problem.is_empty() {
            return fail(
                ErrorCode::PARTITION_NOT_EXISTS,
                format!("Partition {id} does not {problem}"),
            );
        }
    }
    let Some(table) = state.catalog.table_by_id(table_id) else {
        return fail(
            ErrorCode::TABLE_NOT_EXIST,
            format!("Table {table_id} does not exist"),
        );
    };
    let count = if table.descriptor.has_primary_key() {
        table.bucket_count_of(partition_id)
    } else {
        0
    };
    let snapshots = (0..count).flat_map(|bucket_id| {
        let bucket = TableBucket::new_with_partition(table_id, partition_id, bucket_id);
        let snapshots = refreshed(state, bucket).unwrap_or_default();
        let all = snapshots.all().iter().map(|snapshot| PbKvSnapshot {
            bucket_id,
            snapshot_id: Some(snapshot.id),
            log_offset: None,
        });
        all.collect::<Vec<_>>()
    });
    Ok(ListKvSnapshotsResponse {
        table_id,
        partition_id,
        active_snapshots: snapshots.collect(),
    })
}

/// The number of buckets of a primary-key table.
fn key_buckets(state: &State, id: TableId) -> Result<BucketId> {
    match state.catalog.table_by_id(id) {
        None => unknown_table("coordinator", id),
        Some(table) if !table.descriptor.has_primary_key() => fail(
            ErrorCode::NON_PRIMARY_KEY_TABLE_EXCEPTION,
            format!("Table '{}' is not a primary key table", table.path),
        ),
        Some(table) => Ok(table.bucket_count()),
    }
}

/// Accepts any snapshot id, as servers of 0.9.1 do.
pub(crate) fn acquire(
    state: &mut State,
    caller: &Caller,
    request: &AcquireKvSnapshotLeaseRequest,
) -> Result<AcquireKvSnapshotLeaseResponse> {
    for table in &request.snapshots_to_lease {
        caller.must_on_table_id(state, OperationType::Read, table.table_id)?;
        key_buckets(state, table.table_id)?;
    }
    let expires = state
        .clock
        .now_millis()
        .saturating_add(request.lease_duration_ms);
    let lease = state.leases.entry(request.lease_id.clone());
    let lease = lease.or_insert_with(|| Lease {
        expires,
        held: BTreeMap::new(),
    });
    lease.expires = expires;
    for table in &request.snapshots_to_lease {
        for bucket in &table.bucket_snapshots {
            let id = bucket_id(table.table_id, bucket.partition_id, bucket.bucket_id);
            lease.held.insert(id, bucket.snapshot_id);
        }
    }
    Ok(AcquireKvSnapshotLeaseResponse::default())
}

fn bucket_id(table: TableId, partition: Option<PartitionId>, bucket: BucketId) -> TableBucket {
    TableBucket::new_with_partition(table, partition, bucket)
}

pub(crate) fn release(
    state: &mut State,
    caller: &Caller,
    request: &ReleaseKvSnapshotLeaseRequest,
) -> Result<ReleaseKvSnapshotLeaseResponse> {
    for bucket in &request.buckets_to_release {
        caller.must_on_table_id(state, OperationType::Read, bucket.table_id)?;
        key_buckets(state, bucket.table_id)?;
    }
    if let Some(lease) = state.leases.get_mut(&request.lease_id) {
        for bucket in &request.buckets_to_release {
            let id = bucket_id(bucket.table_id, bucket.partition_id, bucket.bucket_id);
            lease.held.remove(&id);
        }
        if lease.held.is_empty() {
            state.leases.remove(&request.lease_id);
        }
    }
    Ok(ReleaseKvSnapshotLeaseResponse {})
}

pub(crate) fn drop(
    state: &mut State,
    caller: &Caller,
    request: &DropKvSnapshotLeaseRequest,
) -> Result<DropKvSnapshotLeaseResponse> {
    if let Some(lease) = state.leases.get(&request.lease_id) {
        for bucket in lease.held.keys() {
            caller.must_on_table_id(state, OperationType::Read, bucket.table_id())?;
        }
    }
    state.leases.remove(&request.lease_id);
    Ok(DropKvSnapshotLeaseResponse {})
}
