//! Keys, buckets and the choice of encodings, against golden data.

use fluss_metadata::DataLakeFormat;
use fluss_row::key::{KeyEncoder, KeyEncoding};
use fluss_row::{BucketFunction, ProjectedRow};
use serde_json::Value;

use crate::support::{each_case, hex, row, row_type, to_hex};

fn names(json: &Value) -> Vec<&str> {
    json.as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect()
}

fn check_buckets(function: BucketFunction, key: &[u8], buckets: &Value) {
    if buckets.get("error").is_some() {
        function.bucket(key, 10).unwrap_err();
        return;
    }
    for (count, bucket) in buckets.as_object().unwrap() {
        let got = function.bucket(key, count.parse().unwrap()).unwrap();
        assert_eq!(Some(i64::from(got)), bucket.as_i64(), "bucket of {count}");
    }
}

fn run_key(lake: Option<DataLakeFormat>, case: &Value) {
    let row_type = row_type(case);
    let columns = names(&case["key_columns"]);
    let row = row(&case["type_json"], &case["values"]);
    let encoder = KeyEncoder::new(KeyEncoding::of_bucket_key(lake), &row_type, &columns);
    let mut key = vec![7];
    if case.get("error").is_some() {
        if let Ok(encoder) = encoder {
            encoder.encode(&row, &mut key).unwrap_err();
            assert_eq!(key, [7], "a refused key leaves nothing behind");
        }
        return;
    }
    let encoder = encoder.unwrap();
    encoder.encode(&row, &mut key).unwrap();
    assert_eq!(to_hex(&key[1..]), case["key"].as_str().unwrap());
    check_buckets(BucketFunction::for_lake(lake), &key[1..], &case["buckets"]);

    // A row of the key columns alone, as a lookup has it, has the same key.
    let positions: Vec<usize> = columns
        .iter()
        .map(|name| row_type.index_of(name).unwrap())
        .collect();
    let key_type = row_type.project(&positions).unwrap();
    let lookup = KeyEncoder::new(KeyEncoding::of_bucket_key(lake), &key_type, &columns).unwrap();
    let mut lookup_key = Vec::new();
    lookup
        .encode(&ProjectedRow::of_fields(row, &positions), &mut lookup_key)
        .unwrap();
    assert_eq!(lookup_key, &key[1..]);
}

#[test]
fn keys_without_a_lake() {
    each_case("key_none", |case| {
        run_key(None, case);
        run_key(Some(DataLakeFormat::Lance), case);
    });
}

#[test]
fn keys_of_paimon() {
    each_case("key_paimon", |case| {
        run_key(Some(DataLakeFormat::Paimon), case);
    });
}

#[test]
fn keys_of_iceberg() {
    each_case("key_iceberg", |case| {
        run_key(Some(DataLakeFormat::Iceberg), case);
    });
}

#[test]
fn keys_of_hudi() {
    each_case("key_hudi", |case| run_key(Some(DataLakeFormat::Hudi), case));
}

fn lake(properties: &Value) -> Option<DataLakeFormat> {
    properties
        .get("table.datalake.format")
        .map(|lake| match lake.as_str().unwrap() {
            "paimon" => DataLakeFormat::Paimon,
            "lance" => DataLakeFormat::Lance,
            "iceberg" => DataLakeFormat::Iceberg,
            "hudi" => DataLakeFormat::Hudi,
            other => panic!("lake {other}"),
        })
}

fn encoding_name(encoding: KeyEncoding) -> &'static str {
    match encoding {
        KeyEncoding::Compacted => "CompactedKeyEncoder",
        KeyEncoding::Paimon => "PaimonKeyEncoder",
        KeyEncoding::Iceberg => "IcebergKeyEncoder",
        KeyEncoding::Hudi => "HudiKeyEncoder",
        other => panic!("encoding {other:?}"),
    }
}

#[test]
fn tables_choose_their_encodings_as_java_does() {
    each_case("key_choice", |case| {
        let row_type = row_type(case);
        let row = row(&case["type_json"], &case["values"]);
        let columns = names(&case["key_columns"]);
        let lake = lake(&case["properties"]);
        let version = case["properties"]
            .get("table.kv.format-version")
            .map_or(1, |text| text.as_str().unwrap().parse().unwrap());
        let default = case["bucket_key_is_primary_key"].as_bool().unwrap();

        let primary = KeyEncoding::of_primary_key(lake, version, default)
            .and_then(|encoding| KeyEncoder::new(encoding, &row_type, &columns));
        if case.get("error").is_some() {
            primary.unwrap_err();
        } else {
            let primary = primary.unwrap();
            assert_eq!(
                encoding_name(primary.encoding()),
                case["primary_key_encoder"].as_str().unwrap()
            );
            let mut key = Vec::new();
            primary.encode(&row, &mut key).unwrap();
            assert_eq!(to_hex(&key), case["primary_key"].as_str().unwrap());
        }

        let bucket = KeyEncoder::new(KeyEncoding::of_bucket_key(lake), &row_type, &["f0"]).unwrap();
        assert_eq!(
            encoding_name(bucket.encoding()),
            case["bucket_key_encoder"].as_str().unwrap()
        );
        let mut key = Vec::new();
        bucket.encode(&row, &mut key).unwrap();
        assert_eq!(to_hex(&key), case["bucket_key"].as_str().unwrap());
        check_buckets(BucketFunction::for_lake(lake), &key, &case["buckets"]);
    });
}

#[test]
fn hashes_lead_to_the_buckets_of_java() {
    each_case("hash", |case| {
        // The hashes behind are checked next to the code.
        if let Some(input) = case.get("input") {
            let key = hex(input.as_str().unwrap());
            for (lake, buckets) in case["buckets"].as_object().unwrap() {
                let function = BucketFunction::for_lake(match lake.as_str() {
                    "none" => None,
                    "paimon" => Some(DataLakeFormat::Paimon),
                    "lance" => Some(DataLakeFormat::Lance),
                    "iceberg" => Some(DataLakeFormat::Iceberg),
                    other => panic!("lake {other}"),
                });
                check_buckets(function, &key, buckets);
            }
        }
    });
}

#[test]
fn no_buckets_is_an_error() {
    for count in [0, -1, i32::MIN] {
        for function in [
            BucketFunction::Fluss,
            BucketFunction::Paimon,
            BucketFunction::Iceberg,
            BucketFunction::Hudi,
        ] {
            function.bucket(&[1, 2, 3, 4], count).unwrap_err();
        }
    }
    BucketFunction::Hudi.bucket(&[1, 2, 3], 3).unwrap_err();
    BucketFunction::Hudi
        .bucket(&[1, 2, 3, 4, 5], 3)
        .unwrap_err();
}
