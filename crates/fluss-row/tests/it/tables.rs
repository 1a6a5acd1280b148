//! Keys, buckets, partitions and schema evolution as whole tables have them.

use bytes::Bytes;
use fluss_metadata::{DataTypes, KvFormat, RowType, Schema, TableDescriptor, TableInfo, TablePath};
use fluss_row::key::{KeyEncoding, TableKeys};
use fluss_row::kv::{ValueDecoder, write_value};
use fluss_row::{
    ChangeType, Datum, GenericRow, InternalRow, PartitionNames, ProjectedRow, RowEncoder, RowError,
};

use crate::support::{data_type, each_case_of, value, vectors};

fn schema() -> Schema {
    Schema::builder()
        .column("score", DataTypes::double())
        .column("b", DataTypes::string())
        .column("a", DataTypes::int())
        .column("day", DataTypes::string())
        .primary_key(vec!["a", "day", "b"])
        .build()
        .unwrap()
}

fn table(
    schema: Schema,
    bucket_keys: &[&str],
    partition_keys: &[&str],
    properties: &[(&str, &str)],
) -> TableInfo {
    let mut descriptor = TableDescriptor::builder().schema(schema).bucket_count(10);
    if !bucket_keys.is_empty() {
        descriptor = descriptor.bucket_keys(bucket_keys.iter().copied());
    }
    descriptor = descriptor.partitioned_by(partition_keys.iter().copied());
    for (key, value) in properties {
        descriptor = descriptor.property(*key, *value);
    }
    TableInfo::new(
        TablePath::new("db", "t"),
        1,
        1,
        descriptor.build().unwrap(),
        0,
        0,
        None,
    )
    .unwrap()
}

fn whole_row() -> GenericRow<'static> {
    GenericRow::from_data(vec![
        Datum::from(1.5),
        Datum::from("text"),
        Datum::from(7),
        Datum::from("2024-01-01"),
    ])
}

fn key_and_bucket(keys: &TableKeys, row: &impl InternalRow) -> (Vec<u8>, Option<i32>) {
    let mut key = Vec::new();
    keys.encode_key(row, &mut key).unwrap();
    let bucket = keys.bucket(row, &key, &mut Vec::new()).unwrap();
    (key, bucket)
}

#[test]
fn a_lookup_finds_key_bucket_and_partition_of_the_written_row() {
    for (bucket_keys, properties) in [
        (&[][..], &[][..]),
        (&["a"], &[]),
        (
            &["a"],
            &[
                ("table.datalake.format", "paimon"),
                ("table.kv.format-version", "2"),
            ],
        ),
        (
            &[],
            &[
                ("table.datalake.format", "paimon"),
                ("table.kv.format-version", "2"),
            ],
        ),
        (&[], &[("table.datalake.format", "hudi")]),
        (
            &["a"],
            &[
                ("table.datalake.format", "iceberg"),
                ("table.kv.format-version", "2"),
            ],
        ),
    ] {
        let table = table(schema(), bucket_keys, &["day"], properties);
        let rows = TableKeys::of_rows(&table).unwrap();
        let lookups = TableKeys::of_lookups(&table).unwrap();
        let row = whole_row();
        let lookup = GenericRow::from_data(vec![
            Datum::from(7),
            Datum::from("2024-01-01"),
            Datum::from("text"),
        ]);
        assert_eq!(
            key_and_bucket(&rows, &row),
            key_and_bucket(&lookups, &lookup)
        );
        assert!(rows.has_bucket_key());
        assert_eq!(rows.partition().unwrap().name(&row).unwrap(), "2024-01-01");
        assert_eq!(
            lookups.partition().unwrap().name(&lookup).unwrap(),
            "2024-01-01"
        );
        if bucket_keys == ["a"] {
            let prefixes = TableKeys::of_prefix_lookups(&table, &["day", "a"]).unwrap();
            let prefix = GenericRow::from_data(vec![Datum::from("2024-01-01"), Datum::from(7)]);
            let (prefix_key, bucket) = key_and_bucket(&prefixes, &prefix);
            assert_eq!(bucket, key_and_bucket(&rows, &row).1, "{properties:?}");
            assert!(key_and_bucket(&rows, &row).0.starts_with(&prefix_key));
        } else {
            TableKeys::of_prefix_lookups(&table, &["day", "a", "b"]).unwrap_err();
        }
    }
}

#[test]
fn prefix_lookups_want_the_bucket_keys_in_order_and_the_partition_keys() {
    let table = table(schema(), &["a"], &["day"], &[]);
    for columns in [
        &["a"][..],
        &["day"],
        &["b", "day"],
        &["a", "b", "day"],
        &["a", "day", "day"],
        &["nope", "day"],
    ] {
        assert!(
            TableKeys::of_prefix_lookups(&table, columns).is_err(),
            "{columns:?}"
        );
    }
    TableKeys::of_prefix_lookups(&table, &["a", "day"]).unwrap();
}

#[test]
fn log_tables_have_no_key_and_perhaps_no_bucket() {
    let log = || {
        Schema::builder()
            .column("a", DataTypes::int())
            .column("b", DataTypes::string())
            .build()
            .unwrap()
    };
    let row = GenericRow::from_data(vec![Datum::from(1), Datum::from("x")]);
    let keys = TableKeys::of_rows(&table(log(), &[], &[], &[])).unwrap();
    assert_eq!(key_and_bucket(&keys, &row), (vec![], None));
    assert!(!keys.has_bucket_key());
    let keys = TableKeys::of_rows(&table(log(), &["a"], &[], &[])).unwrap();
    let (key, bucket) = key_and_bucket(&keys, &row);
    assert!(key.is_empty() && bucket.is_some());
    TableKeys::of_lookups(&table(log(), &["a"], &[], &[])).unwrap_err();
}

#[test]
fn an_unknown_key_format_is_refused() {
    let table = table(schema(), &[], &[], &[("table.kv.format-version", "3")]);
    assert!(matches!(
        TableKeys::of_rows(&table),
        Err(RowError::UnsupportedTable { .. })
    ));
}

#[test]
fn the_encoding_of_a_key_follows_lake_version_and_bucket_key() {
    let encoding = |bucket_keys: &[&str], properties: &[(&str, &str)]| {
        TableKeys::of_rows(&table(schema(), bucket_keys, &[], properties))
            .unwrap()
            .key()
            .unwrap()
            .encoding()
    };
    let paimon = [
        ("table.datalake.format", "paimon"),
        ("table.kv.format-version", "2"),
    ];
    assert_eq!(encoding(&[], &paimon), KeyEncoding::Paimon);
    assert_eq!(encoding(&["a"], &paimon), KeyEncoding::Compacted);
    assert_eq!(encoding(&["a"], &paimon[..1]), KeyEncoding::Paimon);
    assert_eq!(encoding(&[], &[]), KeyEncoding::Compacted);
}

#[test]
fn partition_names_are_those_of_java() {
    for case in vectors("partition_value") {
        let (Some(text), false) = (case["partition_value"].as_str(), case["value"].is_null())
        else {
            continue;
        };
        let row_type = RowType::new(vec![DataTypes::field("p", data_type(&case["type_json"]))]);
        let row = GenericRow::from_data(vec![value(&case["type_json"], &case["value"])]);
        let names = PartitionNames::new(&row_type, &["p"]).unwrap();
        assert_eq!(names.name(&row).unwrap(), text, "{}", case["name"]);
    }
}

#[test]
fn partition_values_are_joined_in_the_order_of_the_keys() {
    let row_type = RowType::new(vec![
        DataTypes::field("a", DataTypes::int()),
        DataTypes::field("b", DataTypes::string()),
        DataTypes::field("d", DataTypes::decimal(5, 2)),
    ]);
    let names = PartitionNames::new(&row_type, &["b", "a"]).unwrap();
    let row = GenericRow::from_data(vec![Datum::from(7), Datum::from("eu"), Datum::Null]);
    assert_eq!(names.name(&row).unwrap(), "eu$7");
    let error = names.name(&GenericRow::new(3)).unwrap_err().to_string();
    assert!(error.contains("\"b\""), "{error}");
    PartitionNames::new(&row_type, &["d"]).unwrap_err();
    PartitionNames::new(&row_type, &["nope"]).unwrap_err();
}

#[test]
fn old_values_are_read_with_a_newer_schema_and_the_other_way_round() {
    let old = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .primary_key(vec!["id"])
        .build()
        .unwrap();
    let new = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .column("age", DataTypes::int())
        .primary_key(vec!["id"])
        .build()
        .unwrap();
    for format in [KvFormat::Compacted, KvFormat::Indexed] {
        let encode = |schema: &Schema, id: i32, row: &GenericRow<'_>| {
            let mut bytes = Vec::new();
            RowEncoder::new(format, schema.row_type())
                .unwrap()
                .encode(row, &mut bytes)
                .unwrap();
            let mut value = Vec::new();
            write_value(id, &bytes, &mut value).unwrap();
            Bytes::from(value)
        };
        let old_value = encode(
            &old,
            1,
            &GenericRow::from_data(vec![Datum::from(1), Datum::from("a")]),
        );
        let new_value = encode(
            &new,
            2,
            &GenericRow::from_data(vec![Datum::from(2), Datum::from("b"), Datum::from(30)]),
        );

        let mut decoder = ValueDecoder::new(format, 2, &new).unwrap();
        assert!(matches!(
            decoder.decode(&old_value),
            Err(RowError::UnknownSchema { schema_id: 1 })
        ));
        assert!(!decoder.knows(1) && decoder.knows(2));
        decoder.add_schema(1, &old).unwrap();
        let row = decoder.decode(&old_value).unwrap();
        assert_eq!(format!("{row:?}"), r#"(1, "a", null)"#);
        assert_eq!(row.try_get::<Option<i32>>("age").unwrap(), None);
        assert_eq!(
            format!("{:?}", decoder.decode(&new_value).unwrap()),
            r#"(2, "b", 30)"#
        );

        let mut decoder = ValueDecoder::new(format, 1, &old).unwrap();
        decoder.add_schema(2, &new).unwrap();
        let row = decoder.decode(&new_value).unwrap();
        assert_eq!(format!("{row:?}"), r#"(2, "b")"#);
        assert_eq!(row.try_get::<i32>("id").unwrap(), 2);
        assert!(row.try_get::<i32>("age").is_err());
    }
    let changed = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .primary_key(vec!["id"])
        .build()
        .unwrap();
    let mut decoder = ValueDecoder::new(KvFormat::Compacted, 1, &old).unwrap();
    assert!(matches!(
        decoder.add_schema(2, &changed),
        Err(RowError::SchemaMismatch { .. })
    ));
}

#[test]
fn rows_of_some_columns_are_seen_by_name() {
    let row_type = schema().row_type().clone();
    let mut bytes = Vec::new();
    let encoder = RowEncoder::new(KvFormat::Compacted, &row_type).unwrap();
    encoder.encode(&whole_row(), &mut bytes).unwrap();
    let row = ProjectedRow::of_fields(encoder.decoder().decode(bytes.into()).unwrap(), &[2, 1]);
    assert_eq!((row.get_int(0), row.get_string(1)), (7, "text"));
    assert_eq!(row.try_get::<&str>("b").unwrap(), "text");
    assert!(
        row.try_get::<f64>("score").is_err(),
        "not among the columns"
    );
}

#[test]
fn change_types_have_the_names_and_bytes_of_java() {
    let is_ours = |name: &str| name == "record.ChangeType";
    each_case_of("enums", is_ours, |case| {
        let values = case["values"].as_array().unwrap();
        for value in values {
            let byte = value["method_toByteValue"].as_u64().unwrap() as u8;
            let change = ChangeType::from_byte(byte).unwrap();
            assert_eq!(change.to_byte(), byte);
            assert_eq!(change.short_string(), value["field_shortString"]);
            let name = value["name"].as_str().unwrap().replace('_', "");
            assert!(name.eq_ignore_ascii_case(&format!("{change:?}")), "{name}");
        }
        assert_eq!(ChangeType::from_byte(values.len() as u8), None);
    });
}
