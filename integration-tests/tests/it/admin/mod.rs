//! Every call of the administration, each asserting what came back.

pub(crate) mod acl;
pub(crate) mod alter_table;
pub(crate) mod cluster;
pub(crate) mod database;
pub(crate) mod kv_snapshot;
pub(crate) mod lake_snapshot;
pub(crate) mod newer;
pub(crate) mod offsets;
pub(crate) mod partition;
pub(crate) mod producer_offsets;
pub(crate) mod table;

use std::time::{Duration, Instant};

use fluss::client::{FlussAdmin, FlussConnection, FlussTable};
use fluss::config::{Config, SecurityProtocol};
use fluss::metadata::{DataTypes, Schema, TablePath};
use fluss::row::GenericRow;
use integration_tests::cluster::sasl_bootstrap_servers;

use super::support::{self, PATIENCE, connect, create};

/// A connection, its admin, and a database of the test's own.
async fn start(test: &str) -> (FlussConnection, FlussAdmin, String) {
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let database = support::database(&connection, test).await;
    (connection, admin, database)
}

/// The same by a super user on the SASL listener. A server with access rules filters lists even for its own listener, where everybody
/// may do everything and nobody sees anything.
async fn start_listed(test: &str) -> (FlussConnection, FlussAdmin, String) {
    let connection = connect_as("admin", "admin-pass").await;
    let admin = connection.get_admin().await.unwrap();
    let database = support::database(&connection, test).await;
    (connection, admin, database)
}

/// A connection as a user of the SASL listener.
async fn connect_as(user: &str, password: &str) -> FlussConnection {
    FlussConnection::new(Config {
        bootstrap_server: sasl_bootstrap_servers(),
        security_protocol: SecurityProtocol::SaslPlain,
        sasl_username: user.to_owned(),
        sasl_password: password.into(),
        ..Config::default()
    })
    .await
    .unwrap()
}

fn log_schema() -> Schema {
    Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .build()
        .unwrap()
}

fn keyed_schema() -> Schema {
    Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .primary_key(vec!["id"])
        .build()
        .unwrap()
}

async fn log_table(connection: &FlussConnection, path: &TablePath, buckets: i32) -> FlussTable {
    create(
        connection,
        path,
        &support::descriptor(log_schema(), buckets),
    )
    .await
}

async fn keyed_table(connection: &FlussConnection, path: &TablePath, buckets: i32) -> FlussTable {
    create(
        connection,
        path,
        &support::descriptor(keyed_schema(), buckets),
    )
    .await
}

async fn append(table: &FlussTable, ids: std::ops::Range<i32>) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in ids {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, "appended");
        writer.append(&row).unwrap();
    }
    writer.flush().await.unwrap();
}

async fn upsert(table: &FlussTable, ids: std::ops::Range<i32>) {
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for id in ids {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, "upserted");
        writer.upsert(&row).unwrap();
    }
    writer.flush().await.unwrap();
}

/// Asks until the answer is there.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(started.elapsed() < PATIENCE, "{what} within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
