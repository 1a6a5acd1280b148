//! A client of [Apache Fluss](https://fluss.apache.org): streaming storage with log tables and primary-key tables.
//!
//! The package is `fluss-rs`, the library `fluss`. It re-exports:
//!
//! - [`client`]: [`FlussConnection`](client::FlussConnection), from which come the admin, tables, writers, scanners and lookups;
//! - [`config`] with the [`Config`](config::Config);
//! - [`error`]: the one [`Error`](error::Error);
//! - [`metadata`]: types, schemas, table descriptors, paths;
//! - [`row`]: [`GenericRow`](row::GenericRow) and everything else that rows are made of;
//! - [`record`]: what a scanner returns;
//! - `mock`, with the feature of that name: a cluster inside the process, for tests.
//!
//! The [`guide`] explains all of it by task.
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
//! // Every bucket, from its beginning up to what is in it now.
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
//! - `time-zones`: the names of the IANA time zone database, from a copy within the program, for tables whose partitions are named by
//!   time. Without it, only offsets such as `+02:00` are known.
//!
//! Off by default:
//!
//! - `s3`: reads log segments that servers moved to S3 or to a store that speaks its protocol.
//! - `mock`: the module `mock`, a cluster inside the process, for tests.
//! - `serde`: `Serialize` for values and rows.
//! - `chrono-04`, `jiff-02`, `rust_decimal-1`: `From` and `TryFrom` between dates, times and decimals and the types of the named crate.

// docs.rs sets it: items that need a feature say so.
#![cfg_attr(docsrs, feature(doc_cfg))]

/// The connection and what is made from it.
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

/// The one error of the client.
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

/// A cluster inside the process, for tests of what uses Fluss. A test double: its data is in memory.
#[cfg(feature = "mock")]
pub mod mock;

#[cfg(any(doc, doctest))]
pub mod guide;

/// Compiles the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
