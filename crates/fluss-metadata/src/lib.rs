//! Definitions of Apache Fluss without I/O: types, schemas, tables, partitions, paths, the values of administration
//! calls, and the JSON documents of all of them.
//!
//! - [`DataType`], [`Schema`], [`TableDescriptor`], [`DatabaseDescriptor`]: the definitions of tables and databases;
//!   [`TableInfo`]: a table as stored by a server; [`TableChange`]: a change to a table.
//! - [`TablePath`], [`PhysicalTablePath`], [`TableBucket`]: names and numbers.
//! - [`PartitionSpec`], [`ResolvedPartitionSpec`], [`PartitionValue`], [`AutoPartitionStrategy`]: partitions and
//!   their names.
//! - [`AclInfo`], [`ServerNode`], [`RebalanceProgress`], [`LakeSnapshot`] and others: values of administration.
//! - [`RemoteLayout`], [`RemoteLogManifest`], [`CompletedSnapshot`]: the locations of tiered files, and the documents
//!   that list them.
//! - [`property`], [`config_value`]: the properties of tables, and the syntax of option values.
//!
//! Documents are written exactly as the Java classes of Fluss write them, except for the order of properties. New
//! definitions are validated by the rules of the server when you build them. An error names the field, the value and
//! what was expected. Documents you read can come from anywhere: none makes this crate panic, recurse without limit
//! or allocate much more than the document's size. Additions of later releases are passed through or skipped.
//!
//! Non-goals: it opens no files or sockets, reads no clock, and does not depend on a client.
//!
//! ```
//! use fluss_metadata::{DataTypes, Schema, TableDescriptor};
//!
//! let schema = Schema::builder()
//!     .column("id", DataTypes::int())
//!     .column("name", DataTypes::string())
//!     .primary_key(vec!["id"])
//!     .build()?;
//! let table = TableDescriptor::builder().schema(schema).bucket_count(3).build()?;
//! println!("{}", table.to_json());
//! assert_eq!(TableDescriptor::from_json(table.to_json().as_bytes())?, table);
//!
//! let error = table.to_builder().property("table.log.ttl", "7").build().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "property table.log.ttl: got \"7\", expected a number with a unit: d, h, min, s, ms, µs or ns",
//! );
//! # Ok::<(), fluss_metadata::MetadataError>(())
//! ```
//!
//! # Features
//!
//! `time-zones` (on by default): names of the IANA time zone database for time-based partitions, see [`TimeZone`].

// Set by docs.rs, so that items show the feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod admin;
mod calendar;
mod choice;
pub mod config_value;
mod data_type;
mod database;
mod error;
mod ids;
mod java_float;
mod json;
mod partition;
mod path;
mod remote;
mod schema;
mod table;
pub mod text;

pub use admin::{
    AclFilter, AclInfo, AcquireKvSnapshotLeaseResult, ActiveKvSnapshots, BucketRebalance,
    BucketStats, ClusterHealth, ClusterHealthStatus, ConfigEntry, ConfigSource, GoalType,
    KvSnapshot, KvSnapshotFile, KvSnapshotMetadata, LakeBucketSnapshot, LakeSnapshot,
    LatestKvSnapshots, OffsetSpec, OperationType, PermissionType, Principal, ProducerOffsets,
    RebalanceProgress, RebalanceStatus, RegisterResult, RemoteLogManifestEntry, Resource,
    ResourceType, ServerKind, ServerNode, ServerTag, TableStats,
};
pub use data_type::{
    DataField, DataType, DataTypeFamily, DataTypeKind, DataTypeRoot, DataTypes,
    MAX_DECIMAL_PRECISION, MAX_NESTING, MAX_TIME_PRECISION, RowType,
};
pub use database::{DatabaseDescriptor, DatabaseDescriptorBuilder, DatabaseInfo, DatabaseSummary};
pub use error::{MetadataError, Result as MetadataResult};
pub use ids::{BucketId, PartitionId, SchemaId, SnapshotId, TableBucket, TableId};
pub use java_float::{java_double_to_string, java_float_to_string};
pub use partition::{
    AutoPartitionStrategy, AutoPartitionTimeUnit, HISTORICAL_PARTITION_VALUE, PartitionInfo,
    PartitionSpec, PartitionValue, ResolvedPartitionSpec, TimeZone,
};
pub use path::{PhysicalTablePath, TablePath, validate_database_name};
pub use remote::{
    AutoIncrementRange, BucketSnapshot, CompletedSnapshot, Credentials, FsPath, KvFile,
    RemoteLayout, RemoteLogManifest, RemoteLogManifestHandle, RemoteLogSegment, TableBucketOffsets,
    TablePartition, file_name_prefix, local_log_dir,
};
pub use schema::{
    AggFunction, AggFunctionType, Column, PrimaryKey, Schema, SchemaBuilder, SchemaInfo,
};
pub use table::{
    AlterConfig, AlterConfigOp, ArrowCompression, ArrowCompressionType, ChangelogImage,
    ColumnPosition, DataLakeFormat, DeleteBehavior, KvFormat, LogFormat, MergeEngine,
    StatisticsColumns, TableChange, TableDescriptor, TableDescriptorBuilder, TableDistribution,
    TableInfo, property,
};

/// The program in the README, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeProgram;
