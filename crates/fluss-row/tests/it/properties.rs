//! Random types and rows: what is encoded decodes to the same, and what does not fit is refused
//! by name.

use std::fmt::Debug;

use fluss_metadata::{DataType, DataTypes, RowType};
use fluss_row::key::{KeyEncoder, KeyEncoding};
use fluss_row::{
    DataGetters, Date, Datum, Decimal, FlussArray, FlussMap, GenericRow, ProjectedRow, RowEncoder,
    RowError, RowFormat, Time, TimestampLtz, TimestampNtz,
};

use crate::hostile::Noise;
use crate::support::same_row;

const FORMATS: [RowFormat; 3] = [RowFormat::Compacted, RowFormat::Indexed, RowFormat::Aligned];

fn random_type(noise: &mut Noise, depth: usize) -> DataType {
    let plain = match noise.below(if depth < 3 { 21 } else { 18 }) {
        0 => DataTypes::boolean(),
        1 => DataTypes::tinyint(),
        2 => DataTypes::smallint(),
        3 => DataTypes::int(),
        4 => DataTypes::bigint(),
        5 => DataTypes::float(),
        6 => DataTypes::double(),
        7 => DataTypes::char(1 + noise.below(12) as u32),
        8 | 9 => DataTypes::string(),
        10 => DataTypes::binary(1 + noise.below(12) as u32),
        11 => DataTypes::bytes(),
        12 | 13 => {
            let precision = 1 + noise.below(38) as u32;
            DataTypes::decimal(precision, noise.below(precision as usize + 1) as u32)
        }
        14 => DataTypes::date(),
        15 => DataTypes::time_with_precision(noise.below(10) as u32),
        16 => DataTypes::timestamp_with_precision(noise.below(10) as u32),
        17 => DataTypes::timestamp_ltz_with_precision(noise.below(10) as u32),
        18 => DataTypes::array(random_type(noise, depth + 1)),
        19 => DataTypes::map(
            random_type(noise, 3).as_non_nullable(),
            random_type(noise, depth + 1),
        ),
        _ => {
            let count = noise.below(4);
            DataTypes::row_from_types((0..count).map(|_| random_type(noise, depth + 1)).collect())
        }
    };
    if noise.below(3) == 0 {
        plain.as_non_nullable()
    } else {
        plain
    }
}

fn random_text(noise: &mut Noise, max_bytes: usize) -> String {
    let mut text = String::new();
    loop {
        let next = ["a", "Z", "7", " ", "é", "漢", "🚀", "\u{1}"][noise.below(8)];
        if text.len() + next.len() > max_bytes || noise.below(12) == 0 {
            return text;
        }
        text.push_str(next);
    }
}

fn random_value(noise: &mut Noise, data_type: &DataType) -> Datum<'static> {
    use fluss_metadata::DataTypeKind as Kind;
    if data_type.is_nullable() && noise.below(5) == 0 {
        return Datum::Null;
    }
    // Small numbers are as frequent as large ones.
    let shift = noise.below(64);
    let number = (noise.next() as i64) >> shift;
    let nanos = |noise: &mut Noise, precision: u32| {
        if precision <= 3 {
            0
        } else {
            noise.below(1_000_000) as i32
        }
    };
    match data_type.kind() {
        Kind::Boolean => (number & 1 == 0).into(),
        Kind::TinyInt => (number as i8).into(),
        Kind::SmallInt => (number as i16).into(),
        Kind::Int => (number as i32).into(),
        Kind::BigInt => number.into(),
        Kind::Float => f32::from_bits(number as u32).into(),
        Kind::Double => f64::from_bits(number as u64).into(),
        Kind::Char { length } => random_text(noise, *length as usize).into(),
        Kind::String => random_text(noise, 40).into(),
        Kind::Binary { length } => (0..*length)
            .map(|_| noise.next() as u8)
            .collect::<Vec<_>>()
            .into(),
        Kind::Bytes => (0..noise.below(40))
            .map(|_| noise.next() as u8)
            .collect::<Vec<_>>()
            .into(),
        Kind::Decimal { precision, scale } => {
            let wide = (i128::from(number) << 64) | i128::from(noise.next());
            let limit = 10_i128.pow(*precision);
            Decimal::from_unscaled(wide % limit, *precision, *scale)
                .unwrap()
                .into()
        }
        Kind::Date => Date::new(number as i32).into(),
        Kind::Time { .. } => Time::new(number as i32).into(),
        Kind::Timestamp { precision } => {
            TimestampNtz::from_millis_nanos(number, nanos(noise, *precision))
                .unwrap()
                .into()
        }
        Kind::TimestampLtz { precision } => {
            TimestampLtz::from_millis_nanos(number, nanos(noise, *precision))
                .unwrap()
                .into()
        }
        Kind::Array(element) => {
            let count = noise.below(6);
            Datum::Array((0..count).map(|_| random_element(noise, element)).collect())
        }
        Kind::Map { key, value } => {
            let count = noise.below(6);
            let entries =
                (0..count).map(|_| (random_element(noise, key), random_element(noise, value)));
            Datum::Map(entries.collect::<FlussMap<'_>>())
        }
        Kind::Row(row_type) => Datum::Row(random_row(noise, row_type)),
    }
}

/// A value of an array or a map, where every NaN is written as the plain one.
fn random_element(noise: &mut Noise, data_type: &DataType) -> Datum<'static> {
    match random_value(noise, data_type) {
        Datum::Float(number) if number.is_nan() => Datum::Float(f32::NAN),
        Datum::Double(number) if number.is_nan() => Datum::Double(f64::NAN),
        other => other,
    }
}

fn random_row(noise: &mut Noise, row_type: &RowType) -> GenericRow<'static> {
    row_type
        .fields()
        .iter()
        .map(|field| random_value(noise, field.data_type()))
        .collect()
}

fn random_row_type(noise: &mut Noise) -> RowType {
    let columns = noise.below(20);
    RowType::new(
        (0..columns)
            .map(|i| DataTypes::field(format!("c{i}"), random_type(noise, 0)))
            .collect(),
    )
}

#[test]
fn rows_come_back_as_they_went_in() {
    let mut noise = Noise::new(11);
    for _ in 0..1_500 {
        let row_type = random_row_type(&mut noise);
        for format in FORMATS {
            let encoder = RowEncoder::new(format, &row_type).unwrap();
            let reader = encoder.decoder();
            for _ in 0..4 {
                let row = random_row(&mut noise, &row_type);
                let mut out = Vec::new();
                encoder.encode(&row, &mut out).unwrap();
                let decoded = reader.decode(out.clone().into()).unwrap();
                assert!(same_row(&decoded, &row, false), "{decoded:?}\n{row:?}");
                let mut values = GenericRow::default();
                reader.decode_values(&out, &mut values).unwrap();
                assert!(same_row(&values, &row, false), "{values:?}\n{row:?}");
                let mut again = Vec::new();
                encoder.encode(&decoded, &mut again).unwrap();
                assert_eq!(again, out);
            }
        }
    }
}

#[test]
fn a_key_of_a_prefix_is_a_prefix_of_the_key() {
    let mut noise = Noise::new(12);
    for _ in 0..500 {
        let columns = 2 + noise.below(5);
        let types: Vec<DataType> = (0..columns)
            .map(|_| random_type(&mut noise, 3).as_non_nullable())
            .collect();
        let names: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
        let fields = names
            .iter()
            .zip(&types)
            .map(|(name, data_type)| DataTypes::field(name.as_str(), data_type.clone()));
        let row_type = RowType::new(fields.collect());
        let row = random_row(&mut noise, &row_type);
        let key = |columns: &[String]| {
            let mut key = Vec::new();
            KeyEncoder::new(KeyEncoding::Compacted, &row_type, columns)
                .unwrap()
                .encode(&row, &mut key)
                .unwrap();
            key
        };
        let whole = key(&names);
        for count in 0..columns {
            assert!(whole.starts_with(&key(&names[..count])));
        }
    }
}

fn one_column(data_type: DataType) -> RowType {
    RowType::new(vec![DataTypes::field("c", data_type)])
}

fn encode(data_type: &DataType, value: impl Into<Datum<'static>>) -> Result<(), RowError> {
    let value = value.into();
    let mut outcome = Ok(());
    for format in FORMATS {
        let row = GenericRow::from_data(vec![value.clone()]);
        let mut out = vec![1, 2, 3];
        let result =
            RowEncoder::new(format, &one_column(data_type.clone()))?.encode(&row, &mut out);
        assert_eq!(
            result.is_err(),
            out == [1, 2, 3],
            "an error leaves the buffer as it was"
        );
        outcome = result;
    }
    outcome
}

fn message(result: Result<(), RowError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn values_that_do_not_fit_are_refused_by_the_name_of_their_column() {
    for (data_type, value, expected) in [
        (
            DataTypes::int(),
            Datum::from("x"),
            r#"column "c" (position 0) holds STRING, expected INT"#,
        ),
        (
            DataTypes::int(),
            Datum::from(1.5),
            r#"column "c" (position 0) holds DOUBLE, expected INT"#,
        ),
        (
            DataTypes::tinyint(),
            Datum::from(300),
            r#"column "c" (position 0): 300 does not fit into TINYINT"#,
        ),
        (
            DataTypes::int(),
            Datum::from(1_i64 << 40),
            r#"column "c" (position 0): 1099511627776 does not fit into INT"#,
        ),
        (
            DataTypes::string(),
            Datum::from(1),
            r#"column "c" (position 0) holds INT, expected STRING"#,
        ),
        (
            DataTypes::float(),
            Datum::from(1.5_f64),
            r#"column "c" (position 0) holds DOUBLE, expected FLOAT"#,
        ),
        (
            DataTypes::string().as_non_nullable(),
            Datum::Null,
            r#"column "c" (position 0) is null, but its type is STRING NOT NULL"#,
        ),
        (
            DataTypes::decimal(4, 2),
            Datum::from("123.45".parse::<Decimal>().unwrap()),
            r#"column "c" (position 0): 123.45 does not fit into DECIMAL(4, 2)"#,
        ),
        (
            DataTypes::decimal(10, 1),
            Datum::from("123.45".parse::<Decimal>().unwrap()),
            r#"column "c" (position 0): 123.45 does not fit into DECIMAL(10, 1)"#,
        ),
        (
            DataTypes::array(DataTypes::int()),
            Datum::from(vec!["x"]),
            r#"column "c[0]" (position 0) holds STRING, expected INT"#,
        ),
        (
            DataTypes::row(vec![DataTypes::field(
                "inner",
                DataTypes::array(DataTypes::int().as_non_nullable()),
            )]),
            Datum::from(GenericRow::from_data(vec![vec![Some(1), None]])),
            r#"column "c.inner[1]" (position 0) is null, but its type is INT NOT NULL"#,
        ),
        (
            DataTypes::map(DataTypes::string(), DataTypes::int()),
            Datum::from(vec![(None::<&str>, 1)]),
            r#"column "c[0]" (position 0) is null, but its type is STRING NOT NULL"#,
        ),
    ] {
        assert_eq!(message(encode(&data_type, value)), expected);
    }
}

#[test]
fn values_convert_where_nothing_gets_lost() {
    for (data_type, value) in [
        (DataTypes::bigint(), Datum::from(1)),
        (DataTypes::tinyint(), Datum::from(-128_i64)),
        (DataTypes::smallint(), Datum::from(1_i8)),
        (DataTypes::double(), Datum::from(1.5_f32)),
        (DataTypes::char(3), Datum::from("abc")),
        (
            DataTypes::decimal(10, 2),
            Datum::from("1.5".parse::<Decimal>().unwrap()),
        ),
        (
            DataTypes::decimal(10, 2),
            Datum::from("1.500".parse::<Decimal>().unwrap()),
        ),
        (DataTypes::decimal(30, 2), Datum::from(Decimal::from(7))),
        (DataTypes::string(), Datum::from(None::<String>)),
    ] {
        encode(&data_type, value).unwrap();
    }
}

#[test]
fn rows_of_another_width_are_refused() {
    let row_type = RowType::new(vec![
        DataTypes::field("a", DataTypes::int()),
        DataTypes::field("b", DataTypes::int()),
    ]);
    for format in FORMATS {
        let encoder = RowEncoder::new(format, &row_type).unwrap();
        for width in [0, 1, 3] {
            let error = encoder
                .encode(&GenericRow::new(width), &mut Vec::new())
                .unwrap_err();
            assert!(
                matches!(error, RowError::FieldCount { expected: 2, .. }),
                "{error}"
            );
        }
        let mut row = GenericRow::new(2);
        row.set_field(2, 1);
        encoder.encode(&row, &mut Vec::new()).unwrap_err();
        let mut row = GenericRow::new(1);
        row.set_field(1, 1);
        encoder.encode(&row, &mut Vec::new()).unwrap_err();
    }
    let mut row = GenericRow::new(1);
    assert!(matches!(
        row.try_set_field(1, 1),
        Err(RowError::FieldOutOfRange {
            position: 1,
            field_count: 1
        })
    ));
}

#[test]
fn null_key_columns_are_refused_by_name() {
    let row_type = RowType::new(vec![
        DataTypes::field("id", DataTypes::int().as_non_nullable()),
        DataTypes::field("name", DataTypes::string().as_non_nullable()),
    ]);
    let row = GenericRow::from_data(vec![Datum::from(1), Datum::Null]);
    for encoding in [
        KeyEncoding::Compacted,
        KeyEncoding::Paimon,
        KeyEncoding::Hudi,
    ] {
        let encoder = KeyEncoder::new(encoding, &row_type, &["id", "name"]).unwrap();
        let error = encoder
            .encode(&row, &mut Vec::new())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"name\"") && error.contains("null"),
            "{encoding:?}: {error}"
        );
    }
    let encoder = KeyEncoder::new(KeyEncoding::Iceberg, &row_type, &["name"]).unwrap();
    let error = encoder
        .encode(&row, &mut Vec::new())
        .unwrap_err()
        .to_string();
    assert!(error.contains("\"name\""), "{error}");
    KeyEncoder::new(KeyEncoding::Compacted, &row_type, &["nope"]).unwrap_err();
}

#[test]
fn getters_of_decoded_rows_name_the_column() {
    let row_type = RowType::new(vec![
        DataTypes::field("id", DataTypes::int()),
        DataTypes::field("name", DataTypes::string()),
    ]);
    let encoder = RowEncoder::new(RowFormat::Compacted, &row_type).unwrap();
    let mut out = Vec::new();
    encoder
        .encode(
            &GenericRow::from_data(vec![Datum::from(5), Datum::Null]),
            &mut out,
        )
        .unwrap();
    let row = encoder.decoder().decode(out.into()).unwrap();
    assert_eq!(format!("{row:?}"), "(5, null)");
    assert_eq!(row.try_get::<i32>("id").unwrap(), 5);
    assert_eq!(row.try_get::<Option<&str>>("name").unwrap(), None);
    let text = |result: Result<_, RowError>| result.map(|_: &str| ()).unwrap_err().to_string();
    assert_eq!(
        text(row.try_get::<&str>("name")),
        r#"column "name" (position 1) is null"#
    );
    assert_eq!(
        text(row.try_get::<&str>(0)),
        r#"column "id" (position 0) holds INT, expected STRING"#
    );
    assert_eq!(
        text(row.try_get::<&str>("nope")),
        r#"the row has no column named "nope""#
    );
    assert_eq!(
        text(row.try_get::<&str>(2)),
        "field 2 is out of range, the row has 2 fields"
    );
    let projected = ProjectedRow::new(row, vec![None, Some(0)]);
    assert_eq!(format!("{projected:?}"), "(null, 5)");
    assert_eq!(projected.get_int(1), 5);
    assert_eq!(projected.try_get::<i32>("id").unwrap(), 5);
}

#[test]
fn plain_values_become_data() {
    fn debug(value: impl Debug) -> String {
        format!("{value:?}")
    }
    let row = GenericRow::from_data(vec![
        Datum::from(1_i8),
        Datum::from("text"),
        Datum::from(&b"\x01\xff"[..]),
        Datum::from(vec![1_u8, 2]),
        Datum::from(bytes::Bytes::from_static(b"b")),
        Datum::from(vec![Some(1.5), None]),
        Datum::from(vec![("k", vec![1])]),
        Datum::from("1.50".parse::<Decimal>().unwrap()),
        Datum::from(GenericRow::from_data(vec![true])),
    ]);
    assert_eq!(
        debug(&row),
        r#"(1, "text", 0x01ff, 0x0102, 0x62, [1.5, null], {"k": [1]}, 1.50, (true))"#
    );
    assert_eq!(debug(GenericRow::new(0)), "()");
    assert_eq!(
        row.get_array(5).unwrap().to_vec::<Option<f64>>().unwrap(),
        [Some(1.5), None]
    );
    assert_eq!(row.clone().into_owned(), row);
    let owned: GenericRow<'static> = {
        let text = String::from("borrowed");
        GenericRow::from_data(vec![text.as_str()]).into_owned()
    };
    assert_eq!(owned.get_string(0), "borrowed");
    assert_eq!(FlussArray::from(vec![1, 2]).len(), 2);
    assert!(DataGetters::get_int(&row, 99).is_err());
}

#[test]
#[should_panic(expected = "field 7 is out of range")]
fn getters_that_return_values_panic_on_a_wrong_position() {
    GenericRow::new(1).get_int(7);
}
