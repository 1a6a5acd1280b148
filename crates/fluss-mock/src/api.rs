//! The APIs that the servers offer.

use fluss_wire::api::{ApiKey, ServerRole, VersionRange};
use fluss_wire::message::{ApiVersionsResponse, PbApiVersion};
use fluss_wire::version::ServerType;

use crate::release::Release;

/// The APIs that are served. All others are rejected.
pub(crate) const SERVED: &[ApiKey] = &[
    ApiKey::ApiVersions,
    ApiKey::CreateDatabase,
    ApiKey::DropDatabase,
    ApiKey::ListDatabases,
    ApiKey::DatabaseExists,
    ApiKey::CreateTable,
    ApiKey::DropTable,
    ApiKey::GetTableInfo,
    ApiKey::ListTables,
    ApiKey::ListPartitionInfos,
    ApiKey::TableExists,
    ApiKey::GetTableSchema,
    ApiKey::GetMetadata,
    ApiKey::ProduceLog,
    ApiKey::FetchLog,
    ApiKey::PutKv,
    ApiKey::Lookup,
    ApiKey::ListOffsets,
    ApiKey::InitWriter,
    ApiKey::LimitScan,
    ApiKey::ScanKv,
    ApiKey::PrefixLookup,
    ApiKey::GetDatabaseInfo,
    ApiKey::CreatePartition,
    ApiKey::DropPartition,
    ApiKey::Authenticate,
    ApiKey::CreateAcls,
    ApiKey::ListAcls,
    ApiKey::DropAcls,
    ApiKey::AlterTable,
    ApiKey::DescribeClusterConfigs,
    ApiKey::AlterClusterConfigs,
    ApiKey::AlterDatabase,
    ApiKey::GetTableStats,
    ApiKey::GetClusterHealth,
    ApiKey::RegisterProducerOffsets,
    ApiKey::GetProducerOffsets,
    ApiKey::DeleteProducerOffsets,
    ApiKey::AddServerTag,
    ApiKey::RemoveServerTag,
    ApiKey::AddServerTagByRack,
    ApiKey::RemoveServerTagByRack,
    ApiKey::Rebalance,
    ApiKey::ListRebalanceProgress,
    ApiKey::CancelRebalance,
    ApiKey::GetLakeSnapshot,
    ApiKey::PrepareLakeTableSnapshot,
    ApiKey::CommitLakeTableSnapshot,
    ApiKey::GetLatestKvSnapshots,
    ApiKey::GetKvSnapshotMetadata,
    ApiKey::ListKvSnapshots,
    ApiKey::ListRemoteLogManifests,
    ApiKey::AcquireKvSnapshotLease,
    ApiKey::ReleaseKvSnapshotLease,
    ApiKey::DropKvSnapshotLease,
];

/// Returns the versions of an API that this kind of server offers, if it does.
pub(crate) fn versions(api: ApiKey, kind: ServerType, release: Release) -> Option<VersionRange> {
    let entry = api.entry();
    let at_home = match entry.server {
        ServerRole::Both => true,
        ServerRole::Coordinator => kind == ServerType::Coordinator,
        ServerRole::Tablet => kind == ServerType::TabletServer,
    };
    if !at_home || !SERVED.contains(&api) {
        return None;
    }
    match release {
        Release::V0_9_1 => entry.versions_in_0_9_1,
        Release::V1_0 => Some(entry.versions),
    }
}

/// Returns the response to `API_VERSIONS`.
pub(crate) fn answer(kind: ServerType, release: Release) -> ApiVersionsResponse {
    let entries = SERVED.iter().filter_map(|api| {
        let range = versions(*api, kind, release)?;
        Some(PbApiVersion {
            api_key: i32::from(api.code()),
            min_version: i32::from(range.min),
            max_version: i32::from(range.max),
        })
    });
    ApiVersionsResponse {
        api_versions: entries.collect(),
        server_type: Some(kind.code()),
    }
}
