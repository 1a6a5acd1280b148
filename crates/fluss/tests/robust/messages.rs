//! What errors say to people: which column, which server, what to do, and no more digits than tell something.

use std::net::SocketAddr;
use std::time::Duration;

use fluss::client::{FlussConnection, Lookuper};
use fluss::config::Config;
use fluss::error::{Error, ErrorKind};
use fluss::metadata::{DataTypes, Schema, TablePath};
use fluss::row::GenericRow;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::support::{Bench, DATABASE, table};

/// A server that answers whatever it is sent with these bytes, and stays silent if there are none.
async fn server_of(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut received = [0; 1024];
                let _ = stream.read(&mut received).await;
                let _ = stream.write_all(answer).await;
                // Stays open until the client has had enough.
                while stream.read(&mut received).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    address
}

async fn refused_by(address: SocketAddr) -> Error {
    let config = Config {
        bootstrap_server: address.to_string(),
        connect_timeout: Duration::from_millis(400),
        call_timeout: Duration::from_millis(900),
        ..Config::default()
    };
    FlussConnection::new(config).await.unwrap_err()
}

/// Fails if a number has more than three digits behind its point, as durations have that nobody rounded.
fn check_digits(text: &str) {
    for number in text.split(|c: char| !(c.is_ascii_digit() || c == '.')) {
        let digits = number.rsplit_once('.').map_or("", |(_, digits)| digits);
        assert!(digits.len() <= 3, "{number} in {text}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_another_protocol_is_named_by_it() {
    for (answer, protocol) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
        (&[0x15, 3, 3, 0, 2, 2, 70], "TLS"),
        (b"220 mail.example.org ESMTP\r\n", "text"),
    ] {
        let address = server_of(answer).await;
        let text = refused_by(address).await.to_string();
        let expected = format!("does not speak the protocol of Fluss, but {protocol}");
        assert!(text.contains(&expected), "{text}");
        assert!(text.contains(&address.to_string()), "{text}");
        check_digits(&text);
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_did_not_answer_the_handshake() {
    let address = server_of(b"").await;
    let text = refused_by(address).await.to_string();
    assert!(
        text.contains("did not answer the handshake within"),
        "{text}"
    );
    check_digits(&text);
}

#[tokio::test(start_paused = true)]
async fn a_scan_of_all_rows_says_which_release_it_needs_and_what_to_do_without() {
    let bench = Bench::new().await;
    let scanner = bench.keyed.new_scan().create_batch_scanner().unwrap();
    let error = scanner.next_batch().await.unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
    for part in ["release 1.0", "limit"] {
        assert!(text.contains(part), "{text}");
    }
    // Any other call that an old server does not have.
    let text = bench
        .admin
        .get_cluster_health()
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("the server does not have it; release 1.0 does"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_prefix_lookup_by_other_columns_names_those_given_and_those_wanted() {
    let bench = Bench::new().await;
    for (columns, given) in [
        (vec!["id"], "id"),
        (vec!["tenant", "id"], "tenant, id"),
        (vec![], "none"),
    ] {
        let columns = columns.into_iter().map(str::to_owned).collect();
        let lookup = bench.keyed.new_lookup().unwrap().lookup_by(columns);
        let error: Error = lookup.create_lookuper().map(|_: Lookuper| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        let expected = format!("takes the columns tenant, got {given}");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_nested_row_of_another_size_is_refused_by_the_name_of_its_column() {
    let bench = Bench::new().await;
    let point = DataTypes::row(vec![
        DataTypes::field("x", DataTypes::int()),
        DataTypes::field("y", DataTypes::int()),
    ]);
    let deep = DataTypes::row(vec![DataTypes::field("inner", point.clone())]);
    for format in ["ARROW", "INDEXED", "COMPACTED"] {
        let schema = Schema::builder()
            .column("id", DataTypes::int())
            .column("place", point.clone())
            .column("way", DataTypes::array(point.clone()))
            .column("deep", deep.clone());
        let name = format!("nested_{}", format.to_lowercase());
        let nested = table(&bench.connection, &name, schema, |table| {
            table.bucket_count(1).property("table.log.format", format)
        })
        .await;
        let writer = nested.new_append().unwrap().create_writer().unwrap();
        let short = || {
            let mut row = GenericRow::new(1);
            row.set_field(0, 1);
            row
        };
        let mut within = GenericRow::new(1);
        within.set_field(0, short());
        for (position, value, column) in [
            (1, fluss::row::Datum::from(short()), "\"place\""),
            (2, fluss::row::Datum::from(vec![short()]), "\"way[0]\""),
            (3, fluss::row::Datum::from(within), "\"deep.inner\""),
        ] {
            let mut row = GenericRow::new(4);
            row.set_field(0, 1);
            row.set_field(position, value);
            let error = writer.append(&row).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(column), "{format}: {text}");
            assert!(
                text.contains("the row has 1 field, its type has 2 columns"),
                "{text}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_no_table_can_have_are_refused_before_anything_is_sent() {
    let bench = Bench::new().await;
    let connection = bench.connect().await.unwrap();
    let admin = connection.get_admin().await.unwrap();
    for (name, hint) in [
        ("", "not empty"),
        ("a b", "letters"),
        ("keyed$changelog", "scan the log of \"keyed\""),
        ("keyed$binlog", "scan the log of \"keyed\""),
        ("keyed$lake", "open the table \"keyed\" in the lake"),
        (
            "keyed$lake$snapshots",
            "open the table \"keyed\" in the lake",
        ),
        ("keyed$other", "letters"),
    ] {
        let path = TablePath::new(DATABASE, name);
        let refused = [
            connection.get_table(&path).await.map(drop).unwrap_err(),
            admin.get_table_info(&path).await.map(drop).unwrap_err(),
            admin
                .get_table_schema(&path, None)
                .await
                .map(drop)
                .unwrap_err(),
            admin.drop_table(&path, true).await.unwrap_err(),
            admin
                .list_partition_infos(&path)
                .await
                .map(drop)
                .unwrap_err(),
            admin
                .get_latest_lake_snapshot(&path)
                .await
                .map(drop)
                .unwrap_err(),
            admin
                .get_latest_kv_snapshots(&path, None)
                .await
                .map(drop)
                .unwrap_err(),
        ];
        for error in refused {
            let text = error.to_string();
            assert_eq!(
                (error.kind(), error.server_code()),
                (ErrorKind::Usage, None),
                "{text}"
            );
            assert!(text.contains(hint), "{text}");
        }
        assert!(!admin.table_exists(&path).await.unwrap());
    }
    let stats = connection.stats();
    for api in [
        "GET_TABLE_INFO",
        "GET_TABLE_SCHEMA",
        "DROP_TABLE",
        "TABLE_EXISTS",
        "LIST_PARTITION_INFOS",
    ] {
        assert_eq!(stats.of_api(api), None, "{api}");
    }
    let missing = connection
        .get_table(&TablePath::new(DATABASE, "missing"))
        .await;
    assert_eq!(missing.map(drop).unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_row_of_another_size_is_told_in_the_singular_and_the_plural() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let text = writer.append(&GenericRow::new(1)).unwrap_err().to_string();
    assert!(
        text.contains("the row has 1 field, the table 2 columns"),
        "{text}"
    );
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    let text = lookuper
        .lookup(&GenericRow::new(1))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("the key has 1 column, expected 2: tenant, id"),
        "{text}"
    );
}

#[test]
fn the_guide_says_what_to_do_for_every_kind_of_error() {
    let guide = include_str!("../../docs/delivery-and-errors.md");
    let source = include_str!("../../../fluss-client/src/error/kind.rs");
    let kinds = source.split("pub enum ErrorKind {").nth(1).unwrap();
    let kinds = kinds.split('}').next().unwrap().lines().map(str::trim);
    let kinds: Vec<_> = kinds.filter_map(|line| line.strip_suffix(',')).collect();
    assert!(kinds.len() > 15 && kinds.contains(&"Internal"), "{kinds:?}");
    for kind in kinds {
        assert!(guide.contains(&format!("`{kind}`")), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn debug_of_an_error_is_its_message_and_its_causes() {
    let config = Config {
        bootstrap_server: "localhost:1".into(),
        connect_timeout: Duration::from_secs(1),
        call_timeout: Duration::from_secs(1),
        ..Config::default()
    };
    let error = FlussConnection::new(config).await.unwrap_err();
    let text = format!("{error:?}");
    assert!(text.starts_with(&error.to_string()), "{text}");
    assert!(
        !text.contains("Error {") && !text.contains("cause:"),
        "{text}"
    );
    // Each cause once.
    assert_eq!(text.matches("refused").count(), 1, "{text}");
}
