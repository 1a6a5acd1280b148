//! Rows, keys, buckets and record batches of Apache Fluss, without I/O.
//!
//! - [`GenericRow`], [`NamedRow`] and [`Datum`]: rows built from plain Rust values. [`DataGetters`] and
//!   [`InternalRow`]: rows of any kind, read by position.
//! - [`RowEncoder`], [`RowDecoder`], [`BinaryRow`]: rows as bytes, in the [`compacted`], [`indexed`] and
//!   [`aligned`] formats. [`ArrayCodec`], [`MapCodec`]: arrays and maps on their own.
//! - [`key`], [`BucketFunction`], [`PartitionNames`]: what identifies a row, and where it is stored.
//! - [`kv`]: the batches of primary-key tables, and values of any schema decoded to the requested one.
//! - [`arrow`]: Arrow types, columns and views. [`log`]: the batches of logs and changelogs.
//!
//! All bytes are identical to those of the official Java classes. Received bytes are not trusted: truncated, mutated
//! or random bytes cause an error, never a panic, and declared lengths never cause an allocation.
//!
//! Non-goals: it opens no files or sockets, reads no clock, starts no threads and takes no locks that block. If it
//! needs a schema that it does not know, it returns an error.
//!
//! ```
//! use fluss_metadata::{DataTypes, KvFormat, Schema};
//! use fluss_row::key::{KeyEncoder, KeyEncoding};
//! use fluss_row::{BucketFunction, GenericRow, RowEncoder};
//!
//! let schema = Schema::builder()
//!     .column("id", DataTypes::bigint())
//!     .column("name", DataTypes::string())
//!     .primary_key(vec!["id"])
//!     .build()?;
//!
//! let mut row = GenericRow::new(2);
//! row.set_field(0, 7);
//! row.set_field(1, "Alice");
//!
//! // Encode the row as the server stores it, and decode it again.
//! let encoder = RowEncoder::new(KvFormat::Compacted, schema.row_type())?;
//! let mut bytes = Vec::new();
//! encoder.encode(&row, &mut bytes)?;
//! let decoded = encoder.decoder().decode(bytes.into())?;
//! assert_eq!(decoded.get_long(0), 7);
//! assert_eq!(decoded.try_get::<Option<&str>>("name")?, Some("Alice"));
//!
//! // Its key, and its bucket among three.
//! let mut key = Vec::new();
//! KeyEncoder::new(KeyEncoding::Compacted, schema.row_type(), &["id"])?.encode(&row, &mut key)?;
//! assert!((0..3).contains(&BucketFunction::Fluss.bucket(&key, 3)?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/dump_log_segment` is a complete program that prints a log segment file as JSON lines.
//!
//! # Features
//!
//! - `lz4`, `zstd` (default): decompress and compress Arrow batches.
//! - `serde`: `Serialize` for values and rows.
//! - `chrono-04`, `jiff-02`, `rust_decimal-1`: `From` and `TryFrom` between value types and those of the named
//!   crate, and `From` for [`Datum`].

// Set by docs.rs, so that items show the feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod array;
mod assign;
mod binary;
mod bucket;
mod change_type;
mod compression;
#[cfg(any(feature = "chrono-04", feature = "jiff-02", feature = "rust_decimal-1"))]
mod convert;
mod datum;
mod datum_from;
mod datum_read;
mod decimal;
mod error;
mod from_field;
mod generic_row;
mod getters;
mod map;
mod named_row;
mod partition;
mod projected;
#[cfg(feature = "serde")]
mod serialize;
mod temporal;

pub mod aligned;
pub mod arrow;
pub mod compacted;
pub mod indexed;
pub mod key;
pub mod kv;
pub mod log;

pub use array::FlussArray;
pub use arrow::ColumnarRow;
pub use binary::{ArrayCodec, BinaryRow, MapCodec, RowBuffer, RowDecoder, RowEncoder, RowFormat};
pub use bucket::BucketFunction;
pub use change_type::ChangeType;
pub use datum::Datum;
pub use decimal::Decimal;
pub(crate) use error::Result;
pub use error::{FieldRef, Result as RowResult, RowError};
pub use from_field::{ColumnSelector, FromField};
pub use generic_row::GenericRow;
pub use getters::{DataGetters, InternalRow};
pub use kv::LookupRow;
pub use map::FlussMap;
pub use named_row::NamedRow;
pub use partition::PartitionNames;
pub use projected::ProjectedRow;
pub use temporal::{Date, Time, TimestampLtz, TimestampNtz};

/// The program of the README, so that it is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
