//! The tables of this crate against the complete tables of the released classes.

use std::collections::BTreeMap;

use fluss_wire::api::{ApiKey, Repeatable, ServerRole, TABLE, Visibility};
use fluss_wire::error_code::{ErrorClass, ErrorCode};
use fluss_wire::frame::{ResponseType, encode_request};
use fluss_wire::sasl;
use serde_json::Value;

use crate::schema::{hex, is_in, load, run};

#[test]
fn apis_are_those_of_the_released_classes() {
    let mut seen = 0;
    run("api_keys.json", |name, case| {
        let id = i16::try_from(case["id"].as_i64().unwrap()).unwrap();
        if let Some(response_type) = name.strip_prefix("ResponseType.") {
            let expected = match response_type {
                "SUCCESS_RESPONSE" => ResponseType::Success,
                "ERROR_RESPONSE" => ResponseType::Error,
                "SERVER_FAILURE" => ResponseType::ServerFailure,
                other => panic!("unknown {other}"),
            };
            let code = u8::try_from(id).unwrap();
            assert_eq!(ResponseType::from_code(code), Some(expected));
            assert_eq!(expected as u8, code);
            return;
        }
        let entry = ApiKey::from_code(id).unwrap().entry();
        assert_eq!(entry.name, name.split('@').next().unwrap());
        let range = |min: &str, max: &str| {
            (
                case[min].as_i64().unwrap() as i16,
                case[max].as_i64().unwrap() as i16,
            )
        };
        let range = range("lowest_version", "highest_version");
        if is_in(case, "1.0.0") {
            assert_eq!((entry.versions.min, entry.versions.max), range, "{name}");
            seen += 1;
        }
        let old = entry
            .versions_in_0_9_1
            .map(|versions| (versions.min, versions.max));
        if is_in(case, "0.9.1") {
            assert_eq!(old, Some(range), "{name}");
        } else if !name.contains('@') {
            assert_eq!(old, None, "{name}");
        }
        let visibility = if case["visibility"] == "PUBLIC" {
            Visibility::Public
        } else {
            Visibility::Private
        };
        assert_eq!(entry.visibility, visibility, "{name}");
        assert_eq!(entry.request, case["request"], "{name}");
        assert_eq!(entry.response, case["response"], "{name}");
    });
    assert_eq!(seen, TABLE.len());
}

#[test]
fn what_only_reads_may_be_repeated_and_writes_may_not() {
    for entry in TABLE {
        let reads = ["GET_", "LIST_", "DESCRIBE_"]
            .iter()
            .any(|verb| entry.name.starts_with(verb));
        if reads {
            assert_eq!(entry.repeatable, Repeatable::Yes, "{}", entry.name);
        }
        let writes = [
            "CREATE_",
            "DROP_",
            "ALTER_",
            "PUT_",
            "PRODUCE_",
            "ADD_",
            "REMOVE_",
            "CANCEL_",
            "REGISTER_",
        ];
        // Leases are named by the client: dropping one that is gone is no failure.
        let named_by_client = entry.key == ApiKey::DropKvSnapshotLease;
        if writes.iter().any(|verb| entry.name.starts_with(verb)) && !named_by_client {
            assert_eq!(entry.repeatable, Repeatable::No, "{}", entry.name);
        }
        if writes.iter().any(|verb| entry.name.starts_with(verb))
            && !matches!(entry.key, ApiKey::PutKv | ApiKey::ProduceLog)
        {
            assert_eq!(entry.server, ServerRole::Coordinator, "{}", entry.name);
        }
    }
}

/// Codes whose retriability is deliberately another than that of the Java exception; `error_code` says why.
const DIFFERENT: [ErrorCode; 3] = [
    ErrorCode::FENCED_LEADER_EPOCH_EXCEPTION,
    ErrorCode::NOT_COORDINATOR_LEADER_EXCEPTION,
    ErrorCode::TOO_MANY_SCANNERS,
];

#[test]
fn error_codes_are_those_of_the_released_classes() {
    let mut known = Vec::new();
    run("errors.json", |name, case| {
        if let Some(unknown) = case["unknown_code"].as_i64() {
            let code = ErrorCode::new(i32::try_from(unknown).unwrap());
            assert!(!code.is_known(), "{name}");
            assert_eq!(code.name(), case["maps_to"], "{name}");
            assert_eq!(
                code.class(),
                ErrorCode::UNKNOWN_SERVER_ERROR.class(),
                "{name}"
            );
            assert_eq!(i64::from(code.value()), unknown, "{name}");
            return;
        }
        let code = ErrorCode::new(i32::try_from(case["code"].as_i64().unwrap()).unwrap());
        assert!(code.is_known(), "{name}");
        assert_eq!(code.name(), name);
        assert!(
            !code.description().is_empty() && !code.description().ends_with('.'),
            "{name}"
        );
        let java = case["retriable"].as_bool().unwrap();
        if DIFFERENT.contains(&code) {
            assert!(
                !java && code.is_retriable(),
                "{name} is listed as different, and isn't"
            );
        } else {
            assert_eq!(code.is_retriable(), java, "{name}");
        }
        let invalid_metadata =
            case["superclass"] == "org.apache.fluss.exception.InvalidMetadataException";
        if !DIFFERENT.contains(&code) {
            assert_eq!(
                code.class() == ErrorClass::RefreshMetadata,
                invalid_metadata,
                "{name}"
            );
        }
        known.push(code);
    });
    known.sort();
    assert_eq!(known, ErrorCode::ALL);
}

#[test]
fn sasl_tokens_are_those_of_the_java_client() {
    run("sasl.json", |name, case| {
        if case["protocol"] == sasl::PLAINTEXT {
            // Nothing is sent; there is but the name.
            return;
        }
        let user = case["username"].as_str().unwrap_or_default();
        let password = case["password"].as_str().unwrap_or_default();
        let request = sasl::plain_request(user, password);
        if case["error"].is_null() {
            let request = request.unwrap();
            assert_eq!(request.protocol, case["protocol"], "{name}");
            assert_eq!(request.token, hex(&case["token"]), "{name}");
            let id = i32::try_from(case["request_id"].as_i64().unwrap()).unwrap();
            let frame = encode_request(0, id, &request).unwrap().into_bytes();
            assert_eq!(frame, hex(&case["frame"]), "{name}");
            let read = sasl::PlainCredentials::parse(&request.token).unwrap();
            assert_eq!((read.user, read.password), (user, password), "{name}");
        } else if case["error"]["message"]
            .as_str()
            .unwrap()
            .contains("in JAAS config")
        {
            // DIFFERS: Java puts the password into a configuration text between quotes, and stumbles over a quote in it.
            // The mechanism and the servers have nothing against one, and neither have we.
            assert!(password.contains('"') && request.is_ok(), "{name}");
        } else {
            assert!(request.is_err(), "{name}");
        }
    });
}

/// A field: number, label, type, and whether it is packed.
type Fields = BTreeMap<String, (u64, String, String, bool)>;

#[test]
fn the_schema_is_that_of_the_released_classes() {
    let proto = proto_messages();
    let generated = generated_messages();
    let mut names = Vec::new();
    run("proto_schema.json", |name, case| {
        let name = name.split('@').next().unwrap();
        let mut expected = Fields::new();
        for field in case["fields"].as_array().unwrap() {
            let text = |key: &str| field[key].as_str().unwrap().to_owned();
            let kind = match text("type").as_str() {
                "int" => "int32".to_owned(),
                "long" => "int64".to_owned(),
                "boolean" => "bool".to_owned(),
                other => other.to_owned(),
            };
            // DIFFERS: see `schema::Field::is_packed`.
            let packed = field["packed"] == true && field["name"] != "force_finished_tables";
            expected.insert(
                text("name"),
                (
                    field["number"].as_u64().unwrap(),
                    text("label"),
                    kind,
                    packed,
                ),
            );
        }
        let newest = is_in(case, "1.0.0");
        for (file, messages) in [("fluss.proto", &proto), ("fluss.rs", &generated)] {
            let ours = messages
                .get(name)
                .unwrap_or_else(|| panic!("{file} lacks {name}"));
            for (field, definition) in &expected {
                assert_eq!(ours.get(field), Some(definition), "{file}: {name}.{field}");
            }
            assert!(
                !newest || ours.len() == expected.len(),
                "{file}: {name} has fields of its own"
            );
        }
        names.push(name.to_owned());
    });
    names.sort();
    names.dedup();
    assert_eq!(proto.keys().cloned().collect::<Vec<_>>(), names);
    assert_eq!(generated.keys().cloned().collect::<Vec<_>>(), names);
}

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// `proto/fluss.proto`, which has one field a line.
fn proto_messages() -> BTreeMap<String, Fields> {
    let mut messages = BTreeMap::new();
    let mut current = String::new();
    for line in read("../../proto/fluss.proto").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["message", name, ..] => {
                current = String::from(*name);
                messages.insert(current.clone(), Fields::new());
            }
            [
                label @ ("required" | "optional" | "repeated"),
                kind,
                name,
                "=",
                rest @ ..,
            ] => {
                let rest = rest.concat();
                let number = rest
                    .trim_end_matches(';')
                    .trim_end_matches("[packed=true]")
                    .parse()
                    .unwrap();
                let packed = rest.contains("packed=true");
                let definition = (number, (*label).to_owned(), (*kind).to_owned(), packed);
                messages
                    .get_mut(&current)
                    .unwrap()
                    .insert((*name).to_owned(), definition);
            }
            [] | ["//" | "syntax" | "package", ..] | ["}"] => {}
            other => assert!(other[0].starts_with("//"), "{other:?}"),
        }
    }
    messages
}

/// The generated structs: what prost was told about each field, under the name that Rust code uses.
fn generated_messages() -> BTreeMap<String, Fields> {
    let mut messages = BTreeMap::new();
    let mut current = String::new();
    let mut attribute: Vec<String> = Vec::new();
    // A long type has lines of its own: put it behind its name.
    let text = read("src/message/generated/fluss.rs")
        .replace("<\n        ", "<")
        .replace(",\n    >", ">");
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("pub struct ") {
            current = String::from(name.split(' ').next().unwrap());
            messages.insert(current.clone(), Fields::new());
        } else if let Some(text) = line
            .strip_prefix("#[prost(")
            .and_then(|line| line.strip_suffix(")]"))
        {
            attribute = text.split(", ").map(str::to_owned).collect();
        } else if let Some((name, rust)) = line
            .strip_prefix("pub ")
            .and_then(|line| line.split_once(": "))
        {
            let has = |word: &str| attribute.iter().any(|entry| entry == word);
            let tag = attribute
                .iter()
                .find_map(|entry| entry.strip_prefix("tag = "))
                .unwrap();
            let label = ["required", "optional", "repeated"]
                .into_iter()
                .find(|label| has(label))
                .unwrap();
            let kind = match attribute[0].as_str() {
                "message" => rust
                    .trim_end_matches([',', '>'])
                    .rsplit(['<', ':'])
                    .next()
                    .unwrap(),
                "bytes = \"bytes\"" => "bytes",
                scalar => scalar,
            };
            let is_number = matches!(kind, "int32" | "int64" | "bool");
            let packed = label == "repeated" && is_number && !has("packed = \"false\"");
            let definition = (
                tag.trim_matches('"').parse().unwrap(),
                label.to_owned(),
                kind.to_owned(),
                packed,
            );
            messages
                .get_mut(&current)
                .unwrap()
                .insert(name.trim_start_matches("r#").to_owned(), definition);
        }
    }
    messages
}

#[test]
fn golden_data_is_complete() {
    // The files of this crate, so that a lost one is noticed.
    for (file, cases) in [
        ("api_keys.json", 74),
        ("errors.json", 80),
        ("proto_schema.json", 243),
    ] {
        assert_eq!(load(file).len(), cases, "{file}");
        assert!(load(file).iter().all(Value::is_object));
    }
}
