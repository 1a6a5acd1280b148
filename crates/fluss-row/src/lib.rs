//! Rows, keys, buckets and record batches of Apache Fluss, without I/O.

mod array;
mod datum;
mod datum_from;
mod datum_read;
mod decimal;
mod error;
mod from_field;
mod generic_row;
mod getters;
mod map;
mod projected;
mod temporal;

pub use array::FlussArray;
pub use datum::Datum;
pub use decimal::Decimal;
pub use error::{FieldRef, Result, RowError};
pub use from_field::{ColumnSelector, FromField};
pub use generic_row::GenericRow;
pub use getters::{DataGetters, InternalRow};
pub use map::FlussMap;
pub use projected::ProjectedRow;
pub use temporal::{Date, Time, TimestampLtz, TimestampNtz};
