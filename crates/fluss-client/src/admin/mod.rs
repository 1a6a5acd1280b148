//! Administration: databases, tables, partitions, offsets, snapshots, access rules and the cluster.
//!
//! Reads go to any server and are repeated when a server fails; changes go to the coordinator and are repeated only where that does no
//! harm.

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
