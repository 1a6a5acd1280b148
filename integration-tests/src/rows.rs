//! The rows of the interop tests, computed from their numbers as `java/src/main/java/interop/Rows.java` does: every
//! scalar type, nulls among them.

use std::fmt::{Display, Write as _};

/// Columns from here on may be null; those before are the primary key.
pub const FIRST_NULLABLE: usize = 2;

/// Names and types (as Fluss spells them) of the columns, all nullable in a log table; in a primary-key table the first
/// two are the key and `NOT NULL`.
pub const COLUMNS: [(&str, &str); 21] = [
    ("id", "BIGINT"),
    ("name", "STRING"),
    ("c_boolean", "BOOLEAN"),
    ("c_tinyint", "TINYINT"),
    ("c_smallint", "SMALLINT"),
    ("c_int", "INT"),
    ("c_bigint", "BIGINT"),
    ("c_float", "FLOAT"),
    ("c_double", "DOUBLE"),
    ("c_char", "CHAR(5)"),
    ("c_string", "STRING"),
    ("c_binary", "BINARY(4)"),
    ("c_bytes", "BYTES"),
    ("c_decimal", "DECIMAL(10, 2)"),
    ("c_decimal_wide", "DECIMAL(30, 5)"),
    ("c_date", "DATE"),
    ("c_time", "TIME(3)"),
    ("c_timestamp3", "TIMESTAMP(3)"),
    ("c_timestamp6", "TIMESTAMP(6)"),
    ("c_timestamp_ltz3", "TIMESTAMP(3) WITH LOCAL TIME ZONE"),
    ("c_timestamp_ltz9", "TIMESTAMP(9) WITH LOCAL TIME ZONE"),
];

/// One value, in plain Rust.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// `BOOLEAN`.
    Boolean(bool),
    /// `TINYINT`.
    TinyInt(i8),
    /// `SMALLINT`.
    SmallInt(i16),
    /// `INT`.
    Int(i32),
    /// `BIGINT`.
    BigInt(i64),
    /// `FLOAT`.
    Float(f32),
    /// `DOUBLE`.
    Double(f64),
    /// `CHAR` and `STRING`.
    Text(String),
    /// `BINARY` and `BYTES`.
    Bytes(Vec<u8>),
    /// `DECIMAL`: the unscaled number; precision and scale are the column's.
    Decimal(i128),
    /// `DATE`: days since 1970.
    Date(i32),
    /// `TIME`: milliseconds of the day.
    Time(i32),
    /// `TIMESTAMP`: milliseconds since 1970 and nanoseconds within.
    Timestamp(i64, i32),
    /// `TIMESTAMP_LTZ`: as `Timestamp`.
    TimestampLtz(i64, i32),
}

/// The values of row `i`, one a column; `i` is not negative.
pub fn row(i: i64) -> Vec<Value> {
    let columns = COLUMNS.iter().enumerate();
    columns
        .map(|(position, (name, _))| {
            let is_null = i % 11 == 10 || (i + position as i64) % 7 == 0;
            if position >= FIRST_NULLABLE && is_null {
                Value::Null
            } else {
                value(name, i)
            }
        })
        .collect()
}

fn value(column: &str, i: i64) -> Value {
    let odd = i % 2 == 1;
    let sign = if odd { -1 } else { 1 };
    let mixed = i.wrapping_mul(2_654_435_761) as i32;
    // After 1970 for even numbers, before it for odd ones, which then have whole milliseconds: the official client
    // cannot read parts of milliseconds before 1970 from Arrow batches.
    let millis = if odd {
        -i * 1001
    } else {
        1_600_000_000_000 + i * 1001
    };
    let nanos = |nanos: i64| if odd { 0 } else { nanos as i32 };
    match column {
        "id" => Value::BigInt(i),
        "name" => Value::Text(format!("key-{i}")),
        "c_boolean" => Value::Boolean(odd),
        "c_tinyint" => Value::TinyInt(i as i8),
        "c_smallint" => Value::SmallInt((i * 257) as i16),
        "c_int" => Value::Int(mixed),
        "c_bigint" => Value::BigInt(i.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)),
        "c_float" => Value::Float(sign as f32 * (i as f32 / 4.0)),
        "c_double" => Value::Double(-(sign as f64) * (i as f64 / 8.0)),
        "c_char" => Value::Text(format!("c{:04}", i % 10_000)),
        "c_string" => Value::Text(format!("µ{}{i}", "x".repeat((i % 20) as usize))),
        // No byte is zero: in indexed rows the official classes take zeros at the end for padding.
        "c_binary" => Value::Bytes((mixed | 0x0101_0101).to_be_bytes().to_vec()),
        "c_bytes" => Value::Bytes((0..i % 9).map(|j| (i + j) as u8).collect()),
        "c_decimal" => Value::Decimal(i128::from(i * 12_345 % 1_000_000_000 - 500_000_000)),
        "c_decimal_wide" => Value::Decimal((10_i128.pow(20) + 1) * i128::from(sign * i)),
        "c_date" => Value::Date((i % 40_000 - 10_000) as i32),
        "c_time" => Value::Time((i * 7919 % 86_400_000) as i32),
        "c_timestamp3" => Value::Timestamp(millis, 0),
        "c_timestamp6" => Value::Timestamp(millis, nanos(i % 1000 * 1000)),
        "c_timestamp_ltz3" => Value::TimestampLtz(millis, 0),
        "c_timestamp_ltz9" => Value::TimestampLtz(millis, nanos(i * 37 % 1_000_000)),
        _ => Value::Null,
    }
}

/// The JSON array that the Java program prints for these values: numbers of 64 bits and more as strings, floats as the
/// hex digits of their bits, bytes as hex.
pub fn json(row: &[Value]) -> String {
    let values = row.iter().map(|value| match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::TinyInt(value) => value.to_string(),
        Value::SmallInt(value) => value.to_string(),
        Value::Int(value) | Value::Date(value) | Value::Time(value) => value.to_string(),
        Value::BigInt(value) => quoted(value),
        Value::Float(value) => format!("\"{:#010x}\"", value.to_bits()),
        Value::Double(value) => format!("\"{:#018x}\"", value.to_bits()),
        Value::Text(value) => quoted(value),
        Value::Bytes(value) => quoted(hex(value)),
        Value::Decimal(value) => quoted(value),
        Value::Timestamp(millis, nanos) | Value::TimestampLtz(millis, nanos) => {
            format!("[\"{millis}\",{nanos}]")
        }
    });
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

/// Lowercase hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// None of the texts here holds a character that JSON escapes.
fn quoted(text: impl Display) -> String {
    format!("\"{text}\"")
}
