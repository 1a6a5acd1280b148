//! The records of a log segment as JSON.

use std::error::Error;

use bytes::Bytes;
use fluss_metadata::{ArrowCompression, DataTypes, LogFormat, Schema};
use fluss_row::log::{ArrowLogBatchBuilder, LogBatches, ReadContext};
use fluss_row::{ChangeType, Datum, GenericRow, InternalRow};
use serde_json::{Map, Value, json};

/// One line for each record of the segment.
pub(crate) fn dump(
    schema: &Schema,
    format: LogFormat,
    segment: Bytes,
) -> Result<Vec<String>, Box<dyn Error>> {
    let context = ReadContext::new(format, schema.row_type())?;
    let mut lines = Vec::new();
    let mut batches = LogBatches::new(segment);
    for batch in &mut batches {
        let batch = batch?;
        batch.verify_crc()?;
        for record in batch.read(&context)?.records() {
            let mut row = Map::new();
            for (position, field) in schema.row_type().fields().iter().enumerate() {
                row.insert(
                    field.name().to_owned(),
                    to_json(&record.row.try_get::<Datum<'_>>(position)?),
                );
            }
            let line = json!({"offset": record.offset, "timestamp": record.timestamp, "change": record.change_type.short_string(), "row": row});
            lines.push(line.to_string());
        }
    }
    match batches.cut_bytes() {
        0 => Ok(lines),
        bytes => Err(format!(
            "{bytes} bytes from byte {} on are no whole batch",
            batches.position()
        )
        .into()),
    }
}

/// Numbers and texts as they are; what JSON has no form for, as text.
fn to_json(value: &Datum<'_>) -> Value {
    match value {
        Datum::Null => Value::Null,
        Datum::Boolean(value) => json!(value),
        Datum::TinyInt(value) => json!(value),
        Datum::SmallInt(value) => json!(value),
        Datum::Int(value) => json!(value),
        Datum::BigInt(value) => json!(value),
        Datum::Float(value) => json!(value),
        Datum::Double(value) => json!(value),
        Datum::String(value) => json!(value),
        Datum::Bytes(value) => json!(to_hex(value)),
        Datum::Decimal(value) => json!(value.to_string()),
        Datum::Date(value) => json!(value.to_string()),
        Datum::Time(value) => json!(value.to_string()),
        Datum::Timestamp(value) => json!(value.to_string()),
        Datum::TimestampLtz(value) => json!(value.to_string()),
        Datum::Array(array) => array
            .iter()
            .map(|element| element.map_or(Value::Null, |element| to_json(&element)))
            .collect(),
        Datum::Map(map) => map
            .iter()
            .flatten()
            .map(|(key, value)| json!([to_json(&key), to_json(&value)]))
            .collect(),
        Datum::Row(row) => row.to_generic().map_or(Value::Null, |row| {
            row.values().iter().map(to_json).collect()
        }),
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A segment of one batch.
pub(crate) fn sample() -> Result<(Schema, Bytes), Box<dyn Error>> {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .build()?;
    let mut builder = ArrowLogBatchBuilder::new(schema.row_type(), 1, ArrowCompression::NONE)?
        .with_change_types();
    for (change, id, name) in [
        (ChangeType::Insert, 1_i64, "Alice"),
        (ChangeType::Delete, 1, "Alice"),
    ] {
        builder.append_change(
            change,
            &GenericRow::from_data(vec![Datum::from(id), Datum::from(name)]),
        )?;
    }
    Ok((schema, builder.build()?.bytes().clone()))
}
