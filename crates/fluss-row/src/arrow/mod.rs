//! Rows as Arrow columns: types, column builders, column views, and the one IPC message that a log batch holds.
//!
//! See `docs/protocol/log-batches.md`.

mod builder;
mod changelog;
mod columnar;
mod conform;
mod flat;
pub(crate) mod ipc;
mod table_batch;
mod types;
mod view;

pub use builder::{ColumnBuilders, rows_to_batch};
pub use changelog::{
    CHANGE_TYPE_COLUMN, COMMIT_TIMESTAMP_COLUMN, LOG_OFFSET_COLUMN, change_type_array,
};
pub use columnar::{ColumnarBatch, ColumnarRow};
pub use table_batch::TableBatch;
pub use types::{
    from_arrow_field, from_arrow_schema, from_arrow_type, to_arrow_field, to_arrow_schema,
    to_arrow_type,
};

pub(crate) use columnar::BinaryView;
pub(crate) use flat::FlatBatch;
pub(crate) use table_batch::UserBatch;
pub(crate) use view::{ColumnView, ViewValues};
