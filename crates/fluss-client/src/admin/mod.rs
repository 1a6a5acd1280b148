//! Administration: databases, tables, partitions, offsets, snapshots, access rules and the cluster.
//!
//! Reads can be served by any server and are retried on failure. Changes go to the coordinator and are retried only
//! if they were definitely not applied, or are idempotent.

mod acl;
mod alter_table;
mod buckets;
mod call;
mod cluster_config;
mod database;
mod handle;
mod health;
mod kv_snapshot;
mod kv_snapshot_lease;
mod lake_snapshot;
mod offsets;
mod partition;
mod producer_offsets;
mod rebalance;
mod server_tag;
mod table;
mod table_stats;

pub use acl::{AclOutcome, CreateAclsResult, DropAclsResult};
pub use handle::FlussAdmin;
pub use kv_snapshot_lease::KvSnapshotLease;
pub(crate) use table::fetch_table_info;
