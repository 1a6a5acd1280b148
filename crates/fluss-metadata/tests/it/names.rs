//! Names, and the enums of messages.

use fluss_metadata::{
    AggFunctionType, AlterConfigOp, ArrowCompressionType, AutoPartitionTimeUnit, ChangelogImage,
    ColumnPosition, ConfigSource, DataLakeFormat, DataTypeRoot, DeleteBehavior, GoalType, KvFormat,
    LogFormat, MergeEngine, OperationType, PermissionType, RebalanceStatus, ResourceType,
    ServerKind, ServerTag, TablePath, validate_database_name,
};
use serde_json::Value;

use crate::golden::{run, run_all, text};

#[test]
fn names_are_legal_exactly_where_they_are_in_java() {
    run_all("names", |name, case| {
        let input = text(case, "input");
        assert_eq!(
            validate_database_name(input).is_ok(),
            case["database_ok"].as_bool().unwrap(),
            "{name}"
        );
        assert_eq!(
            TablePath::new("db", input).validate().is_ok(),
            case["table_ok"].as_bool().unwrap(),
            "{name}"
        );
    });
    for (name, legal) in [("__x", false), ("_x", true), (".", false), ("..", false)] {
        assert_eq!(validate_database_name(name).is_ok(), legal, "{name}");
    }
    assert!(validate_database_name(&"x".repeat(201)).is_err());
    let error = TablePath::new("db", "a b")
        .validate()
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "table name: got \"a b\", expected ASCII letters, digits, _ and - only, without ' '"
    );
}

/// Names with numbers, of one of our enums.
fn ours(name: &str) -> Option<Vec<(&'static str, Option<i32>)>> {
    macro_rules! named {
        ($type:ty) => {
            Some(
                <$type>::ALL
                    .iter()
                    .map(|value| (value.name(), None))
                    .collect(),
            )
        };
    }
    macro_rules! coded {
        ($type:ty) => {
            Some(
                <$type>::ALL
                    .iter()
                    .map(|value| {
                        assert_eq!(<$type>::from_code(value.code()).unwrap(), *value);
                        assert_eq!(<$type>::parse(value.name()).unwrap(), *value);
                        (value.name(), Some(value.code()))
                    })
                    .collect(),
            )
        };
    }
    match name.split('@').next().unwrap() {
        "metadata.LogFormat" => named!(LogFormat),
        "metadata.KvFormat" => named!(KvFormat),
        "metadata.DataLakeFormat" => named!(DataLakeFormat),
        "metadata.MergeEngineType" => named!(MergeEngine),
        "metadata.DeleteBehavior" => named!(DeleteBehavior),
        "metadata.ChangelogImage" => named!(ChangelogImage),
        "metadata.AggFunctionType" => named!(AggFunctionType),
        "compression.ArrowCompressionType" => named!(ArrowCompressionType),
        "config.AutoPartitionTimeUnit" => named!(AutoPartitionTimeUnit),
        "types.DataTypeRoot" => named!(DataTypeRoot),
        "config.cluster.ConfigEntry$ConfigSource" => named!(ConfigSource),
        "config.cluster.AlterConfigOpType" => coded!(AlterConfigOp),
        "config.cluster.ColumnPositionType" => Some(vec![("LAST", ColumnPosition::Last.code())]),
        "cluster.ServerType" => coded!(ServerKind),
        "cluster.rebalance.ServerTag" => coded!(ServerTag),
        "cluster.rebalance.RebalanceStatus" => coded!(RebalanceStatus),
        "cluster.rebalance.GoalType" => coded!(GoalType),
        "security.acl.ResourceType" => coded!(ResourceType),
        "security.acl.OperationType" => coded!(OperationType),
        "security.acl.PermissionType" => coded!(PermissionType),
        _ => None,
    }
}

/// The enums of `record` and `rpc.protocol` belong to other crates.
fn is_ours(case: &Value) -> bool {
    let name = text(case, "name");
    !name.starts_with("rpc.protocol.") && !name.starts_with("record.")
}

#[test]
fn enums_have_the_names_and_numbers_of_java() {
    run("enums", is_ours, |name, case| {
        let ours = ours(name).unwrap_or_else(|| panic!("no enum for {name}"));
        let values = case["values"].as_array().unwrap();
        // Later releases add values, and Java has one for servers of no kind.
        let known = values
            .iter()
            .filter(|value| text(value, "name") != "UNKNOWN");
        assert!(known.clone().count() <= ours.len(), "{name}");
        for (value, (our_name, our_code)) in known.zip(ours) {
            let spelled = [text(value, "to_string"), text(value, "name")];
            assert!(spelled.contains(&our_name), "{name}: {our_name}");
            let codes = ["field_value", "field_code", "field_typeId"];
            if let Some(code) = codes.iter().find_map(|key| value[*key].as_i64()) {
                assert_eq!(our_code.map(i64::from), Some(code), "{name}: {our_name}");
            }
        }
    });
}
