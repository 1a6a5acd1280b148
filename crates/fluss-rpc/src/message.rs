//! Names of tables and partitions as the protocol's messages have them.

use fluss_metadata::TablePath;
use fluss_wire::message::{PbKeyValue, PbPartitionSpec, PbTablePath};

/// The path of a table.
pub fn path_message(path: &TablePath) -> PbTablePath {
    PbTablePath {
        database_name: path.database().to_owned(),
        table_name: path.table().to_owned(),
    }
}

/// The values of partition columns, by the names of the columns.
pub fn spec_message<'s>(values: impl IntoIterator<Item = (&'s str, &'s str)>) -> PbPartitionSpec {
    let pair = |(key, value): (&str, &str)| PbKeyValue {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    PbPartitionSpec {
        partition_key_values: values.into_iter().map(pair).collect(),
    }
}
