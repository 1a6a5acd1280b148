//! Partitions: names, values both ways, and those that come with time.

use std::collections::BTreeMap;

use fluss_metadata::{
    AutoPartitionStrategy, DataType, DataTypeKind, PartitionSpec, PartitionValue,
    PhysicalTablePath, ResolvedPartitionSpec, TablePath, property,
};
use serde_json::Value;

use crate::golden::{number, run_all, text, texts};

#[test]
fn partition_names_are_put_together_and_taken_apart_as_by_java() {
    run_all("partition_spec", |name, case| {
        let keys = texts(&case["partition_keys"]);
        if let Some(spec) = case["spec"].as_object() {
            let pairs = spec.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap()));
            let spec = PartitionSpec::new(pairs);
            assert!(
                ResolvedPartitionSpec::from_partition_spec(&keys, &spec).is_err(),
                "{name}"
            );
            return;
        }
        let values = texts(&case["partition_values"]);
        let spec = ResolvedPartitionSpec::new(keys.clone(), values.clone()).unwrap();
        let partition_name = text(case, "partition_name");
        assert_eq!(spec.partition_name(), partition_name, "{name}");
        assert_eq!(
            spec.qualified_name(),
            text(case, "qualified_name"),
            "{name}"
        );
        let from_name = ResolvedPartitionSpec::from_partition_name(&keys, partition_name);
        match case["from_name_values"].as_array() {
            Some(_) => assert_eq!(
                from_name.unwrap().partition_values(),
                texts(&case["from_name_values"]),
                "{name}"
            ),
            None => assert!(from_name.is_err(), "{name}"),
        }
        let qualified =
            ResolvedPartitionSpec::from_qualified_name(text(case, "qualified_name")).unwrap();
        assert_eq!(
            qualified.partition_keys(),
            texts(&case["from_qualified_keys"]),
            "{name}"
        );
        assert_eq!(
            qualified.partition_values(),
            texts(&case["from_qualified_values"]),
            "{name}"
        );
        let reversed = keys.iter().cloned().zip(values).rev();
        let reordered =
            ResolvedPartitionSpec::from_partition_spec(&keys, &PartitionSpec::new(reversed))
                .unwrap();
        assert_eq!(
            reordered.partition_values(),
            texts(&case["spec_map_reordered"]),
            "{name}"
        );
        assert_eq!(
            spec.validate().is_ok(),
            case["valid_create"].as_bool().unwrap(),
            "{name}"
        );
        assert_eq!(
            spec.validate_existing().is_ok(),
            case["valid_use"].as_bool().unwrap(),
            "{name}"
        );
        let path = PhysicalTablePath::of_partitioned(TablePath::new("db", "t"), partition_name);
        assert_eq!(path.to_string(), text(case, "physical_path"), "{name}");
    });
}

fn bits(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap())
        .collect()
}

/// The value of a golden case; bytes go into `buffer`.
fn value<'a>(
    value: &'a Value,
    data_type: &DataType,
    buffer: &'a mut Vec<u8>,
) -> Option<PartitionValue<'a>> {
    let small = |value: &Value| i32::try_from(number(value)).unwrap();
    Some(match data_type.kind() {
        DataTypeKind::Char { .. } | DataTypeKind::String => {
            PartitionValue::String(value.as_str().unwrap())
        }
        DataTypeKind::Boolean => PartitionValue::Boolean(value.as_bool().unwrap()),
        DataTypeKind::Binary { .. } | DataTypeKind::Bytes => {
            *buffer = hex(value.as_str().unwrap());
            PartitionValue::Bytes(buffer)
        }
        DataTypeKind::TinyInt
        | DataTypeKind::SmallInt
        | DataTypeKind::Int
        | DataTypeKind::BigInt => PartitionValue::Integer(number(value)),
        DataTypeKind::Date => PartitionValue::Date(small(value)),
        DataTypeKind::Time { .. } => PartitionValue::Time(small(value)),
        DataTypeKind::Float => PartitionValue::Float(f32::from_bits(bits(value) as u32)),
        DataTypeKind::Double => PartitionValue::Double(f64::from_bits(bits(value))),
        DataTypeKind::Timestamp { .. } | DataTypeKind::TimestampLtz { .. } => {
            PartitionValue::Timestamp {
                millis: number(&value[0]),
                nanos: small(&value[1]),
            }
        }
        _ => return None,
    })
}

fn same(a: PartitionValue<'_>, b: PartitionValue<'_>) -> bool {
    match (a, b) {
        (PartitionValue::Float(a), PartitionValue::Float(b)) => a.to_bits() == b.to_bits(),
        (PartitionValue::Double(a), PartitionValue::Double(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

#[test]
fn values_become_text_and_text_becomes_values_as_in_java() {
    run_all("partition_value", |name, case| {
        let data_type: DataType = text(case, "type").parse().unwrap();
        let (mut buffer, mut parsed_buffer, mut expected_buffer) = (vec![], vec![], vec![]);
        let Some(value_of_case) = value(&case["value"], &data_type, &mut buffer) else {
            assert!(case.get("error").is_some(), "{name}");
            assert!(
                PartitionValue::parse("1", &data_type, &mut parsed_buffer).is_err(),
                "{name}"
            );
            return;
        };
        let written = value_of_case.to_partition_string();
        assert_eq!(written, text(case, "partition_value"), "{name}");
        let keys = vec!["k".to_owned()];
        let spec = ResolvedPartitionSpec::from_values(&keys, [value_of_case]).unwrap();
        assert_eq!(
            spec.validate_existing().is_ok(),
            case["invalid_reason"].is_null(),
            "{name}"
        );
        let parsed = PartitionValue::parse(&written, &data_type, &mut parsed_buffer);
        match case.get("parsed_back") {
            Some(expected) => {
                let expected = value(expected, &data_type, &mut expected_buffer).unwrap();
                let parsed = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
                assert!(same(parsed, expected), "{name}: {parsed:?} {expected:?}");
            }
            None => assert!(parsed.is_err(), "{name}"),
        }
    });
}

fn strategy(properties: &[(&str, &str)]) -> AutoPartitionStrategy {
    let properties: BTreeMap<_, _> = properties
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    AutoPartitionStrategy::from_properties(&properties).unwrap()
}

#[test]
fn strategies_are_read_as_by_java() {
    run_all("auto_partition_strategy", |name, case| {
        let properties: BTreeMap<String, String> =
            serde_json::from_value(case["properties"].clone()).unwrap();
        let strategy = AutoPartitionStrategy::from_properties(&properties);
        if case.get("error").is_some() {
            assert!(strategy.is_err(), "{name}");
            return;
        }
        let strategy = strategy.unwrap();
        assert_eq!(
            strategy.is_enabled(),
            case["enabled"].as_bool().unwrap(),
            "{name}"
        );
        assert_eq!(strategy.key(), case["key"].as_str(), "{name}");
        assert_eq!(
            strategy.time_unit().name(),
            text(case, "time_unit"),
            "{name}"
        );
        assert_eq!(
            i64::from(strategy.num_precreate()),
            number(&case["num_precreate"]),
            "{name}"
        );
        assert_eq!(
            i64::from(strategy.num_retention()),
            number(&case["num_retain"]),
            "{name}"
        );
        assert_eq!(strategy.time_zone(), case["time_zone"].as_str(), "{name}");
    });
}

#[cfg(feature = "time-zones")]
#[test]
fn partitions_of_a_time_are_named_as_by_java() {
    run_all("auto_partition", |name, case| {
        let mut properties = vec![
            (property::AUTO_PARTITION_TIME_UNIT, text(case, "time_unit")),
            (property::AUTO_PARTITION_TIME_ZONE, text(case, "zone")),
        ];
        if let Some(format) = case["time_format"].as_str() {
            properties.push((property::AUTO_PARTITION_TIME_FORMAT, format));
        }
        let strategy = strategy(&properties);
        assert_eq!(strategy.zone().id(), text(case, "zone"), "{name}");
        let offset = i32::try_from(number(&case["offset"])).unwrap();
        let time = strategy
            .partition_time(number(&case["epoch_millis"]), offset)
            .unwrap();
        assert_eq!(time, text(case, "partition_time"), "{name}");
        if let Some(valid) = case["format_valid"].as_bool() {
            let checked = strategy.validate_time_format();
            assert_eq!(checked.is_ok(), valid, "{name}: {checked:?}");
            for (candidate, expected) in case["is_valid_partition_time"].as_object().unwrap() {
                assert_eq!(
                    strategy.is_valid_partition_time(candidate),
                    expected.as_bool().unwrap(),
                    "{name}: {candidate:?}"
                );
            }
        }
    });
}

#[test]
fn writers_may_create_partitions_within_retention_only() {
    let daily = strategy(&[
        (property::AUTO_PARTITION_ENABLED, "true"),
        (property::AUTO_PARTITION_NUM_RETENTION, "2"),
    ]);
    let keys = vec!["dt".to_owned()];
    // 2024-03-01 00:00 UTC.
    let now = 1_709_251_200_000;
    let cases = [
        ("20240301", true),
        ("20240228", true),
        ("20240227", false),
        ("20991231", true),
        ("2024-03-01", false),
        ("", false),
    ];
    for (value, allowed) in cases {
        let spec = PartitionSpec::new([("dt", value)]);
        assert_eq!(
            daily.validate_partition(&keys, &spec, now).is_ok(),
            allowed,
            "{value}"
        );
    }
    let error = daily
        .validate_partition(&keys, &PartitionSpec::new([("dt", "20240227")]), now)
        .unwrap_err();
    assert!(
        error.to_string().contains("\"20240228\" or later"),
        "{error}"
    );
    assert!(daily.is_past("20240229", now).unwrap());
    assert!(!daily.is_past("20240301", now).unwrap());
    assert!(
        strategy(&[])
            .validate_partition(&keys, &PartitionSpec::new([("dt", "x")]), now)
            .is_ok()
    );
    assert_eq!(
        daily.partition(&keys, now, 1).unwrap().partition_name(),
        "20240302"
    );
}

#[test]
fn hostile_numbers_of_time_end_in_names_not_in_panics() {
    let units = ["YEAR", "QUARTER", "MONTH", "DAY", "HOUR"];
    for unit in units {
        let strategy = strategy(&[
            (property::AUTO_PARTITION_TIME_UNIT, unit),
            (property::AUTO_PARTITION_TIME_ZONE, "Asia/Shanghai"),
        ]);
        for millis in [i64::MIN, -1, 0, i64::MAX] {
            for offset in [i32::MIN, 0, i32::MAX] {
                strategy.partition_time(millis, offset).unwrap();
            }
        }
    }
    for millis in [i64::MIN, i64::MAX] {
        for nanos in [i32::MIN, i32::MAX] {
            PartitionValue::Timestamp { millis, nanos }.to_partition_string();
        }
    }
}
