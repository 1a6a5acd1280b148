//! A client for [Apache Fluss](https://fluss.apache.org): streaming storage with log tables and primary-key tables.
//!
//! The package is `fluss-rs`, the library `fluss`. It re-exports:
//!
//! - [`client`]: [`FlussConnection`](client::FlussConnection), which gives you the admin, tables, writers, scanners
//!   and lookups;
//! - [`config`]: the [`Config`](config::Config) of a connection;
//! - [`error`]: the [`Error`](error::Error) that every call returns;
//! - [`metadata`]: types, schemas, table descriptors, paths;
//! - [`row`]: [`GenericRow`](row::GenericRow) and everything else for rows and their values;
//! - [`record`]: what a scanner returns;
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

/// The connection, and everything you create from it.
pub mod client {
    pub use fluss_client::admin::*;
    pub use fluss_client::stats::*;
    pub use fluss_client::table::*;
    pub use fluss_client::transport::*;
    pub use fluss_client::{ConnectionBuilder, FlussConnection};
}

/// Settings of a connection.
pub mod config {
    pub use fluss_client::config::*;
}

/// The error type of the client.
pub mod error {
    pub use fluss_client::error::*;
}

/// Types, schemas, table descriptors, paths, partitions.
pub mod metadata {
    pub use fluss_metadata::*;
}

/// Rows and their values.
pub mod row {
    pub use fluss_row::*;
}

/// What a scanner returns.
pub mod record {
    pub use fluss_client::table::{ScanRecord, ScanRecords};
    pub use fluss_row::ChangeType;
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
