//! Calls to a connection and to its admin.

use std::collections::BTreeMap;
use std::time::Duration;

use fluss::client::{FlussTable, KvSnapshotLease};
use fluss::error::{Error, Result};
use fluss::metadata::{
    AclFilter, AclInfo, AlterConfig, DataTypes, GoalType, OffsetSpec, OperationType, PartitionSpec,
    Principal, Resource, Schema, ServerTag, TableBucket, TableChange, TableDescriptor, TablePath,
};
use fluss_mock::ErrorCode;

use super::calls;
use crate::support::{Bench, DATABASE};

fn path(name: &str) -> TablePath {
    TablePath::new(DATABASE, name)
}

fn day(name: &str) -> PartitionSpec {
    PartitionSpec::new([("day", name)])
}

fn small_table() -> Result<TableDescriptor> {
    let schema = Schema::builder().column("id", DataTypes::int()).build()?;
    Ok(TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()?)
}

fn first_bucket(table: &FlussTable) -> TableBucket {
    TableBucket::new(table.get_table_info().table_id(), 0)
}

fn lease(bench: &Bench) -> Result<KvSnapshotLease> {
    bench
        .admin
        .create_kv_snapshot_lease("held", Duration::from_secs(60))
}

fn rule() -> AclInfo {
    let table = Resource::table(&path("log"));
    AclInfo::allow(Principal::user("somebody"), OperationType::Read, table)
}

/// What this cluster has not is an answer too: an error with this code.
fn or_told<T>(outcome: Result<T>, code: ErrorCode) -> Result<()> {
    let told = |error: &Error| error.server_code() == Some(code.value());
    match outcome {
        Err(error) if !told(&error) => Err(error),
        _ => Ok(()),
    }
}

calls! {
    Asks "connect" => |bench| bench.connect().await;
    Asks "get_table" => |bench| bench.connection.get_table(&path("log")).await;
    Asks "get_server_nodes" => |bench| bench.admin.get_server_nodes().await;
    Asks "create_database" => |bench| bench.admin.create_database("made", None, true).await;
    Asks "drop_database" => |bench| bench.admin.drop_database("made", true, true).await;
    Asks "database_exists" => |bench| bench.admin.database_exists(DATABASE).await;
    Asks "list_databases" => |bench| bench.admin.list_databases().await;
    Asks "get_database_info" => |bench| bench.admin.get_database_info(DATABASE).await;
    Asks "create_table" => |bench| bench.admin.create_table(&path("made"), &small_table()?, true).await;
    Asks "drop_table" => |bench| bench.admin.drop_table(&path("made"), true).await;
    Asks "table_exists" => |bench| bench.admin.table_exists(&path("log")).await;
    Asks "list_tables" => |bench| bench.admin.list_tables(DATABASE).await;
    Asks "get_table_info" => |bench| bench.admin.get_table_info(&path("log")).await;
    Asks "get_table_schema" => |bench| bench.admin.get_table_schema(&path("log"), None).await;
    Asks "create_partition" => |bench| bench.admin.create_partition(&path("days"), &day("monday"), true).await;
    Asks "drop_partition" => |bench| bench.admin.drop_partition(&path("days"), &day("monday"), true).await;
    Asks "list_partition_infos" => |bench| bench.admin.list_partition_infos(&path("days")).await;
    Asks "list_offsets" => |bench| bench.admin.list_offsets(&path("log"), &[0, 1], OffsetSpec::Latest).await;
    Asks "alter_database" => |bench| {
        let changes = [AlterConfig::set("owner", "somebody")];
        bench.admin.alter_database(DATABASE, &changes, None, false).await
    };
    Asks "list_database_summaries" => |bench| bench.admin.list_database_summaries().await;
    Asks "alter_table" => |bench| {
        let changes = [TableChange::set("note", "altered")];
        bench.admin.alter_table(&path("log"), &changes, false).await
    };
    Asks "get_table_stats" => |bench| bench.admin.get_table_stats(&path("keyed")).await;
    Asks "list_partition_infos_with_spec" => |bench| {
        bench.admin.list_partition_infos_with_spec(&path("days"), Some(&day("monday"))).await
    };
    Asks "list_partition_offsets" => |bench| {
        bench.admin.create_partition(&path("days"), &day("tuesday"), true).await?;
        bench.admin.list_partition_offsets(&path("days"), "tuesday", &[0], OffsetSpec::Latest).await
    };
    Asks "describe_cluster_configs" => |bench| bench.admin.describe_cluster_configs().await;
    Asks "alter_cluster_configs" => |bench| {
        let change = AlterConfig::set("kv.rocksdb.shared-rate-limiter.bytes-per-sec", "10gb");
        bench.admin.alter_cluster_configs(&[change]).await
    };
    Asks "add_server_tag" => |bench| bench.admin.add_server_tag(&[0], ServerTag::TemporaryOffline).await;
    Asks "remove_server_tag" => |bench| {
        bench.admin.add_server_tag(&[0], ServerTag::TemporaryOffline).await?;
        bench.admin.remove_server_tag(&[0], ServerTag::TemporaryOffline).await
    };
    Asks "rebalance" => |bench| {
        or_told(bench.admin.rebalance(&[GoalType::ReplicaDistribution]).await, ErrorCode::REBALANCE_FAILURE_EXCEPTION)
    };
    Asks "list_rebalance_progress" => |bench| bench.admin.list_rebalance_progress(None).await;
    Asks "cancel_rebalance" => |bench| {
        or_told(bench.admin.cancel_rebalance(None).await, ErrorCode::NO_REBALANCE_IN_PROGRESS_EXCEPTION)
    };
    Asks "list_acls" => |bench| {
        or_told(bench.admin.list_acls(&AclFilter::any()).await, ErrorCode::SECURITY_DISABLED_EXCEPTION)
    };
    Asks "create_acls" => |bench| {
        or_told(bench.admin.create_acls(&[rule()]).await, ErrorCode::SECURITY_DISABLED_EXCEPTION)
    };
    Asks "drop_acls" => |bench| {
        or_told(bench.admin.drop_acls(&[AclFilter::any()]).await, ErrorCode::SECURITY_DISABLED_EXCEPTION)
    };
    Asks "register_producer_offsets" => |bench| {
        let offsets = BTreeMap::from([(first_bucket(&bench.log), 5)]);
        bench.admin.register_producer_offsets("producer", &offsets, None).await
    };
    Asks "get_producer_offsets" => |bench| bench.admin.get_producer_offsets("producer").await;
    Asks "delete_producer_offsets" => |bench| bench.admin.delete_producer_offsets("producer").await;
    Asks "get_latest_kv_snapshots" => |bench| bench.admin.get_latest_kv_snapshots(&path("keyed"), None).await;
    Asks "get_kv_snapshot_metadata" => |bench| {
        let found = bench.admin.get_kv_snapshot_metadata(first_bucket(&bench.keyed), 1).await;
        or_told(found, ErrorCode::KV_SNAPSHOT_NOT_EXIST)
    };
    Asks "acquire_snapshots" => |bench| {
        let wanted = BTreeMap::from([(first_bucket(&bench.keyed), 1)]);
        lease(&bench)?.acquire_snapshots(&wanted).await
    };
    Asks "get_cluster_health" => |bench| bench.admin.get_cluster_health().await;
    Asks "list_kv_snapshots" => |bench| {
        let id = bench.keyed.get_table_info().table_id();
        bench.admin.list_kv_snapshots(id, None).await
    };
    Asks "list_remote_log_manifests" => |bench| {
        let id = bench.log.get_table_info().table_id();
        bench.admin.list_remote_log_manifests(id, None).await
    };
    Asks "get_latest_lake_snapshot" => |bench| {
        or_told(bench.admin.get_latest_lake_snapshot(&path("log")).await, ErrorCode::LAKE_SNAPSHOT_NOT_EXIST)
    };
    Asks "get_lake_snapshot" => |bench| {
        or_told(bench.admin.get_lake_snapshot(&path("log"), 7).await, ErrorCode::LAKE_SNAPSHOT_NOT_EXIST)
    };
}
