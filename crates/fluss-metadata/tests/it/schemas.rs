//! Schemas: builder, ids, JSON.

use fluss_metadata::{
    AggFunction, AggFunctionType, DataType, DataTypeKind, DataTypes, Schema, SchemaBuilder,
};
use serde_json::Value;

use crate::golden::{number, run_all, text, texts};

/// Builds a schema anew from what a golden case says of it; nested types come without ids, so that the builder gives them.
pub(crate) fn build(case: &Value) -> fluss_metadata::MetadataResult<Schema> {
    let mut builder = Schema::builder();
    for column in case["columns"].as_array().unwrap() {
        let data_type: DataType = text(column, "type").parse().unwrap();
        let name = text(column, "name");
        builder = match column.get("agg") {
            None => builder.column(name, data_type),
            Some(agg) => {
                let function: AggFunctionType = text(agg, "type").parse().unwrap();
                let parameters = agg["params"].as_object().unwrap();
                let function = parameters.iter().fold(
                    AggFunction::new(function),
                    |function, (name, value)| {
                        function.with_parameter(name, value.as_str().unwrap())
                    },
                );
                builder.column_with_agg(name, data_type, function)
            }
        };
        if let Some(comment) = column["comment"].as_str() {
            builder = builder.with_comment(comment);
        }
    }
    if let Some(name) = case["primary_key_name"].as_str() {
        builder = builder.primary_key_named(name, texts(&case["primary_key_columns"]));
    }
    for column in texts(&case["auto_increment_columns"]) {
        builder = builder.enable_auto_increment(column);
    }
    builder.build()
}

fn check_fields(name: &str, schema: &Schema, case: &Value) {
    let columns = case["columns"].as_array().unwrap();
    assert_eq!(schema.columns().len(), columns.len(), "{name}");
    for (column, expected) in schema.columns().iter().zip(columns) {
        assert_eq!(column.name(), text(expected, "name"), "{name}");
        assert_eq!(
            column.data_type().to_string(),
            text(expected, "type"),
            "{name}"
        );
        let json: Value = serde_json::from_str(&column.data_type().to_json()).unwrap();
        assert_eq!(json, expected["type_json"], "{name}");
        assert_eq!(column.comment(), expected["comment"].as_str(), "{name}");
        assert_eq!(
            i64::from(column.column_id()),
            number(&expected["id"]),
            "{name}"
        );
        assert_eq!(schema.column(column.name()), Some(column), "{name}");
    }
    let key = texts(&case["primary_key_columns"]);
    assert_eq!(schema.primary_key_column_names(), key, "{name}");
    let auto_increment = texts(&case["auto_increment_columns"]);
    assert_eq!(
        schema.auto_increment_column(),
        auto_increment.first().map(String::as_str),
        "{name}"
    );
    assert_eq!(
        i64::from(schema.highest_field_id()),
        number(&case["highest_field_id"]),
        "{name}"
    );
}

fn builder_case(name: &str) -> SchemaBuilder {
    let column = |data_type: DataType| Schema::builder().column("a", data_type);
    let int = || column(DataTypes::int());
    let none: [&str; 0] = [];
    match name {
        "builder_dup_col" => int().column("a", DataTypes::int()),
        "builder_pk_missing" => int().primary_key(["b"]),
        "builder_pk_twice" => int().primary_key(["a"]).primary_key(["a"]),
        "builder_pk_dup_col" => int().primary_key(["a", "a"]),
        "builder_empty" => Schema::builder(),
        "builder_autoinc_on_pk" => int().primary_key(["a"]).enable_auto_increment("a"),
        "builder_autoinc_no_pk" => int().enable_auto_increment("a"),
        "builder_autoinc_string" => int()
            .column("s", DataTypes::string())
            .primary_key(["a"])
            .enable_auto_increment("s"),
        "builder_autoinc_two" | "builder_autoinc_twice" => int()
            .column("b", DataTypes::int())
            .column("c", DataTypes::int())
            .primary_key(["a"])
            .enable_auto_increment("b")
            .enable_auto_increment("c"),
        "builder_autoinc_missing" => int().primary_key(["a"]).enable_auto_increment("x"),
        "builder_pk_empty_list" => int().primary_key(none),
        "builder_agg_on_pk" => Schema::builder()
            .column_with_agg("a", DataTypes::int(), AggFunctionType::Sum)
            .primary_key(["a"]),
        "builder_agg_no_pk" => {
            Schema::builder().column_with_agg("a", DataTypes::int(), AggFunctionType::Sum)
        }
        "builder_comment_first" => Schema::builder().with_comment("x"),
        other => panic!("unknown case {other}"),
    }
}

#[test]
fn schemas_are_built_and_written_as_by_java() {
    run_all("json_schema", |name, case| {
        if name.starts_with("builder_") {
            let built = builder_case(name).build();
            match case.get("json") {
                Some(json) => {
                    assert_eq!(built.unwrap().to_json(), json.as_str().unwrap(), "{name}");
                }
                None => assert!(built.is_err(), "{name}"),
            }
            return;
        }
        let json = case
            .get("input_json")
            .unwrap_or(&case["json"])
            .as_str()
            .unwrap_or_default();
        let parsed = Schema::from_json(json.as_bytes());
        if case.get("error").is_some() {
            assert!(parsed.is_err(), "{name}");
            return;
        }
        let parsed = parsed.unwrap();
        check_fields(name, &parsed, &case["schema"]);
        assert_eq!(parsed.to_json(), text(case, "json"), "{name}");
        if case.get("input_json").is_none() {
            let built = build(&case["schema"]).unwrap();
            check_fields(name, &built, &case["schema"]);
            assert_eq!(built.to_json(), text(case, "json"), "{name}");
        }
    });
}

#[test]
fn ids_go_on_behind_those_of_the_schema_that_is_extended() {
    let nested = DataTypes::row(vec![DataTypes::field("x", DataTypes::int())]);
    let first = Schema::builder()
        .column("id", DataTypes::int())
        .column("n", nested.clone())
        .primary_key(["id"])
        .build()
        .unwrap();
    assert_eq!(first.highest_field_id(), 2);
    let second = SchemaBuilder::from_schema(&first)
        .column("m", nested)
        .build()
        .unwrap();
    assert_eq!(second.highest_field_id(), 4);
    assert_eq!(second.columns()[..2], *first.columns());
    assert_eq!(second.columns()[2].column_id(), 3);
    let DataTypeKind::Row(row) = second.columns()[2].data_type().kind() else {
        panic!("not a row");
    };
    assert_eq!(row.fields()[0].field_id(), Some(4));
    assert_eq!(second.primary_key_column_names(), ["id"]);
}

#[test]
fn errors_name_the_field_what_it_got_and_what_was_expected() {
    let build = |builder: SchemaBuilder| builder.build().unwrap_err().to_string();
    let base = || Schema::builder().column("a", DataTypes::string());
    let cases = [
        (
            build(base().primary_key(["a"]).enable_auto_increment("b")),
            "auto-increment column: got \"b\", expected a column of the schema",
        ),
        (
            build(base().column("b", DataTypes::char(0))),
            "column \"b\": got length 0, expected a length of 1 to 2147483647",
        ),
        (
            build(base().column("a", DataTypes::int())),
            "columns: got two fields \"a\", expected fields with distinct names",
        ),
        (
            build(base().primary_key(["x"])),
            "primary key: got column \"x\", expected a column of the schema",
        ),
        (
            build(base().column_with_agg(
                "s",
                DataTypes::bigint(),
                AggFunction::new(AggFunctionType::Sum).with_parameter("delimiter", ";"),
            )),
            "aggregation function of column \"s\": got parameter \"delimiter\" of sum, expected no parameter",
        ),
    ];
    for (got, expected) in cases {
        assert_eq!(got, expected);
    }
}

#[test]
fn a_function_of_a_later_release_does_not_make_the_schema_unreadable() {
    let json = r#"{"version":1,"columns":[{"name":"a","data_type":{"type":"INTEGER"},"agg_function":{"type":"hll"},"id":0}],"highest_field_id":0}"#;
    let schema = Schema::from_json(json.as_bytes()).unwrap();
    assert_eq!(schema.columns()[0].agg_function(), None);
}
