//! The additional columns of the changelog of a table. Source: Flink's `$changelog` tables, `ChangelogVirtualTable`.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};

use crate::ChangeType;

/// Name of the column that says what happened to a row.
pub const CHANGE_TYPE_COLUMN: &str = "_change_type";
/// Name of the column with the offset of a record.
pub const LOG_OFFSET_COLUMN: &str = "_log_offset";
/// Name of the column with the time at which the server received a record.
pub const COMMIT_TIMESTAMP_COLUMN: &str = "_commit_timestamp";

/// The change types as a column of strings: `insert`, `update_before`, `update_after`, `delete`.
pub fn change_type_array(changes: impl IntoIterator<Item = ChangeType>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(
        changes.into_iter().map(ChangeType::changelog_name),
    ))
}
