//! Types: SQL text, JSON, bounds.

use fluss_metadata::{DataField, DataType, DataTypeKind, DataTypeRoot, DataTypes, MAX_NESTING};
use serde_json::Value;

use crate::golden::{Random, run_all, text};

fn parameters(data_type: &DataType) -> (Option<u32>, Option<u32>, Option<u32>) {
    match data_type.kind() {
        DataTypeKind::Char { length } | DataTypeKind::Binary { length } => {
            (Some(*length), None, None)
        }
        DataTypeKind::Decimal { precision, scale } => (None, Some(*precision), Some(*scale)),
        DataTypeKind::Time { precision }
        | DataTypeKind::Timestamp { precision }
        | DataTypeKind::TimestampLtz { precision } => (None, Some(*precision), None),
        DataTypeKind::TinyInt
        | DataTypeKind::SmallInt
        | DataTypeKind::Int
        | DataTypeKind::BigInt => (None, None, Some(0)),
        _ => (None, None, None),
    }
}

#[test]
fn types_have_the_text_and_json_of_java() {
    run_all("types", |name, case| {
        if let Some(families) = case["root_families"].as_str() {
            let root = DataTypeRoot::ALL
                .iter()
                .find(|root| name == format!("root_{}", root.name()))
                .unwrap();
            let names: Vec<_> = root.families().iter().map(|family| family.name()).collect();
            assert_eq!(format!("[{}]", names.join(", ")), families, "{name}");
            return;
        }
        let json = text(case, "json");
        let from_json = DataType::from_json(json.as_bytes()).unwrap();
        assert_eq!(from_json.to_json(), json, "{name}");
        assert_eq!(from_json.to_string(), text(case, "type"), "{name}");
        assert_eq!(from_json.summary(), text(case, "summary"), "{name}");
        assert_eq!(from_json.root().name(), text(case, "root"), "{name}");
        assert_eq!(
            from_json.is_nullable(),
            case["nullable"].as_bool().unwrap(),
            "{name}"
        );
        let number = |key: &str| case[key].as_u64().map(|n| u32::try_from(n).unwrap());
        assert_eq!(
            parameters(&from_json),
            (number("length"), number("precision"), number("scale")),
            "{name}"
        );
        let parsed: DataType = text(case, "type").parse().unwrap();
        assert_eq!(
            parsed.to_string(),
            text(case, "parse_of_type_string"),
            "{name}"
        );
        assert_eq!(parsed, from_json, "{name}");
    });
}

#[test]
fn sql_text_is_read_as_java_reads_it() {
    run_all("type_parse", |name, case| {
        let parsed = text(case, "input").parse::<DataType>();
        if case.get("error").is_some() {
            assert!(parsed.is_err(), "{name}: {parsed:?}");
            return;
        }
        let parsed = parsed.unwrap();
        assert_eq!(parsed.to_string(), text(case, "type"), "{name}");
        assert_eq!(parsed.to_json(), text(case, "json"), "{name}");
    });
}

fn made(type_name: &str, parameters: &[i64]) -> Result<DataType, String> {
    let at = |index: usize| {
        u32::try_from(parameters[index]).map_err(|_| "negative numbers cannot be given".to_owned())
    };
    let data_type = match type_name {
        "CHAR" => DataTypes::char(at(0)?),
        "BINARY" => DataTypes::binary(at(0)?),
        "TIME" => DataTypes::time_with_precision(at(0)?),
        "TIMESTAMP" => DataTypes::timestamp_with_precision(at(0)?),
        "TIMESTAMP_LTZ" => DataTypes::timestamp_ltz_with_precision(at(0)?),
        "DECIMAL" => DataTypes::decimal(at(0)?, at(1)?),
        other => panic!("unknown type {other}"),
    };
    data_type
        .validate("column \"x\"")
        .map(|()| data_type)
        .map_err(|error| error.to_string())
}

#[test]
fn bounds_are_those_of_java() {
    run_all("type_bounds", |name, case| {
        let parameters: Vec<i64> = case["params"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_i64().unwrap())
            .collect();
        let result = made(text(case, "type_name"), &parameters);
        if case["ok"] == Value::Bool(true) {
            assert_eq!(result.unwrap().to_string(), text(case, "type"), "{name}");
        } else {
            assert!(result.is_err(), "{name}");
        }
    });
}

#[test]
fn an_error_names_the_nested_field_and_what_was_expected() {
    let bad = DataTypes::array(DataTypes::row(vec![DataField::new(
        "price",
        DataTypes::decimal(39, 0),
    )]));
    let error = bad.validate("column \"x\"").unwrap_err().to_string();
    assert_eq!(
        error,
        "column \"x\".price: got precision 39, expected a precision of 1 to 38"
    );
}

#[test]
fn nesting_has_a_limit_for_every_way_in() {
    let nested = |depth: usize| {
        let open = "ARRAY<".repeat(depth);
        let close = ">".repeat(depth);
        format!("{open}INT{close}")
    };
    let json = |depth: usize| {
        let open = "{\"type\":\"ARRAY\",\"element_type\":".repeat(depth);
        let close = "}".repeat(depth);
        format!("{open}{{\"type\":\"INTEGER\"}}{close}")
    };
    assert!(nested(MAX_NESTING).parse::<DataType>().is_ok());
    assert!(nested(MAX_NESTING + 1).parse::<DataType>().is_err());
    assert!(nested(100_000).parse::<DataType>().is_err());
    assert!("INT ".to_owned().parse::<DataType>().is_ok());
    assert!(
        format!("INT{}", " ARRAY".repeat(100_000))
            .parse::<DataType>()
            .is_err()
    );
    assert!(DataType::from_json(json(MAX_NESTING).as_bytes()).is_ok());
    assert!(DataType::from_json(json(MAX_NESTING + 1).as_bytes()).is_err());
    assert!(DataType::from_json(json(100_000).as_bytes()).is_err());
    let mut deep = DataTypes::int();
    for _ in 0..=MAX_NESTING {
        deep = DataTypes::array(deep);
    }
    assert!(deep.validate("x").is_err());
}

/// Any type, up to a depth.
pub(crate) fn any_type(random: &mut Random, depth: usize) -> DataType {
    let text = |random: &mut Random| {
        let letters = ["a", "`", "'", "é", "漢", " ", "\"", "<", "\\", "0", "\u{1}"];
        let name: String = (0..random.below(5))
            .map(|_| letters[random.below(letters.len())])
            .collect();
        name
    };
    let kinds = if depth == 0 { 16 } else { 19 };
    let data_type = match random.below(kinds) {
        0 => DataTypes::boolean(),
        1 => DataTypes::tinyint(),
        2 => DataTypes::smallint(),
        3 => DataTypes::int(),
        4 => DataTypes::bigint(),
        5 => DataTypes::float(),
        6 => DataTypes::double(),
        7 => DataTypes::char(1 + random.below(1000) as u32),
        8 => DataTypes::string(),
        9 => DataTypes::binary(1 + random.below(1000) as u32),
        10 => DataTypes::bytes(),
        11 => {
            let precision = 1 + random.below(38) as u32;
            DataTypes::decimal(precision, random.below(precision as usize + 1) as u32)
        }
        12 => DataTypes::date(),
        13 => DataTypes::time_with_precision(random.below(10) as u32),
        14 => DataTypes::timestamp_with_precision(random.below(10) as u32),
        15 => DataTypes::timestamp_ltz_with_precision(random.below(10) as u32),
        16 => DataTypes::array(any_type(random, depth - 1)),
        17 => DataTypes::map(any_type(random, depth - 1), any_type(random, depth - 1)),
        _ => DataTypes::row(
            (0..random.below(12))
                .map(|at| {
                    let name = format!("{}{at}", text(random));
                    let field = DataField::new(name, any_type(random, depth - 1));
                    match random.below(3) {
                        0 => field.with_description(text(random)),
                        _ => field,
                    }
                })
                .collect(),
        ),
    };
    data_type.with_nullable(random.below(3) > 0)
}

#[test]
fn any_type_is_the_same_after_text_and_after_json() {
    let mut random = Random(7);
    for _ in 0..3000 {
        let data_type = any_type(&mut random, 4);
        data_type.validate("x").unwrap();
        assert_eq!(
            data_type.to_string().parse::<DataType>().unwrap(),
            data_type
        );
        let json = data_type.to_json();
        let again = DataType::from_json(json.as_bytes()).unwrap();
        assert_eq!(again, data_type);
        assert_eq!(again.to_json(), json);
    }
}

#[test]
fn fields_are_found_by_name_however_many_there_are() {
    for count in [0, 1, 8, 9, 500] {
        let fields = (0..count).map(|at| DataField::new(format!("f{at}"), DataTypes::int()));
        let DataTypeKind::Row(row) = DataTypes::row(fields.collect()).kind().clone() else {
            panic!("not a row");
        };
        for at in 0..count {
            assert_eq!(row.index_of(&format!("f{at}")), Some(at));
        }
        assert_eq!(row.index_of("g"), None);
        assert_eq!(row.index_of(""), None);
    }
}
