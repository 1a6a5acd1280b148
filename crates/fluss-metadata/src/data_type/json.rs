//! JSON of types. Source: `DataTypeJsonSerde.java`.

use std::sync::Arc;

use super::{DataField, DataType, DataTypeKind, DataTypeRoot, MAX_NESTING, RowType};
use crate::error::Result;
use crate::json::{Field, Json, JsonWriter, parse};

impl DataType {
    /// Returns the JSON of the type, as used in schemas and in the request that adds a column.
    pub fn to_json(&self) -> String {
        JsonWriter::document(|json| write_members(self, json))
    }

    /// Parses the JSON of a type.
    ///
    /// # Errors
    ///
    /// Returns an error for invalid JSON, for a parameter out of bounds, or for nesting deeper than [`MAX_NESTING`].
    pub fn from_json(text: &[u8]) -> Result<Self> {
        read(parse("data type", text)?)
    }
}

/// Writes a type into a larger document.
pub(crate) fn write(data_type: &DataType, json: &mut JsonWriter) {
    json.object(|json| write_members(data_type, json));
}

fn write_members(data_type: &DataType, json: &mut JsonWriter) {
    json.string_field("type", data_type.root().name());
    if !data_type.is_nullable() {
        json.boolean_field("nullable", false);
    }
    match data_type.kind() {
        DataTypeKind::Char { length } | DataTypeKind::Binary { length } => {
            json.number_field("length", *length);
        }
        DataTypeKind::Decimal { precision, scale } => {
            json.number_field("precision", *precision);
            json.number_field("scale", *scale);
        }
        DataTypeKind::Time { precision }
        | DataTypeKind::Timestamp { precision }
        | DataTypeKind::TimestampLtz { precision } => json.number_field("precision", *precision),
        DataTypeKind::Array(element) => {
            json.key("element_type");
            write(element, json);
        }
        DataTypeKind::Map { key, value } => {
            json.key("key_type");
            write(key, json);
            json.key("value_type");
            write(value, json);
        }
        DataTypeKind::Row(row) => json.array_field("fields", |json| {
            for field in row.fields() {
                json.object(|json| write_field(field, json));
            }
        }),
        _ => {}
    }
}

fn write_field(field: &DataField, json: &mut JsonWriter) {
    json.string_field("name", field.name());
    json.key("field_type");
    write(field.data_type(), json);
    if let Some(description) = field.description() {
        json.string_field("description", description);
    }
    json.number_field("field_id", field.field_id().unwrap_or(-1));
}

/// Reads a type out of a larger document.
pub(crate) fn read(json: Json<'_>) -> Result<DataType> {
    let data_type = read_nested(json, 0)?;
    data_type.validate("data type")?;
    Ok(data_type)
}

fn read_nested(json: Json<'_>, depth: usize) -> Result<DataType> {
    if depth > MAX_NESTING {
        return Err(json.wrong("a type nested at most 32 levels deep"));
    }
    let [
        name,
        nullable,
        length,
        precision,
        scale,
        element,
        key,
        value,
        fields,
    ] = json.fields([
        "type",
        "nullable",
        "length",
        "precision",
        "scale",
        "element_type",
        "key_type",
        "value_type",
        "fields",
    ])?;
    let nested = |field: Field<'_>| read_nested(field.required()?, depth + 1).map(Arc::new);
    let name = name.required()?;
    let root = DataTypeRoot::of_name(&name.string()?)
        .ok_or_else(|| name.wrong("an upper-case type name"))?;
    let kind = match root {
        DataTypeRoot::Boolean => DataTypeKind::Boolean,
        DataTypeRoot::TinyInt => DataTypeKind::TinyInt,
        DataTypeRoot::SmallInt => DataTypeKind::SmallInt,
        DataTypeRoot::Integer => DataTypeKind::Int,
        DataTypeRoot::BigInt => DataTypeKind::BigInt,
        DataTypeRoot::Float => DataTypeKind::Float,
        DataTypeRoot::Double => DataTypeKind::Double,
        DataTypeRoot::Char => DataTypeKind::Char {
            length: length.integer()?,
        },
        DataTypeRoot::String => DataTypeKind::String,
        DataTypeRoot::Binary => DataTypeKind::Binary {
            length: length.integer()?,
        },
        DataTypeRoot::Bytes => DataTypeKind::Bytes,
        DataTypeRoot::Decimal => DataTypeKind::Decimal {
            precision: precision.integer()?,
            scale: scale.integer()?,
        },
        DataTypeRoot::Date => DataTypeKind::Date,
        DataTypeRoot::Time => DataTypeKind::Time {
            precision: precision.integer()?,
        },
        DataTypeRoot::Timestamp => DataTypeKind::Timestamp {
            precision: precision.integer()?,
        },
        DataTypeRoot::TimestampLtz => DataTypeKind::TimestampLtz {
            precision: precision.integer()?,
        },
        DataTypeRoot::Array => DataTypeKind::Array(nested(element)?),
        DataTypeRoot::Map => DataTypeKind::Map {
            key: Arc::new(nested(key)?.as_non_nullable()),
            value: nested(value)?,
        },
        DataTypeRoot::Row => DataTypeKind::Row(RowType::new(
            fields
                .required()?
                .list(|field| read_field(field, depth + 1))?,
        )),
    };
    let nullable = match nullable.optional() {
        None => true,
        Some(value) => value.boolean()?,
    };
    Ok(DataType { kind, nullable })
}

fn read_field(json: Json<'_>, depth: usize) -> Result<DataField> {
    let [name, data_type, description, id] =
        json.fields(["name", "field_type", "description", "field_id"])?;
    let mut field = DataField::new(name.string()?, read_nested(data_type.required()?, depth)?);
    if let Some(description) = description.optional_string()? {
        field = field.with_description(description);
    }
    Ok(match id.optional_integer()? {
        Some(id) => field.with_field_id(id),
        None => field,
    })
}
