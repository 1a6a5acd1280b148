//! The example that dumps a segment, run on its own segment and on one of the official Java classes.

#[path = "../../examples/dump_log_segment/dump.rs"]
mod dump_log_segment;

use dump_log_segment::{dump, sample};
use fluss_metadata::{DataTypes, LogFormat, Schema};

use crate::support::{hex, vectors};

#[test]
fn the_example_prints_its_own_segment() {
    let (schema, segment) = sample().unwrap();
    let lines = dump(&schema, LogFormat::Arrow, segment.clone()).unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[1],
        r#"{"change":"-D","offset":1,"row":{"id":1,"name":"Alice"},"timestamp":0}"#
    );
    let error = dump(
        &schema,
        LogFormat::Arrow,
        segment.slice(..segment.len() - 1),
    )
    .unwrap_err();
    assert!(error.to_string().contains("from byte 0 on"), "{error}");
}

#[test]
fn the_example_prints_a_segment_of_java() {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .build()
        .unwrap();
    let streams = vectors("log_stream");
    for (name, format) in [
        ("arrow_three", LogFormat::Arrow),
        ("indexed_three", LogFormat::Indexed),
        ("compacted_three", LogFormat::Compacted),
    ] {
        let case = streams.iter().find(|case| case["name"] == name).unwrap();
        let lines = match dump(&schema, format, hex(case["bytes"].as_str().unwrap()).into()) {
            Err(error) if !cfg!(all(feature = "lz4", feature = "zstd")) => {
                assert!(error.to_string().contains("feature"), "{error}");
                continue;
            }
            lines => lines.unwrap(),
        };
        let records: usize = case["batches"]
            .as_array()
            .unwrap()
            .iter()
            .map(|batch| batch["records"].as_array().unwrap().len())
            .sum();
        assert_eq!(lines.len(), records);
    }
}
