//! Rows, keys, buckets and record batches of Apache Fluss, without I/O.

mod array;
mod binary;
mod bucket;
mod change_type;
mod compression;
mod datum;
mod datum_from;
mod datum_read;
mod decimal;
mod error;
mod from_field;
mod generic_row;
mod getters;
mod map;
mod partition;
mod projected;
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
pub use error::{FieldRef, Result, RowError};
pub use from_field::{ColumnSelector, FromField};
pub use generic_row::GenericRow;
pub use getters::{DataGetters, InternalRow};
pub use kv::LookupRow;
pub use map::FlussMap;
pub use partition::PartitionNames;
pub use projected::ProjectedRow;
pub use temporal::{Date, Time, TimestampLtz, TimestampNtz};
