//! Creates two tables, writes, reads back and looks up: `cargo run --example quickstart`.
//!
//! It starts an in-process cluster unless you pass the address of a real one: `-- --bootstrap HOST:PORT`.

use std::error::Error;
use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussAdmin, FlussConnection};
use fluss::config::Config;
use fluss::metadata::{DataTypes, Schema, TableDescriptor, TablePath};
use fluss::row::GenericRow;
use fluss_mock::MockCluster;

const DATABASE: &str = "quickstart";
const PEOPLE: [(i32, &str, f32); 3] = [(1, "Alice", 95.5), (2, "Bob", 88.0), (3, "Carol", 91.25)];
/// How long to wait for rows that were just written.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Shut down when it is dropped.
    let mock;
    let bootstrap_server = if let Some(address) = bootstrap_from_arguments()? {
        println!("cluster: {address}");
        address
    } else {
        mock = MockCluster::start().await?;
        println!("cluster: in-process mock at {}", mock.bootstrap_servers());
        mock.bootstrap_servers()
    };
    let config = Config {
        bootstrap_server,
        ..Config::default()
    };
    let connection = FlussConnection::new(config).await?;
    let admin = connection.get_admin().await?;
    admin.create_database(DATABASE, None, true).await?;

    let log = TablePath::new(DATABASE, "events");
    create_table(&admin, &log, false).await?;
    append_and_scan(&connection, &log).await?;

    let people = TablePath::new(DATABASE, "people");
    create_table(&admin, &people, true).await?;
    upsert_and_look_up(&connection, &people).await?;
    connection.close(PATIENCE).await?;
    Ok(())
}

fn bootstrap_from_arguments() -> Result<Option<String>, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, None, None) => Ok(None),
        (Some("--bootstrap"), Some(address), None) => Ok(Some(address)),
        _ => Err("usage: quickstart [--bootstrap HOST:PORT] (`cargo xtask cluster up` starts a cluster and prints its address)".into()),
    }
}

/// Re-creates the table, so that the example only reads what it wrote.
async fn create_table(
    admin: &FlussAdmin,
    path: &TablePath,
    primary_key: bool,
) -> Result<(), Box<dyn Error>> {
    let mut schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("name", DataTypes::string())
        .column("score", DataTypes::float());
    if primary_key {
        schema = schema.primary_key(vec!["id"]);
    }
    let descriptor = TableDescriptor::builder()
        .schema(schema.build()?)
        .bucket_count(3)
        .build()?;
    admin.drop_table(path, true).await?;
    admin.create_table(path, &descriptor, false).await?;
    let info = admin.get_table_info(path).await?;
    println!(
        "table {path}: id {}, {} buckets, columns {:?}",
        info.table_id(),
        info.num_buckets(),
        info.schema().column_names()
    );
    Ok(())
}

fn person((id, name, score): (i32, &str, f32)) -> GenericRow<'_> {
    let mut row = GenericRow::new(3);
    row.set_field(0, id);
    row.set_field(1, name);
    row.set_field(2, score);
    row
}

async fn append_and_scan(
    connection: &FlussConnection,
    path: &TablePath,
) -> Result<(), Box<dyn Error>> {
    let table = connection.get_table(path).await?;
    let writer = table.new_append()?.create_writer()?;
    for values in PEOPLE {
        writer.append(&person(values))?;
    }
    writer.flush().await?;

    let scanner = table.new_scan().create_log_scanner()?;
    for bucket in 0..table.get_table_info().num_buckets() {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await?;
    }
    let started = Instant::now();
    let mut seen = 0;
    while seen < PEOPLE.len() {
        if started.elapsed() > PATIENCE {
            return Err(format!("{seen} of {} rows within {PATIENCE:?}", PEOPLE.len()).into());
        }
        let records = scanner.poll(Duration::from_secs(1)).await?;
        for (bucket, bucket_records) in records.records_by_buckets() {
            for record in bucket_records {
                println!(
                    "row {:?} at offset {} of bucket {}",
                    record.row(),
                    record.offset(),
                    bucket.bucket_id()
                );
                seen += 1;
            }
        }
    }
    Ok(())
}

async fn upsert_and_look_up(
    connection: &FlussConnection,
    path: &TablePath,
) -> Result<(), Box<dyn Error>> {
    let table = connection.get_table(path).await?;
    let writer = table.new_upsert()?.create_writer()?;
    for values in PEOPLE {
        writer.upsert(&person(values))?;
    }
    writer.flush().await?;

    let lookuper = table.new_lookup()?.create_lookuper()?;
    let mut key = GenericRow::new(1);
    key.set_field(0, 2);
    match lookuper.lookup(&key).await?.get_single_row()? {
        Some(row) => println!(
            "looked up: id={}, name={}, score={}",
            row.get_int(0),
            row.get_string(1),
            row.get_float(2)
        ),
        None => return Err("the row that was just written was not found".into()),
    }
    Ok(())
}
