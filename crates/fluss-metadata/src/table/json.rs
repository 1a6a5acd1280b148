//! JSON of table definitions. Source: `TableDescriptorJsonSerde.java`.

use std::borrow::Cow;

use super::TableDescriptor;
use crate::error::Result;
use crate::json::{JsonWriter, parse};
use crate::schema;

pub(super) fn to_json(table: &TableDescriptor) -> String {
    JsonWriter::document(|json| {
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
            json.optional_number_field("bucket_count", distribution.bucket_count().map(i64::from));
        }
        json.map_field("properties", table.properties());
        json.map_field("custom_properties", table.custom_properties());
    })
}

pub(super) fn from_json(text: &[u8]) -> Result<TableDescriptor> {
    let [
        schema,
        comment,
        partition_keys,
        bucket_keys,
        bucket_count,
        properties,
        custom_properties,
    ] = parse("table descriptor", text)?.fields([
        "schema",
        "comment",
        "partition_key",
        "bucket_key",
        "bucket_count",
        "properties",
        "custom_properties",
    ])?;
    let mut builder = TableDescriptor::builder()
        .schema(schema::read_json(schema.required()?)?)
        .partitioned_by(partition_keys.required()?.strings()?)
        .properties(properties.required()?.string_map()?)
        .custom_properties(custom_properties.required()?.string_map()?);
    if let Some(comment) = comment.optional_string()? {
        builder = builder.comment(Cow::into_owned(comment));
    }
    if bucket_keys.optional().is_some() || bucket_count.optional().is_some() {
        builder = builder.distributed_by(
            bucket_count.optional_integer()?,
            bucket_keys.required()?.strings()?,
        );
    }
    builder.assemble()
}
