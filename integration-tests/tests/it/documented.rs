//! Every snippet of the documented page, as it stands, against the cluster.

use std::time::Duration;

use fluss::metadata::{DataTypes, Schema, TablePath};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::support::{self, connect, create, read};

/// The snippets, put into functions by `build.rs`.
#[allow(
    unused_mut,
    unused_variables,
    unused_imports,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "the documented page is the official one's text"
)]
mod page {
    include!(concat!(env!("OUT_DIR"), "/documented.rs"));
}

/// The address that the page connects to.
const DOCUMENTED_ADDRESS: &str = "127.0.0.1:9123";

/// Makes the cluster reachable at the documented address, unless something listens there already.
async fn forward_documented_address() {
    let Ok(listener) = TcpListener::bind(DOCUMENTED_ADDRESS).await else {
        return;
    };
    let target = support::config().bootstrap_server;
    tokio::spawn(async move {
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            let mut to = TcpStream::connect(target.split(',').next().unwrap())
                .await
                .unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut from, &mut to).await });
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_snippet_of_the_documented_page_runs() {
    forward_documented_address().await;
    tokio::task::spawn_blocking(page::initialization::run)
        .await
        .unwrap()
        .unwrap();

    let conn = connect().await;
    let admin = conn.get_admin().await.unwrap();
    admin.create_database("my_db", None, true).await.unwrap();
    page::create_table(&admin).await.unwrap();
    // Once more: the page says `ignore_if_exists`.
    page::create_table(&admin).await.unwrap();
    let people = TablePath::new("my_db", "my_table");
    let info = admin.get_table_info(&people).await.unwrap();
    assert_eq!(info.num_buckets(), 3);
    assert_eq!(info.primary_keys(), ["id"]);

    // The page appends to a table with a primary key, which Fluss refuses: rows are appended to a log table of the same columns.
    assert!(page::append(&conn, people.clone()).await.is_err());
    let database = support::database(&conn, "documented").await;
    let log = TablePath::new(database.as_str(), "log");
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .column("score", DataTypes::float())
        .build()
        .unwrap();
    let table = create(&conn, &log, &support::descriptor(schema, 1)).await;
    page::append(&conn, log.clone()).await.unwrap();
    let records = read(&table, 1).await;
    let row = records[&0][0].row();
    assert_eq!(
        (row.get_int(0), row.get_string(1), row.get_float(2)),
        (1, "Alice", 95.5)
    );

    page::upsert(&conn, people.clone()).await.unwrap();
    let table_of_people = conn.get_table(&people).await.unwrap();
    page::lookup(table_of_people.clone()).await.unwrap();
    let mut key = fluss::row::GenericRow::new(1);
    key.set_field(0, 1);
    let found = table_of_people
        .new_lookup()
        .unwrap()
        .create_lookuper()
        .unwrap()
        .lookup(&key)
        .await
        .unwrap();
    let found = found
        .get_single_row()
        .unwrap()
        .expect("the row that the page upserts");
    assert_eq!(
        (found.get_int(0), found.get_string(1), found.get_float(2)),
        (1, "Bob", 88.0)
    );

    // The loop of the page has no end: it gets one from outside, and has failed only if it ends by itself.
    let scan = tokio::time::timeout(Duration::from_secs(3), page::scan(table)).await;
    assert!(scan.is_err(), "the loop of the page ended: {scan:?}");
}
