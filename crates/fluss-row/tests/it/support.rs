//! Golden data: reading the files, their types and their values.

use std::fmt::Write;

use fluss_metadata::{DataField, DataType, DataTypes, RowType};
use fluss_row::{
    DataGetters, Date, Datum, Decimal, FlussArray, FlussMap, GenericRow, Time, TimestampLtz,
    TimestampNtz,
};
use serde_json::Value;

/// The cases of a file of golden data.
pub fn vectors(file: &str) -> Vec<Value> {
    let path = format!(
        "{}/../../testdata/vectors/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// Runs every case of a file and says how many there were.
pub fn each_case(file: &str, run: impl FnMut(&Value)) {
    each_case_of(file, |_| true, run);
}

/// Runs the cases of a file whose names are wanted and says how many there were; tests elsewhere run the others.
pub fn each_case_of(file: &str, wanted: impl Fn(&str) -> bool, mut run: impl FnMut(&Value)) {
    let cases = vectors(file);
    let (mut ran, mut total) = (0, 0);
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        if !wanted(name) {
            continue;
        }
        total += 1;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(case)));
        assert!(outcome.is_ok(), "{file}: case {name} failed");
        ran += 1;
    }
    println!("vectors {file} {ran}/{total}");
    assert!(total > 0);
    assert_eq!(ran, total);
}

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn number(json: &Value, key: &str) -> u32 {
    json[key].as_u64().unwrap() as u32
}

pub fn data_type(json: &Value) -> DataType {
    let plain = match json["type"].as_str().unwrap() {
        "BOOLEAN" => DataTypes::boolean(),
        "TINYINT" => DataTypes::tinyint(),
        "SMALLINT" => DataTypes::smallint(),
        "INTEGER" => DataTypes::int(),
        "BIGINT" => DataTypes::bigint(),
        "FLOAT" => DataTypes::float(),
        "DOUBLE" => DataTypes::double(),
        "CHAR" => DataTypes::char(number(json, "length")),
        "STRING" => DataTypes::string(),
        "BINARY" => DataTypes::binary(number(json, "length")),
        "BYTES" => DataTypes::bytes(),
        "DECIMAL" => DataTypes::decimal(number(json, "precision"), number(json, "scale")),
        "DATE" => DataTypes::date(),
        "TIME_WITHOUT_TIME_ZONE" => DataTypes::time_with_precision(number(json, "precision")),
        "TIMESTAMP_WITHOUT_TIME_ZONE" => {
            DataTypes::timestamp_with_precision(number(json, "precision"))
        }
        "TIMESTAMP_WITH_LOCAL_TIME_ZONE" => {
            DataTypes::timestamp_ltz_with_precision(number(json, "precision"))
        }
        "ARRAY" => DataTypes::array(data_type(&json["element_type"])),
        "MAP" => DataTypes::map(data_type(&json["key_type"]), data_type(&json["value_type"])),
        "ROW" => DataTypes::row(fields(json)),
        other => panic!("type {other}"),
    };
    if json["nullable"] == Value::Bool(false) {
        plain.as_non_nullable()
    } else {
        plain
    }
}

fn fields(json: &Value) -> Vec<DataField> {
    let fields = json["fields"].as_array().unwrap();
    fields
        .iter()
        .map(|field| {
            DataTypes::field(
                field["name"].as_str().unwrap(),
                data_type(&field["field_type"]),
            )
        })
        .collect()
}

/// The row type of a case.
pub fn row_type(case: &Value) -> RowType {
    RowType::new(fields(&case["type_json"]))
}

fn long(json: &Value) -> i64 {
    json.as_str().unwrap().parse().unwrap()
}

fn bits(json: &Value) -> u64 {
    u64::from_str_radix(json.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

/// A value of the golden data, by the JSON of its type.
pub fn value(type_json: &Value, json: &Value) -> Datum<'static> {
    if json.is_null() {
        return Datum::Null;
    }
    match type_json["type"].as_str().unwrap() {
        "BOOLEAN" => json.as_bool().unwrap().into(),
        "TINYINT" => i8::try_from(json.as_i64().unwrap()).unwrap().into(),
        "SMALLINT" => i16::try_from(json.as_i64().unwrap()).unwrap().into(),
        "INTEGER" => i32::try_from(json.as_i64().unwrap()).unwrap().into(),
        "BIGINT" => long(json).into(),
        "FLOAT" => f32::from_bits(bits(json) as u32).into(),
        "DOUBLE" => f64::from_bits(bits(json)).into(),
        "CHAR" | "STRING" => json.as_str().unwrap().to_owned().into(),
        "BINARY" | "BYTES" => hex(json.as_str().unwrap()).into(),
        "DECIMAL" => {
            let unscaled: i128 = json.as_str().unwrap().parse().unwrap();
            Decimal::from_unscaled(
                unscaled,
                number(type_json, "precision"),
                number(type_json, "scale"),
            )
            .unwrap()
            .into()
        }
        "DATE" => Date::new(json.as_i64().unwrap() as i32).into(),
        "TIME_WITHOUT_TIME_ZONE" => Time::new(json.as_i64().unwrap() as i32).into(),
        "TIMESTAMP_WITHOUT_TIME_ZONE" => {
            TimestampNtz::from_millis_nanos(long(&json[0]), json[1].as_i64().unwrap() as i32)
                .unwrap()
                .into()
        }
        "TIMESTAMP_WITH_LOCAL_TIME_ZONE" => {
            TimestampLtz::from_millis_nanos(long(&json[0]), json[1].as_i64().unwrap() as i32)
                .unwrap()
                .into()
        }
        "ARRAY" => Datum::Array(array(type_json, json)),
        "MAP" => Datum::Map(map(type_json, json)),
        "ROW" => Datum::Row(row(type_json, json)),
        other => panic!("type {other}"),
    }
}

pub fn array(type_json: &Value, json: &Value) -> FlussArray<'static> {
    json.as_array()
        .unwrap()
        .iter()
        .map(|element| value(&type_json["element_type"], element))
        .collect()
}

pub fn map(type_json: &Value, json: &Value) -> FlussMap<'static> {
    let entries = json.as_array().unwrap().iter();
    entries
        .map(|entry| {
            (
                value(&type_json["key_type"], &entry[0]),
                value(&type_json["value_type"], &entry[1]),
            )
        })
        .collect()
}

/// A row of the golden data, by the JSON of its ROW type.
pub fn row(type_json: &Value, json: &Value) -> GenericRow<'static> {
    let fields = type_json["fields"].as_array().unwrap();
    let values = json.as_array().unwrap();
    assert_eq!(fields.len(), values.len());
    fields
        .iter()
        .zip(values)
        .map(|(field, json)| value(&field["field_type"], json))
        .collect()
}

/// Equal values, floats by their bits. Bytes may have zeros at their end that the other side lacks when
/// `padded`: BINARY in indexed rows.
pub fn same(left: &Datum<'_>, right: &Datum<'_>, padded: bool) -> bool {
    let arrays = |left: &FlussArray<'_>, right: &FlussArray<'_>| {
        left.len() == right.len()
            && left
                .iter()
                .zip(right.iter())
                .all(|(left, right)| same(&left.unwrap(), &right.unwrap(), padded))
    };
    match (left, right) {
        (Datum::Float(left), Datum::Float(right)) => left.to_bits() == right.to_bits(),
        (Datum::Double(left), Datum::Double(right)) => left.to_bits() == right.to_bits(),
        (Datum::Bytes(left), Datum::Bytes(right)) if padded => {
            let common = left.len().min(right.len());
            left[..common] == right[..common]
                && left[common..]
                    .iter()
                    .chain(&right[common..])
                    .all(|byte| *byte == 0)
        }
        (Datum::Array(left), Datum::Array(right)) => arrays(left, right),
        (Datum::Map(left), Datum::Map(right)) => {
            arrays(left.keys(), right.keys()) && arrays(left.values(), right.values())
        }
        (Datum::Row(left), Datum::Row(right)) => same_row(left, right, padded),
        (left, right) => left == right,
    }
}

/// Equal rows, read field by field.
pub fn same_row<L: DataGetters, R: DataGetters>(left: &L, right: &R, padded: bool) -> bool {
    left.field_count() == right.field_count()
        && (0..left.field_count()).all(|pos| {
            same(
                &left.datum(pos).unwrap(),
                &right.datum(pos).unwrap(),
                padded,
            )
        })
}
