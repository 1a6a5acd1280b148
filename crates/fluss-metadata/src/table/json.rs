//! JSON of table definitions. Source: `TableDescriptorJsonSerde.java`.

use super::TableDescriptor;
use crate::error::Result;
use crate::json::{JsonObject, JsonWriter, parse};
use crate::schema;

const DOCUMENT: &str = "table descriptor";

pub(super) fn to_json(table: &TableDescriptor) -> String {
    let mut json = JsonWriter::default();
    json.object(|json| {
        json.number_field("version", 1);
        json.key("schema");
        schema::write_json(table.schema(), json);
        if let Some(comment) = table.comment() {
            json.string_field("comment", comment);
        }
        json.strings_field(
            "partition_key",
            table.partition_keys().iter().map(String::as_str),
        );
        if let Some(distribution) = table.distribution() {
            json.strings_field(
                "bucket_key",
                distribution.bucket_keys().iter().map(String::as_str),
            );
            if let Some(count) = distribution.bucket_count() {
                json.number_field("bucket_count", count);
            }
        }
        json.map_field(
            "properties",
            table
                .properties()
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str())),
        );
        json.map_field(
            "custom_properties",
            table
                .custom_properties()
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str())),
        );
    });
    json.finish()
}

pub(super) fn from_json(text: &[u8]) -> Result<TableDescriptor> {
    let value = parse(DOCUMENT, text)?;
    let json = JsonObject::of(DOCUMENT, &value)?;
    let mut builder = TableDescriptor::builder()
        .schema(schema::read_json(json.required("schema")?)?)
        .partitioned_by(json.strings("partition_key")?)
        .properties(json.string_map("properties")?)
        .custom_properties(json.string_map("custom_properties")?);
    if let Some(comment) = json.optional_string("comment")? {
        builder = builder.comment(comment);
    }
    if json.has("bucket_key") || json.has("bucket_count") {
        builder = builder.distributed_by(
            json.optional_i32("bucket_count")?,
            json.strings("bucket_key")?,
        );
    }
    builder.build()
}
