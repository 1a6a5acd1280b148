//! Values of options.

use std::collections::BTreeMap;

use fluss_metadata::config_value::{
    format_duration, format_memory_size, parse_boolean, parse_duration, parse_memory_size,
};
use fluss_metadata::property::{self, PropertyKind};
use fluss_metadata::{ArrowCompressionType, DataTypes, Schema, TableDescriptor};
use serde_json::Value;

use crate::golden::{number, run, text};

fn of_kind(kind: &'static str) -> impl Fn(&Value) -> bool {
    move |case| case["kind"] == kind
}

#[test]
fn durations_are_read_and_written_as_by_java() {
    run("config_values", of_kind("duration"), |name, case| {
        let parsed = parse_duration(text(case, "input"));
        if case.get("error").is_some() {
            assert!(parsed.is_err(), "{name}");
            return;
        }
        let parsed = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            parsed.as_secs(),
            text(case, "seconds").parse::<u64>().unwrap(),
            "{name}"
        );
        assert_eq!(
            i64::from(parsed.subsec_nanos()),
            number(&case["nanos"]),
            "{name}"
        );
        let millis = format!("{}ms", parsed.as_millis());
        assert_eq!(millis, text(case, "string_in_millis"), "{name}");
        if let Some(written) = case["highest_unit"].as_str() {
            assert_eq!(format_duration(parsed), written, "{name}");
        }
    });
}

#[test]
fn sizes_are_read_and_written_as_by_java() {
    run("config_values", of_kind("memory_size"), |name, case| {
        let parsed = parse_memory_size(text(case, "input"));
        if case.get("error").is_some() {
            assert!(parsed.is_err(), "{name}");
            return;
        }
        let parsed = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            parsed,
            text(case, "bytes").parse::<u64>().unwrap(),
            "{name}"
        );
        assert_eq!(
            format_memory_size(parsed),
            text(case, "to_string"),
            "{name}"
        );
    });
}

fn table(properties: BTreeMap<String, String>) -> TableDescriptor {
    let schema = Schema::builder()
        .column("a", DataTypes::int())
        .build()
        .unwrap();
    let plain = TableDescriptor::builder().schema(schema).build().unwrap();
    plain.with_properties(properties)
}

#[test]
fn arrow_compression_is_read_as_by_java() {
    run(
        "config_values",
        of_kind("arrow_compression"),
        |name, case| {
            let properties = serde_json::from_value(case["properties"].clone()).unwrap();
            let compression = table(properties).arrow_compression();
            if case.get("error").is_some() {
                assert!(compression.is_err(), "{name}");
                return;
            }
            let compression = compression.unwrap();
            assert_eq!(compression.kind.name(), text(case, "type"), "{name}");
            assert_eq!(compression.to_string(), text(case, "to_string"), "{name}");
            if compression.kind == ArrowCompressionType::Zstd {
                assert_eq!(
                    i64::from(compression.level),
                    number(&case["level"]),
                    "{name}"
                );
            }
        },
    );
}

#[test]
fn values_of_table_properties_are_accepted_exactly_where_java_accepts_them() {
    let of_table =
        |case: &Value| case["kind"] == "typed_read" && text(case, "key").starts_with("table.");
    run("config_values", of_table, |name, case| {
        let schema = Schema::builder()
            .column("a", DataTypes::int())
            .column("p", DataTypes::string())
            .primary_key(["a", "p"])
            .build()
            .unwrap();
        let (key, input) = (text(case, "key"), text(case, "input"));
        let mut builder = TableDescriptor::builder()
            .schema(schema)
            .partitioned_by(["p"]);
        // What the value is worth alone is asked for, not whether it goes with the rest of the table.
        if key == property::MERGE_ENGINE && input.eq_ignore_ascii_case("versioned") {
            builder = builder.property(property::MERGE_ENGINE_VERSIONED_VER_COLUMN, "a");
        }
        if key == property::LOG_FORMAT {
            builder = builder.property(property::KV_FORMAT, "indexed");
        }
        let built = builder.property(key, input).build();
        assert_eq!(
            built.is_ok(),
            case.get("error").is_none(),
            "{name}: {built:?}"
        );
    });
}

fn is_table_option(case: &Value) -> bool {
    text(case, "name").starts_with("table.")
}

#[test]
fn the_table_of_properties_is_that_of_java() {
    let mut seen = 0;
    run("config_options", is_table_option, |name, case| {
        let key = name.split('@').next().unwrap();
        let (_, kind) = property::ALL
            .iter()
            .find(|(known, _)| *known == key)
            .unwrap_or_else(|| panic!("no property {key}"));
        let fits = match (text(case, "type"), kind) {
            ("Boolean", PropertyKind::Boolean)
            | ("Integer", PropertyKind::Integer)
            | ("Long", PropertyKind::Long)
            | ("Duration", PropertyKind::Duration)
            | ("String", PropertyKind::Text) => true,
            ("enum", PropertyKind::Choice(names)) => {
                // Of two releases the later one has more.
                let java = text(case, "enum_values").trim_matches(['[', ']']);
                java.split(", ")
                    .zip(*names)
                    .all(|(java, ours)| java == *ours)
            }
            _ => false,
        };
        assert!(fits, "{name}: {kind:?}");
        seen += 1;
    });
    assert!(seen >= property::ALL.len());
    assert!(
        property::ALTERABLE
            .iter()
            .all(|key| property::ALL.iter().any(|(known, _)| known == key))
    );
}

#[test]
fn booleans_are_true_or_false() {
    for (input, expected) in [
        ("TRUE", Some(true)),
        ("false", Some(false)),
        ("yes", None),
        ("", None),
    ] {
        assert_eq!(parse_boolean(input).ok(), expected, "{input}");
    }
}
