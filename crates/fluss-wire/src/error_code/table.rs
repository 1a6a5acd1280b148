//! The table of error codes: number, name, class, and our own text for servers that send none.
//!
//! Source: `testdata/vectors/errors.json` for numbers and names (read off the released classes). The classes are our
//! decision; the module above names where they differ from what the Java exceptions say about retrying.

use super::{ErrorClass, ErrorCode};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) class: ErrorClass,
    pub(super) text: &'static str,
}

macro_rules! errors {
    ($($code:literal, $name:ident, $class:ident, $text:literal;)*) => {
        impl ErrorCode {
            $(
                #[doc = concat!("Code ", $code, ": ", $text, ".")]
                pub const $name: Self = Self($code);
            )*

            /// All known codes, ascending.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub(super) const fn row(self) -> Option<&'static Row> {
                match self.0 {
                    $($code => Some(&Row { name: stringify!($name), class: ErrorClass::$class, text: $text }),)*
                    _ => None,
                }
            }
        }
    };
}

errors! {
    -1, UNKNOWN_SERVER_ERROR, Fatal, "the server failed with an error that has no code";
    0, NONE, Success, "no error";
    1, NETWORK_EXCEPTION, RefreshMetadata, "the connection was lost before the response";
    2, UNSUPPORTED_VERSION, Fatal, "the server does not support this version of the request";
    3, CORRUPT_MESSAGE, Retry, "the message does not match its checksum or its length";
    4, DATABASE_NOT_EXIST, Fatal, "no such database";
    5, DATABASE_NOT_EMPTY, Fatal, "the database still has tables";
    6, DATABASE_ALREADY_EXIST, Fatal, "the database already exists";
    7, TABLE_NOT_EXIST, Gone, "no such table";
    8, TABLE_ALREADY_EXIST, Fatal, "the table already exists";
    9, SCHEMA_NOT_EXIST, Retry, "the server does not know this schema (yet)";
    10, LOG_STORAGE_EXCEPTION, Retry, "the server could not access its log storage";
    11, KV_STORAGE_EXCEPTION, Retry, "the server could not access its key-value storage";
    12, NOT_LEADER_OR_FOLLOWER, RefreshMetadata, "the server has no such replica, or does not lead it";
    13, RECORD_TOO_LARGE_EXCEPTION, Fatal, "a record is too large";
    14, CORRUPT_RECORD_EXCEPTION, Retry, "a record is corrupt";
    15, INVALID_TABLE_EXCEPTION, Fatal, "the table or the operation on it is not valid";
    16, INVALID_DATABASE_EXCEPTION, Fatal, "the database is not valid";
    17, INVALID_REPLICATION_FACTOR, Fatal, "the replication factor is larger than the cluster, or not positive";
    18, INVALID_REQUIRED_ACKS, Fatal, "acks must be -1, 0 or 1";
    19, LOG_OFFSET_OUT_OF_RANGE_EXCEPTION, OffsetOutOfRange, "the offset is not in the log";
    20, NON_PRIMARY_KEY_TABLE_EXCEPTION, Fatal, "the table has no primary key";
    21, UNKNOWN_TABLE_OR_BUCKET_EXCEPTION, RefreshMetadata, "the server does not know this table or bucket";
    22, INVALID_UPDATE_VERSION_EXCEPTION, Fatal, "the update is for another version";
    23, INVALID_COORDINATOR_EXCEPTION, Fatal, "the coordinator is not the current one";
    24, FENCED_LEADER_EPOCH_EXCEPTION, RefreshMetadata, "the leader has changed";
    25, REQUEST_TIME_OUT, Retry, "the replicas did not acknowledge in time";
    26, STORAGE_EXCEPTION, Retry, "the storage of the server failed";
    27, OPERATION_NOT_ATTEMPTED_EXCEPTION, Fatal, "the server did not attempt the operation";
    28, NOT_ENOUGH_REPLICAS_AFTER_APPEND_EXCEPTION, Retry, "written, but to fewer in-sync replicas than required";
    29, NOT_ENOUGH_REPLICAS_EXCEPTION, Retry, "not written: there are fewer in-sync replicas than required";
    30, SECURITY_TOKEN_EXCEPTION, Fatal, "the security token could not be obtained";
    31, OUT_OF_ORDER_SEQUENCE_EXCEPTION, ResetWriter, "a batch arrived out of sequence";
    32, DUPLICATE_SEQUENCE_EXCEPTION, Duplicate, "the batch was already written";
    33, UNKNOWN_WRITER_ID_EXCEPTION, ResetWriter, "the server no longer knows this writer";
    34, INVALID_COLUMN_PROJECTION, Fatal, "the projection is not valid";
    35, INVALID_TARGET_COLUMN, Fatal, "the target columns are not valid";
    36, PARTITION_NOT_EXISTS, Gone, "no such partition";
    37, TABLE_NOT_PARTITIONED_EXCEPTION, Fatal, "the table is not partitioned";
    38, INVALID_TIMESTAMP_EXCEPTION, Fatal, "the timestamp is not valid";
    39, INVALID_CONFIG_EXCEPTION, Fatal, "the configuration is not valid";
    40, LAKE_STORAGE_NOT_CONFIGURED_EXCEPTION, Fatal, "the cluster has no lake storage";
    41, KV_SNAPSHOT_NOT_EXIST, Fatal, "no such snapshot";
    42, PARTITION_ALREADY_EXISTS, Fatal, "the partition already exists";
    43, PARTITION_SPEC_INVALID_EXCEPTION, Fatal, "the partition is not valid for this table";
    44, LEADER_NOT_AVAILABLE_EXCEPTION, RefreshMetadata, "the bucket has no leader at the moment";
    45, PARTITION_MAX_NUM_EXCEPTION, Fatal, "the table has the maximum number of partitions";
    46, AUTHENTICATE_EXCEPTION, Authentication, "authentication failed";
    47, SECURITY_DISABLED_EXCEPTION, Fatal, "the cluster runs without authorization";
    48, AUTHORIZATION_EXCEPTION, Fatal, "not authorized";
    49, BUCKET_MAX_NUM_EXCEPTION, Fatal, "too many buckets for a table";
    50, FENCED_TIERING_EPOCH_EXCEPTION, Fatal, "the tiering round is not the current one";
    51, RETRIABLE_AUTHENTICATE_EXCEPTION, RetryAuthentication, "authentication failed, but may succeed later";
    52, INVALID_SERVER_RACK_INFO_EXCEPTION, Fatal, "the rack of the server is not valid";
    53, LAKE_SNAPSHOT_NOT_EXIST, Fatal, "no such snapshot in the lake";
    54, LAKE_TABLE_ALREADY_EXIST, Fatal, "the table already exists in the lake";
    55, INELIGIBLE_REPLICA_EXCEPTION, Fatal, "the replica may not be in sync";
    56, INVALID_ALTER_TABLE_EXCEPTION, Fatal, "the table cannot be altered in this way";
    57, DELETION_DISABLED_EXCEPTION, Fatal, "the table does not allow deletes";
    58, SERVER_NOT_EXIST_EXCEPTION, Fatal, "no such server";
    59, SEVER_TAG_ALREADY_EXIST_EXCEPTION, Fatal, "the server already has this tag";
    60, SEVER_TAG_NOT_EXIST_EXCEPTION, Fatal, "the server does not have this tag";
    61, REBALANCE_FAILURE_EXCEPTION, Fatal, "the rebalance failed";
    62, NO_REBALANCE_IN_PROGRESS_EXCEPTION, Fatal, "no rebalance is running";
    63, INVALID_PRODUCER_ID_EXCEPTION, Fatal, "the producer id is not valid";
    64, CONFIG_EXCEPTION, Fatal, "the configuration is invalid";
    65, NOT_COORDINATOR_LEADER_EXCEPTION, RefreshMetadata, "the coordinator is on standby";
    66, SCANNER_EXPIRED, RestartScan, "the scan was idle for too long";
    67, UNKNOWN_SCANNER_ID, RestartScan, "the server does not know this scan";
    68, INVALID_SCAN_REQUEST, Fatal, "the scan request is not valid";
    69, TOO_MANY_SCANNERS, Throttled, "too many scans are open";
    70, DISK_WRITE_LOCKED, Throttled, "the disks of the server are too full for writes";
    71, INSUFFICIENT_KV_LEADER_REPLICA_CAPACITY, Fatal, "the cluster has no room for more primary-key buckets";
    72, STORAGE_BACKPRESSURE_EXCEPTION, Throttled, "the key-value storage cannot keep up";
    73, HISTORICAL_PARTITION_THROTTLED, Throttled, "too many requests for historical partitions are in flight";
    74, INVALID_BUCKET_ROUTING, Reroute, "the bucket count that the sender hashed with is missing or out of date";
}
