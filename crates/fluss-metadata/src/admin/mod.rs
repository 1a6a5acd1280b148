//! Values that administration calls take and return.

mod acl;
mod cluster;
mod config;
mod health;
mod lake;
mod offset;
mod producer;
mod rebalance;
pub(crate) mod record;
mod remote_log;
mod snapshot;
mod stats;

pub use acl::{
    AclFilter, AclInfo, OperationType, PermissionType, Principal, Resource, ResourceType,
};
pub use cluster::{ServerKind, ServerNode, ServerTag};
pub use config::{ConfigEntry, ConfigSource};
pub use health::{ClusterHealth, ClusterHealthStatus};
pub use lake::{LakeBucketSnapshot, LakeSnapshot};
pub use offset::OffsetSpec;
pub use producer::{ProducerOffsets, RegisterResult};
pub use rebalance::{BucketRebalance, GoalType, RebalanceProgress, RebalanceStatus};
pub use remote_log::RemoteLogManifestEntry;
pub use snapshot::{
    AcquireKvSnapshotLeaseResult, ActiveKvSnapshots, KvSnapshot, KvSnapshotFile,
    KvSnapshotMetadata, LatestKvSnapshots,
};
pub use stats::{BucketStats, TableStats};
