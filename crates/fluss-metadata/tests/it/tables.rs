//! Table descriptors: builder, JSON, validation.

use fluss_metadata::{
    AggFunctionType, DataType, DataTypes, KvFormat, LogFormat, Schema, StatisticsColumns,
    TableDescriptor, TableDescriptorBuilder, TableInfo, TablePath, property,
};
use serde_json::Value;

use crate::golden::{run_all, text, texts};
use crate::schemas;

/// The golden tables that Java's builder lets pass and servers refuse; so does our builder, while documents are read.
const REFUSED_BY_SERVERS: &[&str] = &["err_bucket_zero", "err_bucket_key_dup", "kv_formats"];

fn pk_schema() -> Schema {
    Schema::builder()
        .column("a", DataTypes::int())
        .column("dt", DataTypes::string())
        .column("c", DataTypes::bigint())
        .primary_key(["a", "dt"])
        .build()
        .unwrap()
}

fn log_schema() -> Schema {
    Schema::builder()
        .column("a", DataTypes::int())
        .column("b", DataTypes::string())
        .build()
        .unwrap()
}

fn error_case(name: &str) -> TableDescriptorBuilder {
    let pk = || TableDescriptor::builder().schema(pk_schema());
    let log = || TableDescriptor::builder().schema(log_schema());
    let none: [&str; 0] = [];
    match name {
        "err_no_schema" => TableDescriptor::builder(),
        "err_partition_missing" => log().partitioned_by(["x"]),
        "err_partition_not_in_pk" => pk().partitioned_by(["c"]),
        "err_bucket_not_in_pk" => pk().distributed_by(Some(1), ["c"]),
        "err_bucket_missing" => log().distributed_by(Some(1), ["x"]),
        "err_bucket_contains_partition" => {
            pk().partitioned_by(["dt"]).distributed_by(Some(1), ["dt"])
        }
        "err_pk_all_partition" => pk()
            .partitioned_by(["a", "dt"])
            .distributed_by(Some(1), none),
        other => panic!("unknown case {other}"),
    }
}

fn strings(case: &Value) -> Vec<(String, String)> {
    let map = case.as_object().unwrap();
    map.iter()
        .map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()))
        .collect()
}

/// Java writes properties in the order of its hash maps: they are compared as maps, everything else as text.
fn assert_same_document(name: &str, ours: &str, java: &str) {
    let in_order = |text: &str| {
        let start = text.find("\"properties\":{").unwrap_or(text.len());
        text[..start].to_owned()
    };
    assert_eq!(in_order(ours), in_order(java), "{name}");
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(value(ours), value(java), "{name}");
}

fn check_fields(name: &str, table: &TableDescriptor, case: &Value) {
    assert_eq!(table.comment(), case["comment"].as_str(), "{name}");
    assert_eq!(
        table.partition_keys(),
        texts(&case["partition_keys"]),
        "{name}"
    );
    assert_eq!(table.bucket_keys(), texts(&case["bucket_keys"]), "{name}");
    assert_eq!(
        table.bucket_count().map(i64::from),
        case["bucket_count"].as_i64(),
        "{name}"
    );
    let pairs = |map: &std::collections::BTreeMap<String, String>| {
        map.iter()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        pairs(table.properties()),
        strings(&case["properties"]),
        "{name}"
    );
    assert_eq!(
        pairs(table.custom_properties()),
        strings(&case["custom_properties"]),
        "{name}"
    );
    if let Some(default) = case["is_default_bucket_key"].as_bool() {
        assert_eq!(table.is_default_bucket_key(), default, "{name}");
    }
}

#[test]
fn tables_are_built_and_written_as_by_java() {
    run_all("json_table_descriptor", |name, case| {
        if case.get("error").is_some() {
            assert!(error_case(name).build().is_err(), "{name}");
            return;
        }
        let json = text(case, "json");
        let parsed = TableDescriptor::from_json(json.as_bytes()).unwrap();
        check_fields(name, &parsed, case);
        assert_same_document(name, &parsed.to_json(), json);

        let mut builder = TableDescriptor::builder()
            .schema(schemas::build(&case["schema"]).unwrap())
            .partitioned_by(texts(&case["partition_keys"]))
            .properties(strings(&case["properties"]))
            .custom_properties(strings(&case["custom_properties"]));
        if let Some(comment) = case["comment"].as_str() {
            builder = builder.comment(comment);
        }
        let count = case["bucket_count"]
            .as_i64()
            .map(|n| i32::try_from(n).unwrap());
        if count.is_some() || case["bucket_keys"].is_array() {
            builder = builder.distributed_by(count, texts(&case["bucket_keys"]));
        }
        if REFUSED_BY_SERVERS.contains(&name) {
            assert!(builder.build().is_err(), "{name}");
            return;
        }
        let built = builder
            .build()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        check_fields(name, &built, case);
        assert_same_document(name, &built.to_json(), json);
        assert_eq!(built, parsed, "{name}");
        assert_eq!(built.to_builder().build().unwrap(), built, "{name}");
    });
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
#[test]
fn new_tables_are_checked_as_the_server_checks_them() {
    let pk = || TableDescriptor::builder().schema(pk_schema());
    let log = || TableDescriptor::builder().schema(log_schema());
    let with = |columns: &[(&str, DataType)]| {
        let builder = columns
            .iter()
            .fold(Schema::builder(), |builder, (name, data_type)| {
                builder.column(*name, data_type.clone())
            });
        TableDescriptor::builder().schema(builder.build().unwrap())
    };
    let array = || DataTypes::array(DataTypes::int());
    let pk_array = Schema::builder()
        .column("x", array())
        .primary_key(["x"])
        .build()
        .unwrap();
    let agg = Schema::builder()
        .column("k", DataTypes::int())
        .column_with_agg("v", DataTypes::string(), AggFunctionType::Sum)
        .primary_key(["k"])
        .build()
        .unwrap();
    let agg_table = || TableDescriptor::builder().schema(agg.clone());
    let auto = |builder: TableDescriptorBuilder| {
        builder.property(property::AUTO_PARTITION_ENABLED, "true")
    };
    let cases: Vec<(&str, TableDescriptorBuilder, &str)> = vec![
        ("no columns", with(&[]), "schema: got no columns"),
        (
            "reserved column",
            with(&[("__offset", DataTypes::int())]),
            "column \"__offset\": got a reserved name",
        ),
        (
            "no bucket",
            log().bucket_count(0),
            "bucket count: got 0, expected at least 1",
        ),
        (
            "bucket key twice",
            log().distributed_by(Some(2), ["a", "a"]),
            "bucket keys: got \"a\" twice",
        ),
        (
            "array as bucket key",
            with(&[("x", array())]).bucket_keys(["x"]),
            "bucket key, column \"x\": got ARRAY<INT>",
        ),
        (
            "array as primary key",
            TableDescriptor::builder().schema(pk_array),
            "column \"x\": got ARRAY<INT> NOT NULL",
        ),
        (
            "decimal as partition key",
            with(&[("x", DataTypes::decimal(5, 2))]).partitioned_by(["x"]),
            "partition keys, column \"x\": got DECIMAL(5, 2)",
        ),
        (
            "custom key among properties",
            log().property("my.key", "1"),
            "property my.key",
        ),
        (
            "unknown log format",
            log().property(property::LOG_FORMAT, "csv"),
            "property table.log.format: got \"csv\", expected one of ARROW, INDEXED, COMPACTED",
        ),
        (
            "duration without unit",
            log().property(property::LOG_TTL, "7"),
            "property table.log.ttl",
        ),
        (
            "number that is none",
            log().property(property::AUTO_INCREMENT_CACHE_SIZE, "x"),
            "property table.auto-increment.cache-size",
        ),
        (
            "no replica",
            log().property(property::REPLICATION_FACTOR, "0"),
            "property table.replication.factor: got 0, expected at least 1",
        ),
        (
            "level out of bounds",
            log().property(property::LOG_ARROW_COMPRESSION_ZSTD_LEVEL, "23"),
            "property table.log.arrow.compression.zstd.level",
        ),
        (
            "no local segment",
            log().property(property::LOG_TIERED_LOCAL_SEGMENTS, "0"),
            "property table.log.tiered.local-segments",
        ),
        (
            "local ttl above ttl",
            log().property(property::LOG_LOCAL_TTL, "8d"),
            "property table.log.local-ttl",
        ),
        (
            "indexed log of compacted rows",
            pk().log_format(LogFormat::Indexed),
            "property table.log.format",
        ),
        (
            "merge engine without key",
            log().property(property::MERGE_ENGINE, "first_row"),
            "property table.merge-engine",
        ),
        (
            "version column missing",
            pk().property(property::MERGE_ENGINE, "versioned"),
            "property table.merge-engine.versioned.ver-column: got nothing",
        ),
        (
            "version column of text",
            pk().property(property::MERGE_ENGINE, "versioned")
                .property(property::MERGE_ENGINE_VERSIONED_VER_COLUMN, "dt"),
            "\"dt\" of type STRING NOT NULL",
        ),
        (
            "aggregation without engine",
            agg_table(),
            "column \"v\": got the aggregation function sum",
        ),
        (
            "sum of text",
            agg_table().property(property::MERGE_ENGINE, "aggregation"),
            "aggregation function of column \"v\": got sum of STRING, expected a number for sum",
        ),
        (
            "wal of aggregation",
            pk().property(property::MERGE_ENGINE, "aggregation")
                .property(property::CHANGELOG_IMAGE, "wal"),
            "property table.changelog.image",
        ),
        (
            "delete behavior without key",
            log().property(property::DELETE_BEHAVIOR, "ignore"),
            "property table.delete.behavior",
        ),
        (
            "deletes of first row",
            pk().property(property::MERGE_ENGINE, "first_row")
                .property(property::DELETE_BEHAVIOR, "allow"),
            "property table.delete.behavior",
        ),
        (
            "auto-partition without keys",
            auto(log()),
            "property table.auto-partition.enabled",
        ),
        (
            "auto-partition with unnamed key",
            auto(log().partitioned_by(["a", "b"])),
            "property table.auto-partition.key: got nothing",
        ),
        (
            "auto-partition with wrong key",
            auto(
                log()
                    .partitioned_by(["a", "b"])
                    .property(property::AUTO_PARTITION_KEY, "x"),
            ),
            "property table.auto-partition.key: got \"x\"",
        ),
        (
            "precreate with several keys",
            auto(
                log()
                    .partitioned_by(["a", "b"])
                    .property(property::AUTO_PARTITION_KEY, "b")
                    .property(property::AUTO_PARTITION_NUM_PRECREATE, "1"),
            ),
            "property table.auto-partition.num-precreate",
        ),
        (
            "format that does not order",
            log()
                .partitioned_by(["b"])
                .property(property::AUTO_PARTITION_TIME_FORMAT, "dd-MM-yyyy"),
            "property table.auto-partition.time-format",
        ),
        (
            "date without format",
            auto(with(&[("d", DataTypes::date())]).partitioned_by(["d"])),
            "property table.auto-partition.time-format",
        ),
        (
            "historical partition alone",
            pk().property(property::DATALAKE_HISTORICAL_PARTITION_ENABLED, "true"),
            "property table.datalake.historical-partition.enabled",
        ),
        (
            "statistics of a keyed table",
            pk().property(property::STATISTICS_COLUMNS, "*"),
            "property table.statistics.columns",
        ),
        (
            "statistics of no column",
            log().property(property::STATISTICS_COLUMNS, " , "),
            "property table.statistics.columns",
        ),
        (
            "statistics of an unknown column",
            log().property(property::STATISTICS_COLUMNS, "a,x"),
            "property table.statistics.columns: got \"x\"",
        ),
        (
            "statistics of bytes",
            with(&[("x", DataTypes::bytes())]).property(property::STATISTICS_COLUMNS, "x"),
            "\"x\" of type BYTES",
        ),
    ];
    for (name, builder, expected) in cases {
        let error = builder.build().expect_err(name).to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

#[test]
fn tables_that_servers_take_are_built() {
    let pk = || TableDescriptor::builder().schema(pk_schema());
    let log = || TableDescriptor::builder().schema(log_schema());
    let tables = [
        log(),
        log().property("table.of-a-later-release", "x"),
        log().property(property::STATISTICS_COLUMNS, "b, a"),
        pk().kv_format(KvFormat::Indexed)
            .log_format(LogFormat::Indexed),
        pk().property(property::MERGE_ENGINE, "versioned")
            .property(property::MERGE_ENGINE_VERSIONED_VER_COLUMN, "c"),
        pk().partitioned_by(["dt"])
            .property(property::AUTO_PARTITION_ENABLED, "true"),
        log().property(property::LOG_LOCAL_TTL, "1h"),
    ];
    for table in tables {
        table.build().unwrap();
    }
}

#[test]
fn properties_are_read_with_their_defaults() {
    let plain = TableDescriptor::builder()
        .schema(log_schema())
        .build()
        .unwrap();
    assert_eq!(plain.log_format().unwrap(), LogFormat::Arrow);
    assert_eq!(plain.kv_format().unwrap(), KvFormat::Compacted);
    assert_eq!(plain.kv_format_version().unwrap(), 1);
    assert_eq!(plain.data_lake_format().unwrap(), None);
    assert_eq!(plain.statistics_columns(), StatisticsColumns::Disabled);
    assert_eq!(plain.arrow_compression().unwrap().to_string(), "ZSTD-3");
    assert_eq!(plain.log_ttl().unwrap().as_secs(), 604_800);
    assert_eq!(plain.replication_factor().unwrap(), None);
    let changed = plain.with_replication_factor(3).with_bucket_count(5);
    assert_eq!(changed.replication_factor().unwrap(), Some(3));
    assert_eq!(changed.bucket_count(), Some(5));
    assert_eq!(plain.bucket_count(), None);
    let stats = TableDescriptor::builder()
        .schema(log_schema())
        .property(property::STATISTICS_COLUMNS, "b, a")
        .build()
        .unwrap();
    assert_eq!(stats.statistics_column_indexes().unwrap(), [0, 1]);
}

#[test]
fn table_info_answers_for_the_descriptor() {
    let table = TableDescriptor::builder()
        .schema(pk_schema())
        .partitioned_by(["dt"])
        .bucket_count(4)
        .property(property::AUTO_PARTITION_ENABLED, "true")
        .build()
        .unwrap();
    let path = TablePath::new("db", "t");
    let info = TableInfo::new(
        path.clone(),
        7,
        1,
        table.clone(),
        1,
        2,
        Some("s3://b".into()),
    )
    .unwrap();
    assert_eq!(info.table_path(), &path);
    assert_eq!(info.physical_primary_keys(), ["a"]);
    assert_eq!(info.bucket_keys(), ["a"]);
    assert!(info.is_default_bucket_key());
    assert!(info.is_auto_partitioned());
    assert_eq!(info.num_buckets(), 4);
    assert_eq!(info.descriptor(), &table);
    assert_eq!(info.remote_data_dir(), Some("s3://b"));
    assert_eq!(info.clone(), info);
}
