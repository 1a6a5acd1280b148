//! SASL/PLAIN: who may come in, and who may not.

use fluss::client::FlussConnection;
use fluss::config::{Config, SecurityProtocol};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, Schema, TablePath};
use fluss::row::GenericRow;
use integration_tests::cluster::sasl_bootstrap_servers;

use super::support::{self, PATIENCE, create, read};

fn config(user: &str, password: &str) -> Config {
    Config {
        bootstrap_server: sasl_bootstrap_servers(),
        security_protocol: SecurityProtocol::SaslPlain,
        sasl_username: user.to_owned(),
        sasl_password: password.into(),
        ..Config::default()
    }
}

pub(crate) async fn the_right_password_writes_and_reads() {
    let connection = FlussConnection::new(config("admin", "admin-pass"))
        .await
        .unwrap();
    let database = support::database(&connection, "sasl").await;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .build()
        .unwrap();
    let path = TablePath::new(database.as_str(), "log");
    let table = create(&connection, &path, &support::descriptor(schema, 2)).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for i in 0..100_i64 {
        let mut row = GenericRow::new(1);
        row.set_field(0, i);
        writer.append(&row).unwrap();
    }
    writer.flush().await.unwrap();
    assert_eq!(
        read(&table, 100)
            .await
            .values()
            .map(Vec::len)
            .sum::<usize>(),
        100
    );
}

pub(crate) async fn a_wrong_password_is_an_authentication_error_that_does_not_show_it() {
    // Whoever repeated it would do so for longer than this test waits.
    let config = Config {
        call_timeout: 10 * PATIENCE,
        ..config("admin", "hunter2")
    };
    let refused = tokio::time::timeout(PATIENCE, FlussConnection::new(config)).await;
    let error = refused.expect("it is not repeated").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
    assert!(!error.is_retriable());
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

pub(crate) async fn no_password_where_one_is_needed_is_an_error_within_the_deadline() {
    let config = Config {
        bootstrap_server: sasl_bootstrap_servers(),
        call_timeout: std::time::Duration::from_secs(5),
        ..Config::default()
    };
    let error = FlussConnection::new(config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication, "{error}");
}
