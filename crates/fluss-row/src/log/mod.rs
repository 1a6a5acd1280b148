//! Batches of the log: how they are built, found in the bytes of a fetch or of a segment file, checked, and read.
//!
//! See `docs/protocol/log-batches.md`.
//!
//! ```
//! use fluss_metadata::{ArrowCompression, DataTypes, LogFormat, RowType};
//! use fluss_row::GenericRow;
//! use fluss_row::log::{ArrowLogBatchBuilder, LogBatches, ReadContext};
//!
//! let row_type = RowType::new(vec![DataTypes::field("id", DataTypes::int()), DataTypes::field("name", DataTypes::string())]);
//! let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE)?;
//! let mut row = GenericRow::new(2);
//! row.set_field(0, 7);
//! row.set_field(1, "Alice");
//! builder.append(&row)?;
//! let bytes = builder.build()?.stamp(42, 0);
//!
//! let context = ReadContext::new(LogFormat::Arrow, &row_type)?;
//! for batch in LogBatches::new(bytes) {
//!     let batch = batch?;
//!     batch.verify_crc()?;
//!     for row in batch.read(&context)?.rows() {
//!         assert_eq!((row.get_int(0), row.get_string(1)), (7, "Alice"));
//!     }
//! }
//! # Ok::<(), fluss_row::RowError>(())
//! ```

mod arrow_builder;
mod batches;
mod context;
mod decoded;
mod header;
mod records;
mod row_builder;
mod sealed;
mod segment_index;
mod statistics;

pub use crate::arrow::ipc::DecodeLimits;
pub use arrow_builder::ArrowLogBatchBuilder;
pub use batches::{LogBatch, LogBatches};
pub use context::ReadContext;
pub use decoded::{DecodedBatch, FirstRows, LogRecord};
pub use header::{LogBatchHeader, LogMagic, assign_offset};
pub use row_builder::RowLogBatchBuilder;
pub use sealed::SealedLogBatch;
pub use segment_index::{
    OffsetIndexEntry, TimeIndexEntry, decode_offset_index, decode_time_index, encode_offset_index,
    encode_time_index,
};
pub use statistics::{BatchStatistics, ColumnStatistics};

/// The writer id of a batch that is not idempotent.
pub const NO_WRITER_ID: i64 = -1;
/// The sequence of a batch that is not idempotent.
pub const NO_SEQUENCE: i32 = -1;

/// Schema ids are 32-bit in requests and 16-bit in batches.
fn narrow_schema_id(schema_id: fluss_metadata::SchemaId) -> crate::Result<i16> {
    i16::try_from(schema_id)
        .ok()
        .filter(|id| *id >= 0)
        .ok_or(crate::RowError::TooLarge {
            what: "schema id",
            value: u64::from(schema_id as u32),
            max: i16::MAX as u64,
        })
}
