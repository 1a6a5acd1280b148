//! JSON of schemas. Source: `SchemaJsonSerde.java`, `ColumnJsonSerde.java`.

use serde_json::Value;

use super::{AggFunction, Column, Schema, SchemaBuilder};
use crate::data_type;
use crate::error::Result;
use crate::json::{JsonObject, JsonWriter, parse};

const DOCUMENT: &str = "schema";

pub(super) fn to_json(schema: &Schema) -> String {
    let mut json = JsonWriter::default();
    write(schema, &mut json);
    json.finish()
}

/// Writes a schema into a larger document.
pub(crate) fn write(schema: &Schema, json: &mut JsonWriter) {
    json.object(|json| {
        json.number_field("version", 1);
        json.key("columns");
        json.array(|json| {
            schema
                .columns()
                .iter()
                .for_each(|column| write_column(column, json))
        });
        if let Some(key) = schema.primary_key() {
            json.strings_field("primary_key", key.column_names().iter().map(String::as_str));
        }
        if let Some(column) = schema.auto_increment_column() {
            json.strings_field("auto_increment_column", [column]);
        }
        json.number_field("highest_field_id", schema.highest_field_id());
    });
}

fn write_column(column: &Column, json: &mut JsonWriter) {
    json.object(|json| {
        json.string_field("name", column.name());
        json.key("data_type");
        data_type::to_json(column.data_type(), json);
        if let Some(comment) = column.comment() {
            json.string_field("comment", comment);
        }
        if let Some(function) = column.agg_function() {
            json.key("agg_function");
            json.object(|json| {
                json.string_field("type", function.function().name());
                if !function.parameters().is_empty() {
                    let entries = function.parameters().iter();
                    json.map_field("parameters", entries.map(|(k, v)| (k.as_str(), v.as_str())));
                }
            });
        }
        json.number_field("id", column.column_id());
    });
}

pub(super) fn from_json(text: &[u8]) -> Result<Schema> {
    read(&parse(DOCUMENT, text)?)
}

/// Reads a schema out of a larger document.
pub(crate) fn read(value: &Value) -> Result<Schema> {
    let json = JsonObject::of(DOCUMENT, value)?;
    let columns = json
        .array("columns")?
        .iter()
        .map(read_column)
        .collect::<Result<Vec<_>>>()?;
    let mut builder =
        SchemaBuilder::default().columns_with_ids(columns, json.optional_i32("highest_field_id")?);
    if json.has("primary_key") {
        builder = builder.primary_key(json.strings("primary_key")?);
    }
    if json.has("auto_increment_column") {
        for column in json.strings("auto_increment_column")? {
            builder = builder.enable_auto_increment(column);
        }
    }
    builder.build()
}

fn read_column(value: &Value) -> Result<Column> {
    let json = JsonObject::of("column", value)?;
    let aggregation = json.get("agg_function").map(read_aggregation).transpose()?;
    Ok(SchemaBuilder::make_column(
        json.string("name")?,
        data_type::from_json("column", json.required("data_type")?)?,
        json.optional_string("comment")?.map(str::to_owned),
        aggregation,
        json.optional_i32("id")?.unwrap_or(-1),
    ))
}

fn read_aggregation(value: &Value) -> Result<AggFunction> {
    let json = JsonObject::of("agg_function", value)?;
    let mut function = AggFunction::new(json.string("type")?.parse()?);
    if json.has("parameters") {
        for (name, value) in json.string_map("parameters")? {
            function = function.with_parameter(name, value);
        }
    }
    Ok(function)
}
