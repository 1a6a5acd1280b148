//! JSON of types. Source: `DataTypeJsonSerde.java`.

use std::sync::Arc;

use serde_json::Value;

use super::{DataField, DataType, DataTypeKind, RowType};
use crate::error::Result;
use crate::json::{JsonObject, JsonWriter};

pub(crate) fn to_json(data_type: &DataType, json: &mut JsonWriter) {
    json.object(|json| {
        json.string_field("type", root(data_type.kind()));
        if !data_type.is_nullable() {
            json.key("nullable");
            json.boolean(false);
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
            | DataTypeKind::TimestampLtz { precision } => {
                json.number_field("precision", *precision)
            }
            DataTypeKind::Array(element) => {
                json.key("element_type");
                to_json(element, json);
            }
            DataTypeKind::Map { key, value } => {
                json.key("key_type");
                to_json(key, json);
                json.key("value_type");
                to_json(value, json);
            }
            DataTypeKind::Row(row) => {
                json.key("fields");
                json.array(|json| {
                    row.fields()
                        .iter()
                        .for_each(|field| field_to_json(field, json))
                });
            }
            _ => {}
        }
    });
}

fn field_to_json(field: &DataField, json: &mut JsonWriter) {
    json.object(|json| {
        json.string_field("name", field.name());
        json.key("field_type");
        to_json(field.data_type(), json);
        if let Some(description) = field.description() {
            json.string_field("description", description);
        }
        json.number_field("field_id", field.field_id().unwrap_or(-1));
    });
}

fn root(kind: &DataTypeKind) -> &'static str {
    match kind {
        DataTypeKind::Boolean => "BOOLEAN",
        DataTypeKind::TinyInt => "TINYINT",
        DataTypeKind::SmallInt => "SMALLINT",
        DataTypeKind::Int => "INTEGER",
        DataTypeKind::BigInt => "BIGINT",
        DataTypeKind::Float => "FLOAT",
        DataTypeKind::Double => "DOUBLE",
        DataTypeKind::Char { .. } => "CHAR",
        DataTypeKind::String => "STRING",
        DataTypeKind::Binary { .. } => "BINARY",
        DataTypeKind::Bytes => "BYTES",
        DataTypeKind::Decimal { .. } => "DECIMAL",
        DataTypeKind::Date => "DATE",
        DataTypeKind::Time { .. } => "TIME_WITHOUT_TIME_ZONE",
        DataTypeKind::Timestamp { .. } => "TIMESTAMP_WITHOUT_TIME_ZONE",
        DataTypeKind::TimestampLtz { .. } => "TIMESTAMP_WITH_LOCAL_TIME_ZONE",
        DataTypeKind::Array(_) => "ARRAY",
        DataTypeKind::Map { .. } => "MAP",
        DataTypeKind::Row(_) => "ROW",
    }
}

/// Reads a type. Its depth is bounded by what the JSON parser lets pass.
pub(crate) fn from_json(document: &'static str, value: &Value) -> Result<DataType> {
    let json = JsonObject::of(document, value)?;
    let nested = |key: &str| from_json(document, json.required(key)?).map(Arc::new);
    let kind = match json.string("type")? {
        "BOOLEAN" => DataTypeKind::Boolean,
        "TINYINT" => DataTypeKind::TinyInt,
        "SMALLINT" => DataTypeKind::SmallInt,
        "INTEGER" => DataTypeKind::Int,
        "BIGINT" => DataTypeKind::BigInt,
        "FLOAT" => DataTypeKind::Float,
        "DOUBLE" => DataTypeKind::Double,
        "CHAR" => DataTypeKind::Char {
            length: json.u32("length")?,
        },
        "STRING" => DataTypeKind::String,
        "BINARY" => DataTypeKind::Binary {
            length: json.u32("length")?,
        },
        "BYTES" => DataTypeKind::Bytes,
        "DECIMAL" => DataTypeKind::Decimal {
            precision: json.u32("precision")?,
            scale: json.u32("scale")?,
        },
        "DATE" => DataTypeKind::Date,
        "TIME_WITHOUT_TIME_ZONE" => DataTypeKind::Time {
            precision: json.u32("precision")?,
        },
        "TIMESTAMP_WITHOUT_TIME_ZONE" => DataTypeKind::Timestamp {
            precision: json.u32("precision")?,
        },
        "TIMESTAMP_WITH_LOCAL_TIME_ZONE" => DataTypeKind::TimestampLtz {
            precision: json.u32("precision")?,
        },
        "ARRAY" => DataTypeKind::Array(nested("element_type")?),
        "MAP" => DataTypeKind::Map {
            key: Arc::new(nested("key_type")?.as_non_nullable()),
            value: nested("value_type")?,
        },
        "ROW" => DataTypeKind::Row(RowType::new(
            json.array("fields")?
                .iter()
                .map(|field| field_from_json(document, field))
                .collect::<Result<_>>()?,
        )),
        _ => return Err(json.wrong("type", "the name of a type")),
    };
    let nullable = match json.get("nullable") {
        None => true,
        Some(value) => value
            .as_bool()
            .ok_or_else(|| json.wrong("nullable", "true or false"))?,
    };
    let data_type = DataType { kind, nullable };
    data_type.validate(document)?;
    Ok(data_type)
}

fn field_from_json(document: &'static str, value: &Value) -> Result<DataField> {
    let json = JsonObject::of(document, value)?;
    let mut field = DataField::new(
        json.string("name")?,
        from_json(document, json.required("field_type")?)?,
    );
    if let Some(description) = json.optional_string("description")? {
        field = field.with_description(description);
    }
    Ok(match json.optional_i32("field_id")? {
        Some(id) => field.with_field_id(id),
        None => field,
    })
}
