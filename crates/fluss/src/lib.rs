//! A client for [Apache Fluss](https://fluss.apache.org): streaming storage with log tables and primary-key tables.
//!
//! The package is `fluss-rs`, the library `fluss`. It re-exports:
//!
//! - [`client`]: the [`FlussConnection`](client::FlussConnection), which gives you the admin and tables;
//! - [`write`](mod@write), [`scan`] and [`lookup`]: the writers, scanners and lookups of a table, and what they return;
//! - [`config`]: the [`Config`](config::Config) of a connection;
//! - [`error`]: the [`Error`](error::Error) that every call returns;
//! - [`metadata`]: types, schemas, table descriptors, paths;
//! - [`row`]: [`GenericRow`](row::GenericRow) and everything else for rows and their values;
//! - [`arrow`]: the `arrow` crates of the record batches that you write and read;
//! - `mock`, with the feature `mock`: an in-process cluster for tests.
//!
//! The [`guide`] has a page for each task.
//!
//! ```
//! use std::time::Duration;
//!
//! use fluss::client::FlussConnection;
//! use fluss::config::Config;
//! use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor, TablePath};
//! use fluss::row::GenericRow;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::default();
//! config.bootstrap_server = "localhost:9123".to_string();
//! # let cluster = fluss_mock::MockCluster::start().await?;
//! # config.bootstrap_server = cluster.bootstrap_servers();
//! let conn = FlussConnection::new(config).await?;
//!
//! let schema = Schema::builder()
//!     .column("id", DataTypes::int())
//!     .column("name", DataTypes::string())
//!     .build()?;
//! let descriptor = TableDescriptor::builder().schema(schema).bucket_count(3).build()?;
//! let path = TablePath::new("fluss", "people");
//! conn.get_admin().await?.create_table(&path, &descriptor, true).await?;
//!
//! let table = conn.get_table(&path).await?;
//! let writer = table.new_append()?.create_writer()?;
//! let mut row = GenericRow::new(2);
//! row.set_field(0, 1);
//! row.set_field(1, "Alice");
//! writer.append(&row)?;
//! writer.flush().await?;
//!
//! // Every bucket, from its beginning up to its current end.
//! let scanner = table.new_scan().create_log_scanner()?;
//! scanner.subscribe_table(OffsetSpec::Earliest).await?;
//! scanner.read_until(OffsetSpec::Latest).await?;
//! # let mut names = Vec::new();
//! while !scanner.is_finished() {
//!     for record in scanner.poll(Duration::from_secs(5)).await? {
//!         println!("{} at offset {}", record.row().get_string(1), record.offset());
//! #       names.push(record.row().get_string(1).to_owned());
//!     }
//! }
//! # assert_eq!(names, ["Alice"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! On by default:
//!
//! - `lz4`, `zstd`: compression of Arrow batches. ZSTD is the default of tables.
//! - `time-zones`: the names of the IANA time zone database, compiled into the program, for tables with time-based
//!   partitions. Without it, only offsets such as `+02:00` are supported.
//!
//! Off by default:
//!
//! - `s3`: reads log segments that servers moved to S3 or a compatible store.
//! - `mock`: the module `mock`, an in-process cluster for tests.
//! - `serde`: `Serialize` for values and rows.
//! - `chrono-04`, `jiff-02`, `rust_decimal-1`: `From` and `TryFrom` to convert dates, times and decimals from and to
//!   the types of these crates.

// Set by docs.rs, so that items show the feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The `arrow` crates that this crate uses, so that your record batches are of the same version.
pub mod arrow {
    pub use arrow_array::RecordBatch;
    pub use arrow_schema::SchemaRef;
    pub use {arrow_array, arrow_schema};
}

/// The connection, and everything you create from it.
///
/// Types for writing, scanning and looking up are also in [`write`](mod@write), [`scan`] and
/// [`lookup`].
pub mod client {
    #[doc(inline)]
    pub use fluss_client::admin::{
        AclOutcome, CreateAclsResult, DropAclsResult, FlussAdmin, KvSnapshotLease,
    };
    #[doc(inline)]
    pub use fluss_client::stats::{ConnectionStats, LookupStats, RequestStats, WriterStats};
    #[doc(inline)]
    pub use fluss_client::transport::{Dialer, TcpDialer, Transport};
    #[doc(inline)]
    pub use fluss_client::{ConnectionBuilder, FlussConnection, FlussTable};

    #[doc(no_inline)]
    pub use crate::lookup::{LookupResult, LookupRow, Lookuper, TableLookup, TablePrefixLookup};
    #[doc(no_inline)]
    pub use crate::scan::{
        BucketBatchScanner, EARLIEST_OFFSET, LATEST_OFFSET, LimitBatchScanner, LogScanner,
        OffsetReset, RecordBatchLogScanner, RecordStream, ScanBatch, ScanBatchStream, ScanBucket,
        ScanRecord, ScanRecords, ScanRecordsIntoIter, ScanRecordsIter, StartOffset,
        TableBatchScanner, TableScan,
    };
    #[doc(no_inline)]
    pub use crate::write::{
        AppendWriter, BatchWriteFuture, MergeMode, TableAppend, TableUpsert, UpsertWriter,
        WriteResult, WriteResultFuture,
    };
}

/// Appending to log tables; upserts to and deletes from primary-key tables.
pub mod write {
    #[doc(inline)]
    pub use fluss_client::{
        AppendWriter, BatchWriteFuture, MergeMode, TableAppend, TableUpsert, UpsertWriter,
        WriteResult, WriteResultFuture,
    };
}

/// Scans: what to read of a table, scanners, and what they return.
pub mod scan {
    #[doc(inline)]
    pub use fluss_client::{
        BucketBatchScanner, EARLIEST_OFFSET, LATEST_OFFSET, LimitBatchScanner, LogScanner,
        OffsetReset, RecordBatchLogScanner, RecordStream, ScanBatch, ScanBatchStream, ScanBucket,
        ScanRecord, ScanRecords, ScanRecordsIntoIter, ScanRecordsIter, StartOffset,
        TableBatchScanner, TableScan,
    };
    #[doc(inline)]
    pub use fluss_row::ChangeType;
}

/// Lookups of rows by their key.
pub mod lookup {
    #[doc(inline)]
    pub use fluss_client::{LookupResult, Lookuper, TableLookup, TablePrefixLookup};
    #[doc(inline)]
    pub use fluss_row::LookupRow;
}

/// Settings of a connection.
pub mod config {
    #[doc(inline)]
    pub use fluss_client::config::{
        Acks, BucketAssigner, Config, ConfigBuilder, ConfigOption, DriverPlacement, Effect,
        FileSystemProperties, OptionKind, Origin, Password, ReadPreference, SecurityProtocol,
        environment_variable, options,
    };
}

/// The error type of the client, and the types of some causes.
pub mod error {
    #[doc(inline)]
    pub use fluss_client::error::{Error, ErrorKind, Result};

    #[doc(no_inline)]
    pub use crate::metadata::MetadataError;
    #[doc(no_inline)]
    pub use crate::row::RowError;
}

/// Types, schemas, table descriptors, paths, partitions.
pub mod metadata {
    #[doc(inline)]
    pub use fluss_metadata::{
        AclFilter, AclInfo, AcquireKvSnapshotLeaseResult, ActiveKvSnapshots, AggFunction,
        AggFunctionType, AlterConfig, AlterConfigOp, ArrowCompression, ArrowCompressionType,
        AutoIncrementRange, AutoPartitionStrategy, AutoPartitionTimeUnit, BucketId,
        BucketRebalance, BucketSnapshot, BucketStats, ChangelogImage, ClusterHealth,
        ClusterHealthStatus, Column, ColumnPosition, CompletedSnapshot, ConfigEntry, ConfigSource,
        Credentials, DataField, DataLakeFormat, DataType, DataTypeFamily, DataTypeKind,
        DataTypeRoot, DataTypes, DatabaseDescriptor, DatabaseDescriptorBuilder, DatabaseInfo,
        DatabaseSummary, DeleteBehavior, FsPath, GoalType, HISTORICAL_PARTITION_VALUE, KvFile,
        KvFormat, KvSnapshot, KvSnapshotFile, KvSnapshotMetadata, LakeBucketSnapshot, LakeSnapshot,
        LatestKvSnapshots, LogFormat, MAX_DECIMAL_PRECISION, MAX_NESTING, MAX_TIME_PRECISION,
        MergeEngine, MetadataError, MetadataResult, OffsetSpec, OperationType, PartitionId,
        PartitionInfo, PartitionSpec, PartitionValue, PermissionType, PhysicalTablePath,
        PrimaryKey, Principal, ProducerOffsets, RebalanceProgress, RebalanceStatus, RegisterResult,
        RemoteLayout, RemoteLogManifest, RemoteLogManifestEntry, RemoteLogManifestHandle,
        RemoteLogSegment, ResolvedPartitionSpec, Resource, ResourceType, RowType, Schema,
        SchemaBuilder, SchemaId, SchemaInfo, ServerKind, ServerNode, ServerTag, SnapshotId,
        StatisticsColumns, TableBucket, TableBucketOffsets, TableChange, TableDescriptor,
        TableDescriptorBuilder, TableDistribution, TableId, TableInfo, TablePartition, TablePath,
        TableStats, TimeZone, config_value, file_name_prefix, java_double_to_string,
        java_float_to_string, local_log_dir, property, text, validate_database_name,
    };
}

/// Rows and their values.
pub mod row {
    #[doc(inline)]
    pub use fluss_row::{
        ArrayCodec, BinaryRow, BucketFunction, ChangeType, ColumnSelector, ColumnarRow,
        DataGetters, Date, Datum, Decimal, FieldRef, FlussArray, FlussMap, FromField, GenericRow,
        InternalRow, LookupRow, MapCodec, NamedRow, PartitionNames, ProjectedRow, RowBuffer,
        RowDecoder, RowEncoder, RowError, RowFormat, RowResult, Time, TimestampLtz, TimestampNtz,
        aligned, arrow, compacted, indexed, key, kv, log,
    };
}

/// Records of a scan.
pub mod record {
    #[doc(no_inline)]
    pub use crate::scan::{ChangeType, ScanRecord, ScanRecords};
}

/// An in-process cluster for testing code that uses Fluss. It is a test double: its data is in memory.
#[cfg(feature = "mock")]
pub mod mock;

#[cfg(any(doc, doctest))]
pub mod guide;

/// Compiles the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
