//! JSON of schemas. Source: `SchemaJsonSerde.java`, `ColumnJsonSerde.java`.

use std::borrow::Cow;

use super::{AggFunction, Column, Schema, SchemaBuilder};
use crate::data_type;
use crate::error::Result;
use crate::json::{Json, JsonWriter, parse};

pub(super) fn to_json(schema: &Schema) -> String {
    JsonWriter::document(|json| write_members(schema, json))
}

/// Writes a schema as part of a larger document.
pub(crate) fn write(schema: &Schema, json: &mut JsonWriter) {
    json.object(|json| write_members(schema, json));
}

fn write_members(schema: &Schema, json: &mut JsonWriter) {
    json.number_field("version", 1);
    json.array_field("columns", |json| {
        for column in schema.columns() {
            json.object(|json| write_column(column, json));
        }
    });
    if let Some(key) = schema.primary_key() {
        json.strings_field("primary_key", key.column_names().iter().map(String::as_str));
    }
    if let Some(column) = schema.auto_increment_column() {
        json.strings_field("auto_increment_column", [column]);
    }
    json.number_field("highest_field_id", schema.highest_field_id());
}

fn write_column(column: &Column, json: &mut JsonWriter) {
    json.string_field("name", column.name());
    json.key("data_type");
    data_type::write_json(column.data_type(), json);
    if let Some(comment) = column.comment() {
        json.string_field("comment", comment);
    }
    if let Some(function) = column.agg_function() {
        json.object_field("agg_function", |json| {
            json.string_field("type", function.function().name());
            if !function.parameters().is_empty() {
                json.map_field("parameters", function.parameters());
            }
        });
    }
    json.number_field("id", column.column_id());
}

pub(super) fn from_json(text: &[u8]) -> Result<Schema> {
    read(parse("schema", text)?)
}

/// Reads a schema from a larger document.
pub(crate) fn read(json: Json<'_>) -> Result<Schema> {
    let [columns, primary_key, auto_increment, highest] = json.fields([
        "columns",
        "primary_key",
        "auto_increment_column",
        "highest_field_id",
    ])?;
    let mut builder = SchemaBuilder::default().adopt(
        columns.required()?.list(read_column)?,
        highest.optional_integer()?,
    );
    if let Some(key) = primary_key.optional() {
        builder = builder.primary_key(key.strings()?);
    }
    if let Some(names) = auto_increment.optional() {
        for column in names.strings()? {
            builder = builder.enable_auto_increment(column);
        }
    }
    builder.build()
}

fn read_column(json: Json<'_>) -> Result<Column> {
    let [name, data_type, comment, function, id] =
        json.fields(["name", "data_type", "comment", "agg_function", "id"])?;
    Ok(SchemaBuilder::make_column(
        name.string()?.into(),
        data_type::read_json(data_type.required()?)?,
        comment.optional_string()?.map(Cow::into_owned),
        function.optional().map_or(Ok(None), read_aggregation)?,
        id.optional_integer()?.unwrap_or(-1),
    ))
}

/// An unknown function is skipped, as in the Java classes, because only the server needs it.
fn read_aggregation(json: Json<'_>) -> Result<Option<AggFunction>> {
    let [function, parameters] = json.fields(["type", "parameters"])?;
    let Ok(function) = function.string()?.parse() else {
        return Ok(None);
    };
    let function = AggFunction::new(function);
    Ok(Some(match parameters.optional() {
        Some(parameters) => function.with_parameters(parameters.string_map()?),
        None => function,
    }))
}
