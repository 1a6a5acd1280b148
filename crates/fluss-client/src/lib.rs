//! The client of Apache Fluss: connection, administration, writers, scanners, lookups.
//!
//! Most programs use the umbrella crate `fluss-rs` (imported as `fluss`), which re-exports everything here along with
//! the types of tables, rows and Arrow batches.
//!
//! Create one [`FlussConnection`] and share it. It gives you a [`FlussAdmin`], which manages databases, tables and
//! partitions, and a [`FlussTable`] per table, from which you create writers, scanners and lookups. All of them are
//! cheap to clone, have no lifetime, and share the sockets, the view of the cluster and the write buffer of their
//! connection.
//!
//! It never waits without a deadline, queues without a bound, retries what is not safe to retry, or panics because of
//! what a server sent.

// Set by docs.rs, so that items show the feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod admin;
mod clock;
pub mod config;
mod connection;
mod context;
#[cfg(test)]
mod docs;
mod engine;
pub mod error;
mod lookup;
#[cfg(test)]
mod metrics_page;
mod remote;
mod rpc_config;
mod runtime;
mod scan;
mod schema_cache;
mod session;
pub mod stats;
pub mod table;
mod turn;
mod values;
mod write;

pub use admin::FlussAdmin;
pub use config::Config;
pub use connection::{ConnectionBuilder, FlussConnection};
pub use error::{Error, ErrorKind, Result};
pub use table::{
    AppendWriter, BatchWriteFuture, BucketBatchScanner, EARLIEST_OFFSET, FlussTable, LATEST_OFFSET,
    LimitBatchScanner, LogScanner, LookupResult, LookupRow, Lookuper, MergeMode, OffsetReset,
    RecordBatchLogScanner, RecordStream, ScanBatch, ScanBatchStream, ScanBucket, ScanRecord,
    ScanRecords, ScanRecordsIntoIter, ScanRecordsIter, StartOffset, TableAppend, TableBatchScanner,
    TableLookup, TablePrefixLookup, TableScan, TableUpsert, UpsertWriter, WriteResult,
    WriteResultFuture,
};

/// Streams to servers, for those who bring their own: what a [`ConnectionBuilder`] takes.
pub mod transport {
    pub use fluss_rpc::{Dialer, TcpDialer, Transport};
}

/// Compiles the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
