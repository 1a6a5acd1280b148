//! The columns that the bytes are read as.

use std::sync::LazyLock;

use fluss_metadata::{DataField, DataTypes, RowType};

/// A column of every kind.
pub(crate) static EVERY_TYPE: LazyLock<RowType> = LazyLock::new(|| {
    let types = vec![
        DataTypes::bigint(),
        DataTypes::string(),
        DataTypes::boolean(),
        DataTypes::tinyint(),
        DataTypes::smallint(),
        DataTypes::int(),
        DataTypes::float(),
        DataTypes::double(),
        DataTypes::char(4),
        DataTypes::binary(3),
        DataTypes::bytes(),
        DataTypes::decimal(10, 2),
        DataTypes::decimal(30, 5),
        DataTypes::date(),
        DataTypes::time_with_precision(3),
        DataTypes::timestamp_with_precision(3),
        DataTypes::timestamp_ltz_with_precision(9),
        DataTypes::array(DataTypes::string()),
        DataTypes::map(DataTypes::string(), DataTypes::int()),
        DataTypes::row(vec![DataTypes::field(
            "x",
            DataTypes::array(DataTypes::bigint()),
        )]),
    ];
    columns(types)
});

/// What most golden batches begin with.
pub(crate) static INT_AND_TEXT: LazyLock<RowType> =
    LazyLock::new(|| columns(vec![DataTypes::int(), DataTypes::string()]));

fn columns(types: Vec<fluss_metadata::DataType>) -> RowType {
    let fields = types.into_iter().enumerate();
    RowType::new(
        fields
            .map(|(index, data_type)| DataField::new(format!("f{index}"), data_type))
            .collect(),
    )
}
