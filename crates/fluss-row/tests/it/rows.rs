//! Rows, arrays and maps in their binary forms, against golden data.

use bytes::{Bytes, BytesMut};
use fluss_metadata::{DataTypes, RowType};
use fluss_row::key::{KeyEncoder, KeyEncoding};
use fluss_row::{
    ArrayCodec, BucketFunction, DataGetters, Datum, FlussArray, GenericRow, InternalRow, MapCodec,
    RowEncoder, RowFormat,
};
use serde_json::Value;

use crate::support::{
    array, data_type, each_case, hex, map, row, row_type, same, same_row, to_hex, value,
};

fn run_row(format: RowFormat, case: &Value) {
    let row_type = row_type(case);
    let encoder = RowEncoder::new(format, &row_type).unwrap();
    let written = row(&case["type_json"], &case["values"]);
    let mut out = vec![0xaa, 0xbb];
    let result = encoder.encode(&written, &mut out);
    if case.get("error").is_some() {
        result.unwrap_err();
        assert_eq!(out, [0xaa, 0xbb], "a refused row leaves nothing behind");
        return;
    }
    result.unwrap();
    assert_eq!(
        to_hex(&out[2..]),
        case["bytes"].as_str().unwrap(),
        "encoded"
    );
    let mut buffer = BytesMut::new();
    encoder.encode(&written, &mut buffer).unwrap();
    assert_eq!(buffer, &out[2..]);

    let reader = encoder.decoder();
    let decoded = reader.decode(buffer.freeze()).unwrap();
    let expected = match case.get("decoded") {
        Some(decoded) => row(&case["type_json"], decoded),
        None => written,
    };
    assert!(
        same_row(&decoded, &expected, true),
        "{decoded:?} is not {expected:?}"
    );
    // What was read is written back as the same bytes, from a row that borrows its nested values.
    let mut again = Vec::new();
    encoder.encode(&decoded, &mut again).unwrap();
    assert_eq!(
        to_hex(&again),
        case["bytes"].as_str().unwrap(),
        "encoded from a decoded row"
    );
    let owned = decoded.to_generic().unwrap().into_owned();
    drop(decoded);
    again.clear();
    encoder.encode(&owned, &mut again).unwrap();
    assert_eq!(
        to_hex(&again),
        case["bytes"].as_str().unwrap(),
        "encoded from an owned row"
    );
    assert_eq!(
        format!("{owned:?}"),
        format!("{:?}", reader.decode(Bytes::from(again)).unwrap())
    );
}

#[test]
fn compacted_rows_have_the_bytes_of_java() {
    each_case("row_compacted", |case| run_row(RowFormat::Compacted, case));
}

#[test]
fn indexed_rows_have_the_bytes_of_java() {
    each_case("row_indexed", |case| run_row(RowFormat::Indexed, case));
}

#[test]
fn aligned_rows_have_the_bytes_of_java() {
    each_case("row_aligned", |case| run_row(RowFormat::Aligned, case));
}

const FORMATS: [(RowFormat, &str); 3] = [
    (RowFormat::Compacted, "compacted"),
    (RowFormat::Indexed, "indexed"),
    (RowFormat::Aligned, "aligned"),
];

#[test]
fn arrays_have_the_bytes_of_java() {
    each_case("binary_array", |case| {
        for (format, key) in FORMATS {
            let codec = ArrayCodec::new(format, &data_type(&case["type_json"])).unwrap();
            let expected = array(&case["type_json"], &case["value"]);
            let mut out = Vec::new();
            codec.encode(&expected, &mut out).unwrap();
            assert_eq!(to_hex(&out), case[key].as_str().unwrap());
            let bytes = hex(case[key].as_str().unwrap());
            let decoded = codec.decode(&bytes).unwrap();
            assert!(same(
                &decoded.borrow().into(),
                &value(&case["type_json"], &case["value"]),
                true
            ));
            let mut again = Vec::new();
            codec.encode(&decoded.into_owned(), &mut again).unwrap();
            assert_eq!(again, bytes);
        }
    });
}

#[test]
fn maps_have_the_bytes_of_java() {
    each_case("binary_map", |case| {
        for (format, key) in FORMATS {
            let codec = MapCodec::new(format, &data_type(&case["type_json"])).unwrap();
            let expected = map(&case["type_json"], &case["value"]);
            let mut out = Vec::new();
            codec.encode(&expected, &mut out).unwrap();
            assert_eq!(to_hex(&out), case[key].as_str().unwrap());
            let decoded = codec.decode(&out).unwrap();
            assert!(same(
                &decoded.borrow().into(),
                &value(&case["type_json"], &case["value"]),
                true
            ));
            let mut again = Vec::new();
            codec.encode(&decoded.into_owned(), &mut again).unwrap();
            assert_eq!(again, out);
        }
    });
}

#[test]
fn a_row_decoded_in_place_of_another_reads_the_same() {
    each_case("row_compacted", |case| {
        let reader = fluss_row::compacted::CompactedDecoder::new(&row_type(case)).unwrap();
        let bytes = Bytes::from(hex(case["bytes"].as_str().unwrap()));
        let mut decoded = reader.decode(bytes.clone()).unwrap();
        decoded.decode_next(bytes.clone()).unwrap();
        assert!(same_row(&decoded, &reader.decode(bytes).unwrap(), false));
        assert_eq!(
            decoded.field_count(),
            case["values"].as_array().unwrap().len()
        );
    });
}

#[test]
fn rows_and_keys_allocate_nothing_once_there_is_room() {
    for columns in [4, 40] {
        let fields = (0..columns).map(|i| {
            let text = ["BIGINT", "INT", "DOUBLE", "STRING"][i % 4];
            DataTypes::field(format!("c{i}"), text.parse().unwrap())
        });
        let row_type = RowType::new(fields.collect());
        let row: GenericRow<'_> = (0..columns)
            .map(|i| match i % 4 {
                0 => Datum::from(1_234_567_890_123_i64),
                1 => Datum::from(123_456),
                2 => Datum::from(0.5),
                _ => Datum::from("twenty bytes of text"),
            })
            .collect();
        let encoder = RowEncoder::new(RowFormat::Compacted, &row_type).unwrap();
        let decoder = encoder.decoder();
        let keys = KeyEncoder::new(KeyEncoding::Compacted, &row_type, &["c0"]).unwrap();
        let mut out = Vec::new();
        encoder.encode(&row, &mut out).unwrap();
        let bytes = Bytes::from(out.clone());
        let mut shared = decoder.decode(bytes.clone()).unwrap();
        let mut values = GenericRow::new(columns);
        decoder.decode_values(&bytes, &mut values).unwrap();
        let mut key = Vec::with_capacity(64);
        let used = allocation_counter::measure(|| {
            for _ in 0..100 {
                out.clear();
                encoder.encode(&row, &mut out).unwrap();
                decoder.decode_values(&bytes, &mut values).unwrap();
                shared.decode_next(bytes.clone()).unwrap();
                assert_eq!(
                    values.get_string(columns - 1),
                    shared.get_string(columns - 1)
                );
                key.clear();
                keys.encode(&row, &mut key).unwrap();
                BucketFunction::Fluss.bucket(&key, 16).unwrap();
            }
        });
        assert_eq!(used.count_total, 0, "{columns} columns");
    }
}

#[test]
fn a_nan_in_an_array_is_written_as_the_plain_one_and_in_a_row_keeps_its_bits() {
    let floats = ArrayCodec::new(RowFormat::Compacted, &"ARRAY<FLOAT>".parse().unwrap()).unwrap();
    let array: FlussArray<'_> = vec![
        Datum::from(f32::from_bits(0x7fbe_5aef)),
        Datum::from(1.5_f32),
    ]
    .into_iter()
    .collect();
    let mut out = Vec::new();
    floats.encode(&array, &mut out).unwrap();
    assert_eq!(to_hex(&out), "02000000000000000000c07f0000c03f");
    let doubles = ArrayCodec::new(RowFormat::Aligned, &"ARRAY<DOUBLE>".parse().unwrap()).unwrap();
    let array: FlussArray<'_> = [Datum::from(f64::from_bits(0xfff0_0000_0000_0001))]
        .into_iter()
        .collect();
    out.clear();
    doubles.encode(&array, &mut out).unwrap();
    assert_eq!(to_hex(&out), "0100000000000000000000000000f87f");
}
