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

/// The place that refuses a type, in errors.
const ARROW: &str = "Arrow batches";

/// The Arrow schema of rows: one field a column, named and nullable alike.
///
/// Errs when types are nested too deeply, or are of lengths or precisions that Arrow does not have.
pub fn to_arrow_schema(row_type: &RowType) -> Result<SchemaRef> {
    Ok(Arc::new(Schema::new(to_fields(row_type, 0)?)))
}

/// The Arrow field of a column.
pub fn to_arrow_field(name: &str, data_type: &DataType) -> Result<Field> {
    field_at(name, data_type, data_type.is_nullable(), 0)
}

/// The Arrow type of a column's type. Whether it may be null is up to the field.
///
/// `TIMESTAMP_LTZ` and TIMESTAMP have the same one, without a time zone.
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
        DataTypeKind::Timestamp { precision } | DataTypeKind::TimestampLtz { precision } => {
            ArrowType::Timestamp(unit(*precision), None)
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

/// The row type of an Arrow schema. Errs for types that Fluss does not have, naming the column.
pub fn from_arrow_schema(schema: &Schema) -> Result<RowType> {
    from_fields(schema.fields(), 0)
}

/// The column of an Arrow field. Errs for types that Fluss does not have.
pub fn from_arrow_field(field: &Field) -> Result<DataField> {
    from_field(0, field, 0)
}

/// The type of an Arrow type, nullable. Errs for types that Fluss does not have.
///
/// Timestamps with a time zone become `TIMESTAMP_LTZ`, those without TIMESTAMP. Large and view types, dictionaries, unsigned integers, unions,
/// intervals and durations have no counterpart.
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
        ArrowType::Int16 => DataTypes::smallint(),
        ArrowType::Int32 => DataTypes::int(),
        ArrowType::Int64 => DataTypes::bigint(),
        ArrowType::Float32 => DataTypes::float(),
        ArrowType::Float64 => DataTypes::double(),
        ArrowType::Utf8 => DataTypes::string(),
        ArrowType::Binary => DataTypes::bytes(),
        ArrowType::FixedSizeBinary(length) => {
            DataTypes::binary(u32::try_from(*length).map_err(|_| refused())?)
        }
        ArrowType::Decimal128(precision, scale) => {
            let scale = u32::try_from(*scale).map_err(|_| refused())?;
            DataTypes::decimal(u32::from(*precision), scale)
        }
        ArrowType::Date32 => DataTypes::date(),
        ArrowType::Time32(unit) | ArrowType::Time64(unit) => {
            DataTypes::time_with_precision(precision(*unit))
        }
        ArrowType::Timestamp(unit, None) => DataTypes::timestamp_with_precision(precision(*unit)),
        ArrowType::Timestamp(unit, Some(_)) => {
            DataTypes::timestamp_ltz_with_precision(precision(*unit))
        }
        ArrowType::List(element) => DataTypes::array(nullable_type(element, depth + 1)?),
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
        let local = DataTypes::timestamp_ltz_with_precision(3);
        assert_eq!(
            to_arrow_type(&local).unwrap(),
            ArrowType::Timestamp(TimeUnit::Millisecond, None)
        );
        assert_eq!(
            from_arrow_type(&ArrowType::Timestamp(
                TimeUnit::Millisecond,
                Some("UTC".into())
            ))
            .unwrap(),
            local
        );
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
            ArrowType::LargeUtf8,
            ArrowType::Utf8View,
            ArrowType::UInt32,
            ArrowType::Dictionary(Box::new(ArrowType::Int32), Box::new(ArrowType::Utf8)),
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
