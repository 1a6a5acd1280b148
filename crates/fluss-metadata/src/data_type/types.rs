//! Constructors for types.

use std::sync::Arc;

use super::{DataField, DataType, DataTypeKind, RowType};

/// Creates data types. All are nullable; use [`DataType::as_non_nullable`] to change that.
///
/// Lengths, precisions and scales are checked when a schema is built.
#[derive(Debug)]
#[non_exhaustive]
pub struct DataTypes;

macro_rules! plain_types {
    ($($(#[$doc:meta])* $name:ident => $kind:ident),* $(,)?) => {
        $($(#[$doc])* pub fn $name() -> DataType { DataType::new(DataTypeKind::$kind) })*
    };
}

impl DataTypes {
    plain_types! {
        /// BOOLEAN.
        boolean => Boolean,
        /// TINYINT, 8 bits.
        tinyint => TinyInt,
        /// SMALLINT, 16 bits.
        smallint => SmallInt,
        /// INT, 32 bits.
        int => Int,
        /// BIGINT, 64 bits.
        bigint => BigInt,
        /// FLOAT, 32 bits.
        float => Float,
        /// DOUBLE, 64 bits.
        double => Double,
        /// STRING.
        string => String,
        /// BYTES.
        bytes => Bytes,
        /// DATE.
        date => Date,
    }

    /// CHAR of `length` characters.
    pub fn char(length: u32) -> DataType {
        DataType::new(DataTypeKind::Char { length })
    }

    /// BINARY of `length` bytes.
    pub fn binary(length: u32) -> DataType {
        DataType::new(DataTypeKind::Binary { length })
    }

    /// DECIMAL with `precision` digits, `scale` of them after the decimal point.
    pub fn decimal(precision: u32, scale: u32) -> DataType {
        DataType::new(DataTypeKind::Decimal { precision, scale })
    }

    /// TIME with a precision of seconds.
    pub fn time() -> DataType {
        Self::time_with_precision(0)
    }

    /// TIME with `precision` fractional digits of the second.
    pub fn time_with_precision(precision: u32) -> DataType {
        DataType::new(DataTypeKind::Time { precision })
    }

    /// TIMESTAMP with a precision of microseconds.
    pub fn timestamp() -> DataType {
        Self::timestamp_with_precision(6)
    }

    /// TIMESTAMP with `precision` fractional digits of the second.
    pub fn timestamp_with_precision(precision: u32) -> DataType {
        DataType::new(DataTypeKind::Timestamp { precision })
    }

    /// `TIMESTAMP_LTZ` with a precision of microseconds.
    pub fn timestamp_ltz() -> DataType {
        Self::timestamp_ltz_with_precision(6)
    }

    /// `TIMESTAMP_LTZ` with `precision` fractional digits of the second.
    pub fn timestamp_ltz_with_precision(precision: u32) -> DataType {
        DataType::new(DataTypeKind::TimestampLtz { precision })
    }

    /// ARRAY of `element`.
    pub fn array(element: DataType) -> DataType {
        DataType::new(DataTypeKind::Array(Arc::new(element)))
    }

    /// MAP from `key` to `value`; keys are never null.
    pub fn map(key: DataType, value: DataType) -> DataType {
        DataType::new(DataTypeKind::Map {
            key: Arc::new(DataType {
                nullable: false,
                ..key
            }),
            value: Arc::new(value),
        })
    }

    /// ROW of `fields`.
    pub fn row(fields: Vec<DataField>) -> DataType {
        DataType::new(DataTypeKind::Row(RowType::new(fields)))
    }

    /// ROW of fields named `f0`, `f1` and so on.
    pub fn row_from_types(types: Vec<DataType>) -> DataType {
        Self::row(
            types
                .into_iter()
                .enumerate()
                .map(|(index, data_type)| DataField::new(format!("f{index}"), data_type))
                .collect(),
        )
    }

    /// A field of a row.
    pub fn field(name: impl Into<Arc<str>>, data_type: DataType) -> DataField {
        DataField::new(name, data_type)
    }

    /// A field of a row with a description.
    pub fn field_with_description(
        name: impl Into<Arc<str>>,
        data_type: DataType,
        description: impl Into<Arc<str>>,
    ) -> DataField {
        DataField::new(name, data_type).with_description(description)
    }
}
