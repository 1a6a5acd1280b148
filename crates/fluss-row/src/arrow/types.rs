//! Types of columns and their Arrow types. Source: `ArrowUtils.java`.

use std::sync::Arc;

use arrow_schema::{
    DataType as ArrowType, Field, FieldRef as ArrowFieldRef, Fields, Schema, SchemaRef, TimeUnit,
};
use fluss_metadata::{DataField, DataType, DataTypeKind, DataTypes, RowType};

use crate::binary::layout::MAX_DEPTH;
use crate::{FieldRef, Result, RowError};

/// Name of the elements of an ARRAY.
const ELEMENT: &str = "element";
/// Names of the entries of a MAP and of their parts.
const ENTRIES: &str = "entries";
const KEY: &str = "key";
const VALUE: &str = "value";

/// The zone of a `TIMESTAMP_LTZ`, which is an instant.
const UTC: &str = "UTC";

/// The place that refuses a type, in errors.
const ARROW: &str = "Arrow batches";

/// Returns the Arrow schema of rows: one field per column, with the same name and nullability.
///
/// Returns an error if types are nested too deeply, or are of lengths or precisions that Arrow does not have.
pub fn to_arrow_schema(row_type: &RowType) -> Result<SchemaRef> {
    Ok(Arc::new(Schema::new(to_fields(row_type, 0)?)))
}

/// The Arrow field of a column.
pub fn to_arrow_field(name: &str, data_type: &DataType) -> Result<Field> {
    field_at(name, data_type, data_type.is_nullable(), 0)
}

/// The Arrow type of a column's type. Whether it may be null is up to the field.
///
/// `TIMESTAMP_LTZ` is a timestamp with the time zone `UTC`, TIMESTAMP one without a time zone.
pub fn to_arrow_type(data_type: &DataType) -> Result<ArrowType> {
    type_at(data_type, 0)
}

fn to_fields(row_type: &RowType, depth: usize) -> Result<Fields> {
    row_type
        .fields()
        .iter()
        .map(|field| {
            field_at(
                field.name(),
                field.data_type(),
                field.data_type().is_nullable(),
                depth,
            )
        })
        .collect::<Result<Vec<_>>>()
        .map(Fields::from)
}

fn field_at(name: &str, data_type: &DataType, nullable: bool, depth: usize) -> Result<Field> {
    let arrow = type_at(data_type, depth).map_err(|error| error.in_column(0, name, data_type))?;
    Ok(Field::new(name, arrow, nullable))
}

fn type_at(data_type: &DataType, depth: usize) -> Result<ArrowType> {
    if depth > MAX_DEPTH {
        return Err(RowError::TooDeep { max: MAX_DEPTH });
    }
    Ok(match data_type.kind() {
        DataTypeKind::Boolean => ArrowType::Boolean,
        DataTypeKind::TinyInt => ArrowType::Int8,
        DataTypeKind::SmallInt => ArrowType::Int16,
        DataTypeKind::Int => ArrowType::Int32,
        DataTypeKind::BigInt => ArrowType::Int64,
        DataTypeKind::Float => ArrowType::Float32,
        DataTypeKind::Double => ArrowType::Float64,
        DataTypeKind::Char { .. } | DataTypeKind::String => ArrowType::Utf8,
        DataTypeKind::Binary { length } => match i32::try_from(*length) {
            Ok(length) => ArrowType::FixedSizeBinary(length),
            Err(_) => return Err(unsupported(data_type)),
        },
        DataTypeKind::Bytes => ArrowType::Binary,
        DataTypeKind::Decimal { precision, scale } => {
            // Refuses precisions and scales that no decimal has.
            crate::Decimal::from_unscaled(0, *precision, *scale)?;
            ArrowType::Decimal128(*precision as u8, *scale as i8)
        }
        DataTypeKind::Date => ArrowType::Date32,
        DataTypeKind::Time { precision } => match unit(*precision) {
            unit @ (TimeUnit::Second | TimeUnit::Millisecond) => ArrowType::Time32(unit),
            unit => ArrowType::Time64(unit),
        },
        DataTypeKind::Timestamp { precision } => ArrowType::Timestamp(unit(*precision), None),
        // Log batches do not carry their schema: what they hold is the same with and without a zone.
        DataTypeKind::TimestampLtz { precision } => {
            ArrowType::Timestamp(unit(*precision), Some(UTC.into()))
        }
        DataTypeKind::Array(element) => ArrowType::List(Arc::new(element_field(element, depth)?)),
        DataTypeKind::Map { key, value } => {
            let entries = Fields::from(vec![
                field_at(KEY, key, false, depth + 1)?,
                field_at(VALUE, value, value.is_nullable(), depth + 1)?,
            ]);
            ArrowType::Map(
                Arc::new(Field::new(ENTRIES, ArrowType::Struct(entries), false)),
                false,
            )
        }
        DataTypeKind::Row(row_type) => ArrowType::Struct(to_fields(row_type, depth + 1)?),
    })
}

fn element_field(element: &DataType, depth: usize) -> Result<Field> {
    field_at(ELEMENT, element, element.is_nullable(), depth + 1)
}

/// The unit that holds a precision of a second's decimals.
pub(crate) const fn unit(precision: u32) -> TimeUnit {
    match precision {
        0 => TimeUnit::Second,
        1..=3 => TimeUnit::Millisecond,
        4..=6 => TimeUnit::Microsecond,
        _ => TimeUnit::Nanosecond,
    }
}

fn unsupported(data_type: &DataType) -> RowError {
    RowError::UnsupportedType {
        field: FieldRef::at(0),
        data_type: data_type.to_string().into(),
        place: ARROW,
    }
}

/// The row type of an Arrow schema. Returns an error for types that Fluss does not have, naming the column.
pub fn from_arrow_schema(schema: &Schema) -> Result<RowType> {
    from_fields(schema.fields(), 0)
}

/// The column of an Arrow field. Returns an error for types that Fluss does not have.
pub fn from_arrow_field(field: &Field) -> Result<DataField> {
    from_field(0, field, 0)
}

/// Returns the nullable type for an Arrow type. Returns an error for types that Fluss does not have.
///
/// It is the type that can hold all values of the Arrow type: timestamps with a time zone become `TIMESTAMP_LTZ`,
/// those without TIMESTAMP, unsigned integers the next wider signed type (64 bits `DECIMAL(20, 0)`), dictionaries and
/// runs the type of their values, large, view and fixed-size lists ARRAY. Unions, intervals, durations, decimals of
/// more than 38 digits or of a negative scale, and columns of nothing but nulls have no counterpart.
pub fn from_arrow_type(arrow: &ArrowType) -> Result<DataType> {
    from_type(arrow, 0)
}

fn from_fields(fields: &Fields, depth: usize) -> Result<RowType> {
    let fields = fields
        .iter()
        .enumerate()
        .map(|(position, field)| from_field(position, field, depth))
        .collect::<Result<Vec<_>>>()?;
    Ok(RowType::new(fields))
}

fn from_field(position: usize, field: &Field, depth: usize) -> Result<DataField> {
    let data_type =
        nullable_type(field, depth).map_err(|error| named(error, position, field.name()))?;
    Ok(DataField::new(field.name().as_str(), data_type))
}

/// Adds the column to an error that names none, or the path to a nested one.
fn named(error: RowError, position: usize, name: &str) -> RowError {
    match error {
        RowError::UnsupportedType {
            field,
            data_type,
            place,
        } => {
            let path = match field.name {
                Some(inner) => format!("{name}.{inner}"),
                None => name.to_owned(),
            };
            RowError::UnsupportedType {
                field: FieldRef::named(position, &path),
                data_type,
                place,
            }
        }
        other => other,
    }
}

fn nullable_type(field: &Field, depth: usize) -> Result<DataType> {
    Ok(from_type(field.data_type(), depth)?.with_nullable(field.is_nullable()))
}

fn from_type(arrow: &ArrowType, depth: usize) -> Result<DataType> {
    if depth > MAX_DEPTH {
        return Err(RowError::TooDeep { max: MAX_DEPTH });
    }
    let refused = || RowError::UnsupportedType {
        field: FieldRef::at(0),
        data_type: arrow.to_string().into(),
        place: "tables of Fluss",
    };
    Ok(match arrow {
        ArrowType::Boolean => DataTypes::boolean(),
        ArrowType::Int8 => DataTypes::tinyint(),
        ArrowType::Int16 | ArrowType::UInt8 => DataTypes::smallint(),
        ArrowType::Int32 | ArrowType::UInt16 => DataTypes::int(),
        ArrowType::Int64 | ArrowType::UInt32 => DataTypes::bigint(),
        ArrowType::UInt64 => DataTypes::decimal(20, 0),
        ArrowType::Float16 | ArrowType::Float32 => DataTypes::float(),
        ArrowType::Float64 => DataTypes::double(),
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataTypes::string(),
        ArrowType::Binary | ArrowType::LargeBinary | ArrowType::BinaryView => DataTypes::bytes(),
        ArrowType::FixedSizeBinary(length) => {
            DataTypes::binary(u32::try_from(*length).map_err(|_| refused())?)
        }
        ArrowType::Decimal32(precision, scale)
        | ArrowType::Decimal64(precision, scale)
        | ArrowType::Decimal128(precision, scale)
        | ArrowType::Decimal256(precision, scale) => {
            let precision = u32::from(*precision);
            let scale = u32::try_from(*scale).map_err(|_| refused())?;
            // Refuses precisions and scales that no decimal has.
            crate::Decimal::from_unscaled(0, precision, scale).map_err(|_| refused())?;
            DataTypes::decimal(precision, scale)
        }
        ArrowType::Date32 | ArrowType::Date64 => DataTypes::date(),
        ArrowType::Time32(unit) | ArrowType::Time64(unit) => {
            DataTypes::time_with_precision(precision(*unit))
        }
        ArrowType::Timestamp(unit, None) => DataTypes::timestamp_with_precision(precision(*unit)),
        ArrowType::Timestamp(unit, Some(_)) => {
            DataTypes::timestamp_ltz_with_precision(precision(*unit))
        }
        ArrowType::List(element)
        | ArrowType::LargeList(element)
        | ArrowType::FixedSizeList(element, _)
        | ArrowType::ListView(element)
        | ArrowType::LargeListView(element) => DataTypes::array(nullable_type(element, depth + 1)?),
        ArrowType::Dictionary(_, values) => from_type(values, depth + 1)?,
        ArrowType::RunEndEncoded(_, values) => from_type(values.data_type(), depth + 1)?,
        ArrowType::Map(entries, _) => {
            let (key, value) = entry_fields(entries).ok_or_else(refused)?;
            DataTypes::map(
                nullable_type(key, depth + 1)?,
                nullable_type(value, depth + 1)?,
            )
        }
        ArrowType::Struct(fields) => {
            DataType::new(DataTypeKind::Row(from_fields(fields, depth + 1)?))
        }
        _ => return Err(refused()),
    })
}

/// Key and value of a map's entries.
pub(crate) fn entry_fields(entries: &Field) -> Option<(&ArrowFieldRef, &ArrowFieldRef)> {
    match entries.data_type() {
        ArrowType::Struct(fields) => match &fields[..] {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

const fn precision(unit: TimeUnit) -> u32 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_map_to_arrow_and_back_up_to_the_precision_of_their_unit() {
        let cases = [
            ("BOOLEAN", ArrowType::Boolean, "BOOLEAN"),
            ("TINYINT", ArrowType::Int8, "TINYINT"),
            ("SMALLINT", ArrowType::Int16, "SMALLINT"),
            ("INT", ArrowType::Int32, "INT"),
            ("BIGINT", ArrowType::Int64, "BIGINT"),
            ("FLOAT", ArrowType::Float32, "FLOAT"),
            ("DOUBLE", ArrowType::Float64, "DOUBLE"),
            ("CHAR(7)", ArrowType::Utf8, "STRING"),
            ("STRING", ArrowType::Utf8, "STRING"),
            ("BINARY(3)", ArrowType::FixedSizeBinary(3), "BINARY(3)"),
            ("BYTES", ArrowType::Binary, "BYTES"),
            (
                "DECIMAL(38, 10)",
                ArrowType::Decimal128(38, 10),
                "DECIMAL(38, 10)",
            ),
            ("DATE", ArrowType::Date32, "DATE"),
            ("TIME(0)", ArrowType::Time32(TimeUnit::Second), "TIME(0)"),
            (
                "TIME(2)",
                ArrowType::Time32(TimeUnit::Millisecond),
                "TIME(3)",
            ),
            (
                "TIME(4)",
                ArrowType::Time64(TimeUnit::Microsecond),
                "TIME(6)",
            ),
            (
                "TIME(9)",
                ArrowType::Time64(TimeUnit::Nanosecond),
                "TIME(9)",
            ),
            (
                "TIMESTAMP(0)",
                ArrowType::Timestamp(TimeUnit::Second, None),
                "TIMESTAMP(0)",
            ),
            (
                "TIMESTAMP(6)",
                ArrowType::Timestamp(TimeUnit::Microsecond, None),
                "TIMESTAMP(6)",
            ),
            (
                "TIMESTAMP(7)",
                ArrowType::Timestamp(TimeUnit::Nanosecond, None),
                "TIMESTAMP(9)",
            ),
        ];
        for (text, arrow, back) in cases {
            let data_type: DataType = text.parse().unwrap();
            assert_eq!(to_arrow_type(&data_type).unwrap(), arrow, "{text}");
            assert_eq!(from_arrow_type(&arrow).unwrap().to_string(), back, "{text}");
        }
        for precision in [0, 3, 6, 9] {
            let instant = DataTypes::timestamp_ltz_with_precision(precision);
            let arrow = to_arrow_type(&instant).unwrap();
            assert_eq!(
                arrow,
                ArrowType::Timestamp(unit(precision), Some("UTC".into()))
            );
            assert_eq!(from_arrow_type(&arrow).unwrap(), instant);
        }
        let elsewhere = ArrowType::Timestamp(TimeUnit::Millisecond, Some("+02:00".into()));
        assert_eq!(
            from_arrow_type(&elsewhere).unwrap(),
            DataTypes::timestamp_ltz_with_precision(3)
        );
    }

    #[test]
    fn arrow_types_that_only_store_values_otherwise_are_the_type_of_the_values() {
        let item = |arrow: ArrowType| Arc::new(Field::new("item", arrow, true));
        let cases = [
            (ArrowType::LargeUtf8, "STRING"),
            (ArrowType::Utf8View, "STRING"),
            (ArrowType::LargeBinary, "BYTES"),
            (ArrowType::BinaryView, "BYTES"),
            (ArrowType::UInt8, "SMALLINT"),
            (ArrowType::UInt16, "INT"),
            (ArrowType::UInt32, "BIGINT"),
            (ArrowType::UInt64, "DECIMAL(20, 0)"),
            (ArrowType::Float16, "FLOAT"),
            (ArrowType::Date64, "DATE"),
            (ArrowType::Decimal32(9, 2), "DECIMAL(9, 2)"),
            (ArrowType::Decimal64(18, 2), "DECIMAL(18, 2)"),
            (ArrowType::Decimal256(38, 2), "DECIMAL(38, 2)"),
            (
                ArrowType::Dictionary(Box::new(ArrowType::Int32), Box::new(ArrowType::Utf8)),
                "STRING",
            ),
            (
                ArrowType::RunEndEncoded(
                    Arc::new(Field::new("run_ends", ArrowType::Int32, false)),
                    item(ArrowType::UInt8),
                ),
                "SMALLINT",
            ),
            (
                ArrowType::LargeList(item(ArrowType::LargeUtf8)),
                "ARRAY<STRING>",
            ),
            (
                ArrowType::FixedSizeList(item(ArrowType::Int8), 3),
                "ARRAY<TINYINT>",
            ),
            (ArrowType::ListView(item(ArrowType::Int32)), "ARRAY<INT>"),
            (
                ArrowType::LargeListView(item(ArrowType::Int64)),
                "ARRAY<BIGINT>",
            ),
        ];
        for (arrow, expected) in cases {
            let inner = Field::new("inner", arrow.clone(), true);
            let outer = Field::new("outer", ArrowType::Struct(vec![inner].into()), true);
            let row_type = from_arrow_schema(&Schema::new(vec![outer])).unwrap();
            let text = row_type.fields()[0].data_type().to_string();
            assert!(text.contains(&format!(" {expected}")), "{arrow}: {text}");
        }
    }

    #[test]
    fn nested_types_keep_names_and_nullability() {
        let row_type = RowType::new(vec![
            DataTypes::field(
                "tags",
                DataTypes::array(DataTypes::string().as_non_nullable()),
            ),
            DataTypes::field(
                "attributes",
                DataTypes::map(DataTypes::string().as_non_nullable(), DataTypes::bigint()),
            ),
            DataTypes::field(
                "address",
                DataTypes::row(vec![DataTypes::field("city", DataTypes::string())])
                    .as_non_nullable(),
            ),
        ]);
        let schema = to_arrow_schema(&row_type).unwrap();
        assert_eq!(from_arrow_schema(&schema).unwrap(), row_type);
        assert!(!schema.field(2).is_nullable());
    }

    #[test]
    fn arrow_types_without_a_counterpart_are_refused_by_the_path_to_them() {
        for arrow in [
            ArrowType::Duration(TimeUnit::Second),
            ArrowType::Interval(arrow_schema::IntervalUnit::DayTime),
            ArrowType::Union(
                arrow_schema::UnionFields::empty(),
                arrow_schema::UnionMode::Dense,
            ),
            ArrowType::Decimal256(40, 2),
            ArrowType::Decimal128(10, -2),
            ArrowType::Null,
        ] {
            let inner = Field::new("inner", arrow.clone(), true);
            let outer = Field::new("outer", ArrowType::Struct(vec![inner].into()), true);
            let error = from_arrow_schema(&Schema::new(vec![outer]))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("outer.inner") && error.contains(&arrow.to_string()),
                "{error}"
            );
        }
    }

    #[test]
    fn types_nested_too_deeply_are_refused() {
        let mut deep = DataTypes::int();
        for _ in 0..=MAX_DEPTH {
            deep = DataTypes::array(deep);
        }
        assert!(matches!(
            to_arrow_type(&deep),
            Err(RowError::TooDeep { .. })
        ));
    }
}
