//! The table of options against the Java client's, and against `Config`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::*;
use crate::config::{Config, ReadPreference};
use crate::error::ErrorKind;
use crate::table::MergeMode;

/// Runs the cases of a file of golden data for which `wanted` says so, and says how many there were.
fn run(file: &str, wanted: impl Fn(&Value) -> bool, check: impl Fn(&str, &Value)) {
    let path = format!(
        "{}/../../testdata/vectors/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let cases = serde_json::from_str::<Vec<Value>>(&text).unwrap();
    let (mut ran, mut total) = (0, 0);
    for case in cases.iter().filter(|case| wanted(case)) {
        total += 1;
        check(text_of(case, "name"), case);
        ran += 1;
    }
    println!("vectors {file} {ran}/{total}");
    assert!(total > 0 && ran == total);
}

fn text_of<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_default()
}

fn is_client_key(key: &str) -> bool {
    !key.starts_with("table.")
}

/// What setting `key` to `value` does to the defaults, as text.
fn applied(key: &str, value: &str) -> String {
    let mut config = Config::default();
    config.set(key, value).unwrap();
    format!("{config:?}")
}

#[test]
fn the_table_has_every_option_of_java_with_its_type_and_default() {
    // Ours differ on purpose: (key, our default).
    let differing = [
        ("bootstrap.servers", Some("127.0.0.1:9123")),
        ("client.writer.buffer.wait-timeout", Some("60s")),
        ("client.lookup.max-batch-size", Some("1024")),
        ("client.lookup.max-inflight-requests", Some("4")),
    ];
    let wanted = |case: &Value| is_client_key(text_of(case, "name"));
    run("config_options", wanted, |name, case| {
        let key = name.split('@').next().unwrap();
        let option = find(key).unwrap_or_else(|| panic!("no option {key}"));
        assert_eq!(option.origin, Origin::Java, "{name}");
        let fits = match (text_of(case, "type"), option.kind) {
            ("String", OptionKind::Text | OptionKind::Secret | OptionKind::Choice(_))
            | ("List<String>", OptionKind::List)
            | ("MemorySize", OptionKind::MemorySize)
            | ("Duration", OptionKind::Duration)
            | ("Integer", OptionKind::Integer)
            | ("Double", OptionKind::Double)
            | ("Boolean", OptionKind::Boolean) => true,
            ("enum", OptionKind::Choice(words)) => {
                let java = text_of(case, "enum_values").trim_matches(['[', ']']);
                let java = java.split(", ").collect::<BTreeSet<_>>();
                java == words.iter().copied().collect()
            }
            _ => false,
        };
        assert!(fits, "{name}: {:?}", option.kind);
        // 0.9.1 waits two minutes for a dial.
        if name == "client.connect-timeout@0.9.1" {
            assert_eq!(applied(key, "PT2M"), applied(key, "120s"));
            return;
        }
        if let Some((_, ours)) = differing.iter().find(|(differs, _)| *differs == key) {
            assert_eq!(option.default, *ours, "{name}");
            return;
        }
        let (java, ours) = (case["default"].as_str(), option.default);
        let same = match option.kind {
            OptionKind::Duration => {
                parse::duration(java.unwrap()) == parse::duration(ours.unwrap())
            }
            OptionKind::MemorySize => parse::size(java.unwrap()) == parse::size(ours.unwrap()),
            _ => java == ours,
        };
        assert!(same, "{name}: {java:?} {ours:?}");
    });
}

#[test]
fn values_of_client_options_are_read_as_by_java() {
    let wanted = |case: &Value| case["kind"] == "typed_read" && is_client_key(text_of(case, "key"));
    run("config_values", wanted, |name, case| {
        let (key, input) = (text_of(case, "key"), text_of(case, "input"));
        let mut config = Config::default();
        let outcome = config.set(key, input);
        if case.get("error").is_some() {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains(key) && error.contains("expected"), "{error}");
            return;
        }
        let java = text_of(case, "value");
        match key {
            "client.writer.buffer.memory-size" => {
                outcome.unwrap();
                assert_eq!(java, format!("{} bytes", config.writer_buffer_memory_size));
            }
            // DIFFERS: Java reads any text here, and refuses it when a connection or a writer is made. Here it is refused at once.
            "bootstrap.servers" if java == "[]" || java.contains(';') => {
                assert!(outcome.is_err(), "{name}");
            }
            "bootstrap.servers" => {
                outcome.unwrap();
                assert_eq!(
                    java,
                    format!("[{}]", config.bootstrap_server.replace(',', ", "))
                );
            }
            "client.writer.acks" if java == "2" => assert!(outcome.is_err(), "{name}"),
            "client.writer.acks" => {
                outcome.unwrap();
                let expected = java.replace("-1", "all");
                assert_eq!(config.writer_acks.to_string(), expected, "{name}");
            }
            other => panic!("{name}: {other}"),
        }
    });
}

#[test]
fn enums_of_requests_have_the_numbers_of_java() {
    let ours = |name: &str| match name {
        "rpc.protocol.MergeMode" => vec![
            ("DEFAULT", MergeMode::Default.code()),
            ("OVERWRITE", MergeMode::Overwrite.code()),
        ],
        "rpc.protocol.FetchLogReadPreference" => vec![
            // Not sent, which means the same.
            (
                "LOCAL_FIRST",
                ReadPreference::LocalFirst.code().unwrap_or(0),
            ),
            (
                "REMOTE_FIRST",
                ReadPreference::RemoteFirst.code().unwrap_or(0),
            ),
        ],
        _ => Vec::new(),
    };
    let wanted = |case: &Value| !ours(text_of(case, "name")).is_empty();
    run("enums", wanted, |name, case| {
        let java = case["values"].as_array().unwrap();
        let java = java.iter().map(|value| {
            (
                text_of(value, "name"),
                value["field_value"].as_i64().unwrap(),
            )
        });
        let ours = ours(name);
        assert_eq!(java.len(), ours.len());
        for (java, (our_name, code)) in java.zip(ours) {
            assert_eq!(java, (our_name, i64::from(code)), "{name}");
        }
    });
}

#[test]
fn defaults_in_the_table_are_those_of_the_fields() {
    let mut fields = BTreeSet::new();
    for option in options() {
        let Effect::Sets { field, .. } = option.effect else {
            continue;
        };
        fields.extend(field.split(", "));
        if let Some(default) = option.default {
            let defaults = format!("{:?}", Config::default());
            assert_eq!(applied(option.key, default), defaults, "{}", option.key);
        }
    }
    // Every field can be set: the names in the Debug form are those of the struct.
    let debug = format!("{:#?}", Config::default());
    let all = debug.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("    ")?.split_once(": ")?;
        (!name.starts_with(' ')).then_some(name)
    });
    let mut all = all.collect::<BTreeSet<_>>();
    // All keys with its prefix go there.
    assert!(all.remove("file_system_properties"));
    assert_eq!(fields, all);
}

#[test]
fn every_option_sets_its_own_field_alone() {
    for option in options() {
        let Effect::Sets { field, .. } = option.effect else {
            continue;
        };
        let value = match option.kind {
            OptionKind::List => "elsewhere:1",
            OptionKind::Text if option.key.contains("time-zone") => "Asia/Shanghai",
            OptionKind::Text => "someone",
            OptionKind::Boolean if option.default == Some("true") => "false",
            OptionKind::Boolean => "true",
            OptionKind::Integer | OptionKind::Double => "3",
            OptionKind::Duration => "PT7S",
            OptionKind::MemorySize => "3 kb",
            OptionKind::Choice([_, .., other]) => other,
            OptionKind::Choice(_) => continue,
            OptionKind::Secret if option.key.contains("jaas") => {
                "PlainLoginModule required username=\"u\" password=\"p\";"
            }
            OptionKind::Secret => "hunter2",
        };
        let mut config = Config::default();
        config.set(option.key, value).unwrap();
        let (before, after) = (format!("{:#?}", Config::default()), format!("{config:#?}"));
        let changed = before
            .lines()
            .zip(after.lines())
            .filter(|(before, after)| before != after)
            .filter_map(|(before, _)| before.trim().split_once(':').map(|(name, _)| name))
            .collect::<Vec<_>>()
            .join(", ");
        assert_eq!(changed, field, "{}", option.key);
    }
}

#[test]
fn unknown_keys_name_the_nearest_one_and_bad_values_what_was_expected() {
    let cases = [
        (
            "client.writer.batchsize",
            "1mb",
            "\"client.writer.batch-size\"",
        ),
        ("bootstrap.server", "a:1", "\"bootstrap.servers\""),
        ("client.writer.batch-size", "1", "a number with a unit"),
        ("client.writer.batch-timeout", "1x", "`500ms`"),
        ("client.writer.retries", "-1", "0 to 2147483647"),
        ("client.writer.acks", "2", "all or -1 or 1 or 0"),
        ("client.scanner.log.check-crc", "maybe", "true or false"),
        ("client.security.sasl.mechanism", "GSSAPI", "PLAIN"),
        (
            "client.writer.buffer.page-size",
            "big",
            "a number with a unit",
        ),
        (
            "client.filesystem.security.token.renewal.time-ratio",
            "x",
            "a number",
        ),
    ];
    for (key, value, expected) in cases {
        let error = Config::from_map([(key, value)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        assert!(text.contains(key) && text.contains(expected), "{text}");
    }
}

#[test]
fn secrets_are_shown_nowhere() {
    let jaas = "PlainLoginModule required username=\"u\" password=hunter2 oops";
    let broken = "PlainLoginModule required password=\"hunter2\"";
    let config = Config::from_map([("client.security.sasl.jaas.config", jaas)]).unwrap();
    assert_eq!(config.sasl_password, "hunter2".into());
    assert!(!format!("{config:?}").contains("hunter2"));
    let builder = Config::builder().sasl_password("hunter2");
    assert!(!format!("{builder:?}").contains("hunter2"));
    for (key, value) in [
        ("client.security.sasl.jaas.config", broken),
        ("client.security.sasl.pasword", "hunter2"),
    ] {
        let error = Config::from_map([(key, value)]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn a_user_goes_before_a_jaas_entry_whatever_the_order() {
    let mut entries = [
        ("client.security.sasl.username", "a"),
        ("client.security.sasl.password", "b"),
        (
            "client.security.sasl.jaas.config",
            "PlainLoginModule required username=\"u\" password=\"p\";",
        ),
    ];
    for _ in 0..2 {
        let config = Config::from_map(entries).unwrap();
        assert_eq!(
            (config.sasl_username.as_str(), config.sasl_password),
            ("a", "b".into())
        );
        entries.reverse();
    }
}

#[test]
fn variables_of_the_environment_have_one_name_each() {
    let names = options().map(|option| environment_variable(option.key));
    assert_eq!(names.collect::<BTreeSet<_>>().len(), options().count());
    let mut config = Config::default();
    let variable = |name: &str, value: &str| (name.to_owned(), Ok(value.to_owned()));
    config
        .set_env([
            variable("FLUSS_BOOTSTRAP_SERVERS", "a:1, b:2"),
            variable("FLUSS_CLIENT_WRITER_BATCH_SIZE", "3kb"),
            variable("FLUSS_HOME", "/opt/fluss"),
            ("PATH".to_owned(), Err(())),
        ])
        .unwrap();
    assert_eq!(config.bootstrap_server, "a:1,b:2");
    assert_eq!(config.writer_batch_size, 3072);
    let wrong = [
        (
            variable("FLUSS_CLIENT_WRITER_BATCHSIZE", "x"),
            "FLUSS_CLIENT_WRITER_BATCH_SIZE",
        ),
        (
            variable("FLUSS_CLIENT_WRITER_BATCH_SIZE", "x"),
            "a number with a unit",
        ),
        (("FLUSS_CLIENT_ID".to_owned(), Err(())), "UTF-8"),
        (variable("FLUSS_CLIENT_FS_S3_KEY", "x"), "properties file"),
    ];
    for (variable, expected) in wrong {
        let name = variable.0.clone();
        let error = Config::default()
            .set_env([variable])
            .unwrap_err()
            .to_string();
        assert!(error.contains(&name) && error.contains(expected), "{error}");
    }
}

#[test]
fn properties_come_from_a_file_a_reader_or_a_text() {
    let text = "bootstrap.servers: a:1\n# more\nclient.writer.acks = 1\nclient.fs.s3.key=x\n";
    let expected = Config {
        bootstrap_server: "a:1".to_owned(),
        writer_acks: crate::config::Acks::Leader,
        file_system_properties: [("s3.key", "x")].into_iter().collect(),
        ..Config::default()
    };
    assert_eq!(Config::from_properties_text(text).unwrap(), expected);
    assert_eq!(
        Config::from_properties_reader(text.as_bytes()).unwrap(),
        expected
    );
    let path = std::env::temp_dir().join(format!("fluss-config-{}.properties", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let read = Config::from_properties(&path);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read.unwrap(), expected);

    let missing = Config::from_properties(&path).unwrap_err().to_string();
    assert!(missing.contains("fluss-config-"), "{missing}");
    let large = vec![b'#'; (1 << 20) + 1];
    for (bytes, expected) in [
        (&b"a=\xff"[..], "UTF-8"),
        (b"\n\nclient.id=\\u12", "line 3"),
        (&large, "1 MiB"),
    ] {
        let error = Config::from_properties_reader(bytes)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_page_in_the_docs_shows_the_table() {
    let key = |option: &ConfigOption| match option.origin {
        Origin::Java => format!("`{}`", option.key),
        Origin::Own => format!("*`{}`*", option.key),
    };
    let code = |text: Option<&str>| match text {
        None => "none".to_owned(),
        Some("") => "empty".to_owned(),
        Some(text) => format!("`{text}`"),
    };
    let mut content =
        String::from("\n| key | type | default | meaning | field |\n|---|---|---|---|---|\n");
    let mut without = String::from(
        "\nAccepted and ignored:\n\n| key | type | meaning | why it is ignored |\n|---|---|---|---|\n",
    );
    for option in options() {
        let (key, kind, meaning) = (key(option), option.kind, option.meaning);
        match option.effect {
            Effect::Sets { field, .. } => {
                let default = code(option.default);
                let fields = field.replace(", ", "`, `");
                let _ = writeln!(
                    content,
                    "| {key} | {kind} | {default} | {meaning} | `{fields}` |"
                );
            }
            Effect::Ignored { because } => {
                let _ = writeln!(without, "| {key} | {kind} | {meaning} | {because} |");
            }
        }
    }
    crate::docs::compare(
        "configuration.md",
        "options",
        &format!("{content}{without}\n"),
    );
}
