//! The table of all APIs, and what follows from it: [`ApiKey`], [`TABLE`], an [`ApiRequest`] for each request.
//!
//! Sources: `testdata/vectors/api_keys.json` for keys, versions, visibility and messages (read off the released
//! classes); which server answers, from the Java gateway interfaces (`AdminReadOnlyGateway`, `AdminGateway`,
//! `CoordinatorGateway`, `TabletServerGateway`). What may be repeated is our own decision.

use bytes::Bytes;

use super::{
    AnyMessage, AnyRequest, ApiEntry, ApiRequest, Repeatable, ServerRole, VersionRange, Visibility,
    records::{produce_log, put_kv},
};
use crate::{
    codec::{self, DecodeError},
    message,
    segments::Segments,
};

/// The versions in brackets; none for `absent`.
macro_rules! versions {
    (absent) => {
        None
    };
    ($min:literal ..= $max:literal) => {
        Some(VersionRange {
            min: $min,
            max: $max,
        })
    };
}

/// The body of `ApiRequest::encode_body`, where a row names one.
macro_rules! encode_body {
    () => {};
    ($encode:ident) => {
        fn encode_body(&self, out: &mut Segments) {
            $encode(self, out);
        }
    };
}

macro_rules! apis {
    ($(
        $api:ident = $code:literal, $name:literal, [$min:literal ..= $max:literal], [$($old:tt)*], $server:ident, $repeatable:ident, $visibility:ident,
        $request:ident => $response:ident $(, by $encode:ident)?;
    )*) => {
        /// An API of the protocol, by its key.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!("`", $name, "`: [`", stringify!($request), "`](message::", stringify!($request), ").")]
                $api = $code,
            )*
        }

        /// Every API that release 1.0.0 knows, by ascending key.
        pub static TABLE: &[&ApiEntry] = &[$(ApiKey::$api.entry(),)*];

        impl ApiKey {
            /// Returns the API with this key, if this crate knows it.
            pub fn from_code(code: i16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$api),)*
                    _ => None,
                }
            }

            /// Returns the row of the [`TABLE`].
            pub const fn entry(self) -> &'static ApiEntry {
                match self {$(
                    Self::$api => &ApiEntry {
                        key: Self::$api,
                        name: $name,
                        versions: VersionRange { min: $min, max: $max },
                        versions_in_0_9_1: versions!($($old)*),
                        server: ServerRole::$server,
                        repeatable: Repeatable::$repeatable,
                        visibility: Visibility::$visibility,
                        request: stringify!($request),
                        response: stringify!($response),
                    },
                )*}
            }

            /// Decodes the body of a request to this API, whatever message that is.
            pub fn decode_request(self, body: Bytes) -> Result<Box<dyn AnyRequest>, DecodeError> {
                match self {
                    $(Self::$api => Ok(Box::new(codec::decode::<message::$request>(body)?)),)*
                }
            }

            /// Decodes the body of a successful response of this API, whatever message that is.
            pub fn decode_response(self, body: Bytes) -> Result<Box<dyn AnyMessage>, DecodeError> {
                match self {
                    $(Self::$api => Ok(Box::new(codec::decode::<message::$response>(body)?)),)*
                }
            }
        }

        $(
            impl ApiRequest for message::$request {
                const API_KEY: ApiKey = ApiKey::$api;
                type Response = message::$response;
                encode_body!($($encode)?);
            }
        )*
    };
}

// key, name, versions in 1.0.0, versions in 0.9.1, server, repeatable, visibility, request => response
apis! {
    ApiVersions = 1000, "API_VERSIONS", [0..=0], [0..=0], Both, Yes, Public, ApiVersionsRequest => ApiVersionsResponse;
    CreateDatabase = 1001, "CREATE_DATABASE", [0..=0], [0..=0], Coordinator, No, Public, CreateDatabaseRequest => CreateDatabaseResponse;
    DropDatabase = 1002, "DROP_DATABASE", [0..=0], [0..=0], Coordinator, No, Public, DropDatabaseRequest => DropDatabaseResponse;
    ListDatabases = 1003, "LIST_DATABASES", [0..=0], [0..=0], Both, Yes, Public, ListDatabasesRequest => ListDatabasesResponse;
    DatabaseExists = 1004, "DATABASE_EXISTS", [0..=0], [0..=0], Both, Yes, Public, DatabaseExistsRequest => DatabaseExistsResponse;
    CreateTable = 1005, "CREATE_TABLE", [0..=0], [0..=0], Coordinator, No, Public, CreateTableRequest => CreateTableResponse;
    DropTable = 1006, "DROP_TABLE", [0..=0], [0..=0], Coordinator, No, Public, DropTableRequest => DropTableResponse;
    GetTableInfo = 1007, "GET_TABLE_INFO", [0..=0], [0..=0], Both, Yes, Public, GetTableInfoRequest => GetTableInfoResponse;
    ListTables = 1008, "LIST_TABLES", [0..=0], [0..=0], Both, Yes, Public, ListTablesRequest => ListTablesResponse;
    ListPartitionInfos = 1009, "LIST_PARTITION_INFOS", [0..=0], [0..=0], Both, Yes, Public, ListPartitionInfosRequest => ListPartitionInfosResponse;
    TableExists = 1010, "TABLE_EXISTS", [0..=0], [0..=0], Both, Yes, Public, TableExistsRequest => TableExistsResponse;
    GetTableSchema = 1011, "GET_TABLE_SCHEMA", [0..=0], [0..=0], Both, Yes, Public, GetTableSchemaRequest => GetTableSchemaResponse;
    GetMetadata = 1012, "GET_METADATA", [0..=0], [0..=0], Both, Yes, Public, MetadataRequest => MetadataResponse;
    UpdateMetadata = 1013, "UPDATE_METADATA", [0..=0], [0..=0], Tablet, No, Private, UpdateMetadataRequest => UpdateMetadataResponse;
    ProduceLog = 1014, "PRODUCE_LOG", [0..=1], [0..=0], Tablet, No, Public, ProduceLogRequest => ProduceLogResponse, by produce_log;
    FetchLog = 1015, "FETCH_LOG", [0..=0], [0..=0], Tablet, Yes, Public, FetchLogRequest => FetchLogResponse;
    PutKv = 1016, "PUT_KV", [0..=3], [0..=1], Tablet, No, Public, PutKvRequest => PutKvResponse, by put_kv;
    Lookup = 1017, "LOOKUP", [0..=1], [0..=1], Tablet, Yes, Public, LookupRequest => LookupResponse;
    NotifyLeaderAndIsr = 1018, "NOTIFY_LEADER_AND_ISR", [0..=0], [0..=0], Tablet, No, Private, NotifyLeaderAndIsrRequest => NotifyLeaderAndIsrResponse;
    StopReplica = 1019, "STOP_REPLICA", [0..=0], [0..=0], Tablet, No, Private, StopReplicaRequest => StopReplicaResponse;
    AdjustIsr = 1020, "ADJUST_ISR", [0..=0], [0..=0], Coordinator, No, Private, AdjustIsrRequest => AdjustIsrResponse;
    ListOffsets = 1021, "LIST_OFFSETS", [0..=0], [0..=0], Tablet, Yes, Public, ListOffsetsRequest => ListOffsetsResponse;
    CommitKvSnapshot = 1022, "COMMIT_KV_SNAPSHOT", [0..=0], [0..=0], Coordinator, No, Private, CommitKvSnapshotRequest => CommitKvSnapshotResponse;
    GetLatestKvSnapshots = 1023, "GET_LATEST_KV_SNAPSHOTS", [0..=0], [0..=0], Both, Yes, Public, GetLatestKvSnapshotsRequest => GetLatestKvSnapshotsResponse;
    GetKvSnapshotMetadata = 1024, "GET_KV_SNAPSHOT_METADATA", [0..=1], [0..=0], Both, Yes, Public, GetKvSnapshotMetadataRequest => GetKvSnapshotMetadataResponse;
    GetFilesystemSecurityToken = 1025, "GET_FILESYSTEM_SECURITY_TOKEN", [0..=0], [0..=0], Both, Yes, Public, GetFileSystemSecurityTokenRequest => GetFileSystemSecurityTokenResponse;
    InitWriter = 1026, "INIT_WRITER", [0..=0], [0..=0], Tablet, Yes, Public, InitWriterRequest => InitWriterResponse;
    CommitRemoteLogManifest = 1027, "COMMIT_REMOTE_LOG_MANIFEST", [0..=0], [0..=0], Coordinator, No, Private, CommitRemoteLogManifestRequest => CommitRemoteLogManifestResponse;
    NotifyRemoteLogOffsets = 1028, "NOTIFY_REMOTE_LOG_OFFSETS", [0..=0], [0..=0], Tablet, No, Private, NotifyRemoteLogOffsetsRequest => NotifyRemoteLogOffsetsResponse;
    NotifyKvSnapshotOffset = 1029, "NOTIFY_KV_SNAPSHOT_OFFSET", [0..=0], [0..=0], Tablet, No, Private, NotifyKvSnapshotOffsetRequest => NotifyKvSnapshotOffsetResponse;
    CommitLakeTableSnapshot = 1030, "COMMIT_LAKE_TABLE_SNAPSHOT", [0..=0], [0..=0], Coordinator, No, Private, CommitLakeTableSnapshotRequest => CommitLakeTableSnapshotResponse;
    NotifyLakeTableOffset = 1031, "NOTIFY_LAKE_TABLE_OFFSET", [0..=0], [0..=0], Tablet, No, Private, NotifyLakeTableOffsetRequest => NotifyLakeTableOffsetResponse;
    GetLakeSnapshot = 1032, "GET_LAKE_SNAPSHOT", [0..=0], [0..=0], Both, Yes, Public, GetLakeSnapshotRequest => GetLakeSnapshotResponse;
    LimitScan = 1033, "LIMIT_SCAN", [0..=0], [0..=0], Tablet, Yes, Public, LimitScanRequest => LimitScanResponse;
    PrefixLookup = 1034, "PREFIX_LOOKUP", [0..=1], [0..=1], Tablet, Yes, Public, PrefixLookupRequest => PrefixLookupResponse;
    GetDatabaseInfo = 1035, "GET_DATABASE_INFO", [0..=0], [0..=0], Both, Yes, Public, GetDatabaseInfoRequest => GetDatabaseInfoResponse;
    CreatePartition = 1036, "CREATE_PARTITION", [0..=0], [0..=0], Coordinator, No, Public, CreatePartitionRequest => CreatePartitionResponse;
    DropPartition = 1037, "DROP_PARTITION", [0..=0], [0..=0], Coordinator, No, Public, DropPartitionRequest => DropPartitionResponse;
    Authenticate = 1038, "AUTHENTICATE", [0..=0], [0..=0], Both, No, Public, AuthenticateRequest => AuthenticateResponse;
    CreateAcls = 1039, "CREATE_ACLS", [0..=0], [0..=0], Coordinator, No, Public, CreateAclsRequest => CreateAclsResponse;
    ListAcls = 1040, "LIST_ACLS", [0..=0], [0..=0], Both, Yes, Public, ListAclsRequest => ListAclsResponse;
    DropAcls = 1041, "DROP_ACLS", [0..=0], [0..=0], Coordinator, No, Public, DropAclsRequest => DropAclsResponse;
    LakeTieringHeartbeat = 1042, "LAKE_TIERING_HEARTBEAT", [0..=0], [0..=0], Coordinator, No, Private, LakeTieringHeartbeatRequest => LakeTieringHeartbeatResponse;
    ControlledShutdown = 1043, "CONTROLLED_SHUTDOWN", [0..=0], [0..=0], Coordinator, No, Private, ControlledShutdownRequest => ControlledShutdownResponse;
    AlterTable = 1044, "ALTER_TABLE", [0..=1], [0..=0], Coordinator, No, Public, AlterTableRequest => AlterTableResponse;
    DescribeClusterConfigs = 1045, "DESCRIBE_CLUSTER_CONFIGS", [0..=0], [0..=0], Both, Yes, Public, DescribeClusterConfigsRequest => DescribeClusterConfigsResponse;
    AlterClusterConfigs = 1046, "ALTER_CLUSTER_CONFIGS", [0..=0], [0..=0], Coordinator, No, Public, AlterClusterConfigsRequest => AlterClusterConfigsResponse;
    AddServerTag = 1047, "ADD_SERVER_TAG", [0..=0], [0..=0], Coordinator, No, Public, AddServerTagRequest => AddServerTagResponse;
    RemoveServerTag = 1048, "REMOVE_SERVER_TAG", [0..=0], [0..=0], Coordinator, No, Public, RemoveServerTagRequest => RemoveServerTagResponse;
    Rebalance = 1049, "REBALANCE", [0..=0], [0..=0], Coordinator, No, Public, RebalanceRequest => RebalanceResponse;
    ListRebalanceProgress = 1050, "LIST_REBALANCE_PROGRESS", [0..=0], [0..=0], Coordinator, Yes, Public, ListRebalanceProgressRequest => ListRebalanceProgressResponse;
    CancelRebalance = 1051, "CANCEL_REBALANCE", [0..=0], [0..=0], Coordinator, No, Public, CancelRebalanceRequest => CancelRebalanceResponse;
    PrepareLakeTableSnapshot = 1052, "PREPARE_LAKE_TABLE_SNAPSHOT", [0..=0], [0..=0], Coordinator, No, Private, PrepareLakeTableSnapshotRequest => PrepareLakeTableSnapshotResponse;
    RegisterProducerOffsets = 1053, "REGISTER_PRODUCER_OFFSETS", [0..=0], [0..=0], Coordinator, No, Public, RegisterProducerOffsetsRequest => RegisterProducerOffsetsResponse;
    GetProducerOffsets = 1054, "GET_PRODUCER_OFFSETS", [0..=0], [0..=0], Coordinator, Yes, Public, GetProducerOffsetsRequest => GetProducerOffsetsResponse;
    DeleteProducerOffsets = 1055, "DELETE_PRODUCER_OFFSETS", [0..=0], [0..=0], Coordinator, Yes, Public, DeleteProducerOffsetsRequest => DeleteProducerOffsetsResponse;
    AcquireKvSnapshotLease = 1056, "ACQUIRE_KV_SNAPSHOT_LEASE", [0..=0], [0..=0], Coordinator, Yes, Public, AcquireKvSnapshotLeaseRequest => AcquireKvSnapshotLeaseResponse;
    ReleaseKvSnapshotLease = 1057, "RELEASE_KV_SNAPSHOT_LEASE", [0..=0], [0..=0], Coordinator, No, Public, ReleaseKvSnapshotLeaseRequest => ReleaseKvSnapshotLeaseResponse;
    DropKvSnapshotLease = 1058, "DROP_KV_SNAPSHOT_LEASE", [0..=0], [0..=0], Coordinator, Yes, Public, DropKvSnapshotLeaseRequest => DropKvSnapshotLeaseResponse;
    GetTableStats = 1059, "GET_TABLE_STATS", [0..=0], [0..=0], Tablet, Yes, Public, GetTableStatsRequest => GetTableStatsResponse;
    AlterDatabase = 1060, "ALTER_DATABASE", [0..=0], [absent], Coordinator, No, Public, AlterDatabaseRequest => AlterDatabaseResponse;
    ScanKv = 1061, "SCAN_KV", [0..=0], [absent], Tablet, No, Public, ScanKvRequest => ScanKvResponse;
    GetClusterHealth = 1062, "GET_CLUSTER_HEALTH", [0..=0], [absent], Both, Yes, Public, GetClusterHealthRequest => GetClusterHealthResponse;
    ListRemoteLogManifests = 1063, "LIST_REMOTE_LOG_MANIFESTS", [0..=0], [absent], Coordinator, Yes, Public, ListRemoteLogManifestsRequest => ListRemoteLogManifestsResponse;
    ListKvSnapshots = 1064, "LIST_KV_SNAPSHOTS", [0..=0], [absent], Coordinator, Yes, Public, ListKvSnapshotsRequest => ListKvSnapshotsResponse;
    AddServerTagByRack = 1065, "ADD_SERVER_TAG_BY_RACK", [0..=0], [absent], Coordinator, No, Public, AddServerTagByRackRequest => AddServerTagByRackResponse;
    RemoveServerTagByRack = 1066, "REMOVE_SERVER_TAG_BY_RACK", [0..=0], [absent], Coordinator, No, Public, RemoveServerTagByRackRequest => RemoveServerTagByRackResponse;
}
