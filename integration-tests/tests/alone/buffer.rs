//! Two million appends through a write buffer of 8 MiB end, on every flavor of runtime, and in bounded memory.

use std::fs;
use std::time::{Duration, Instant};

use fluss::client::{AppendWriter, FlussConnection, FlussTable};
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TablePath};
use fluss::row::GenericRow;
use tokio::runtime::{Builder, Runtime};

use super::alone;
use super::support::{self, create};

const ROWS: i64 = 2_000_000;
const BUFFER: usize = 8 << 20;
/// The buffer, as much again for what a batch becomes when it is sealed and sent, and what a runtime and its sockets need. All rows
/// together have 90 MB.
const MEMORY_LIMIT: u64 = 2 * BUFFER as u64 + (16 << 20);
/// Far more than such a run takes; far less than for ever.
const LIMIT: Duration = Duration::from_secs(1200);

async fn prepare(test: &str) -> (FlussConnection, FlussTable) {
    let mut config = support::config();
    config.writer_buffer_memory_size = BUFFER;
    let connection = FlussConnection::new(config).await.unwrap();
    let database = support::database(&connection, test).await;
    let schema = Schema::builder()
        .column("a", DataTypes::bigint())
        .column("b", DataTypes::int())
        .column("c", DataTypes::double())
        .column("d", DataTypes::string())
        .build()
        .unwrap();
    let path = TablePath::new(database.as_str(), "log");
    let table = create(&connection, &path, &support::descriptor(schema, 3)).await;
    (connection, table)
}

/// A tight loop, as the documented page shows it.
fn append_all(writer: &AppendWriter) {
    let mut row = GenericRow::new(4);
    for i in 0..ROWS {
        row.set_field(0, i);
        row.set_field(1, i as i32);
        row.set_field(2, i as f64 / 2.0);
        row.set_field(3, "twenty bytes of text");
        writer.append(&row).unwrap();
    }
}

async fn check(connection: &FlussConnection, table: &FlussTable) {
    let admin = connection.get_admin().await.unwrap();
    let ends = admin
        .list_offsets(table.table_path(), &[0, 1, 2], OffsetSpec::Latest)
        .await
        .unwrap();
    assert_eq!(ends.values().sum::<i64>(), ROWS);
    admin.drop_table(table.table_path(), false).await.unwrap();
}

async fn in_block_on(test: &'static str) {
    let (connection, table) = prepare(test).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    append_all(&writer);
    writer.flush().await.unwrap();
    check(&connection, &table).await;
}

async fn in_spawn(test: &'static str) {
    let (connection, table) = prepare(test).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let appending = writer.clone();
    tokio::spawn(async move { append_all(&appending) })
        .await
        .unwrap();
    writer.flush().await.unwrap();
    check(&connection, &table).await;
}

async fn in_select(test: &'static str) {
    let (connection, table) = prepare(test).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    tokio::select! {
        () = async { append_all(&writer) } => {}
        () = tokio::time::sleep(LIMIT) => panic!("the loop did not end"),
    }
    writer.flush().await.unwrap();
    check(&connection, &table).await;
}

/// Memory of this process now (`VmRSS`) or at most since the last reset (`VmHWM`), in bytes.
fn memory(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let value = status
        .lines()
        .find_map(|text| text.strip_prefix(line))
        .unwrap();
    value
        .trim_start_matches(':')
        .trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .unwrap()
        * 1024
}

fn run(runtime: &Runtime, test: impl Future<Output = ()>) {
    // Resets the peak. Source: proc(5), clear_refs.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS");
    let started = Instant::now();
    runtime
        .block_on(async { tokio::time::timeout(LIMIT, test).await })
        .expect("it ends");
    let grown = memory("VmHWM").saturating_sub(before);
    println!(
        "{ROWS} appends over {BUFFER} bytes took {:?} and {grown} bytes",
        started.elapsed()
    );
    assert!(grown <= MEMORY_LIMIT, "memory grew by {grown} bytes");
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(count)
        .enable_all()
        .build()
        .unwrap()
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn two_million_appends_end_on_a_current_thread_runtime() {
    let _alone = alone();
    run(&current_thread(), in_block_on("buffer_current_block_on"));
    run(&current_thread(), in_spawn("buffer_current_spawn"));
    run(&current_thread(), in_select("buffer_current_select"));
}

#[test]
fn two_million_appends_end_with_one_worker() {
    let _alone = alone();
    run(&workers(1), in_block_on("buffer_one_block_on"));
    run(&workers(1), in_spawn("buffer_one_spawn"));
    run(&workers(1), in_select("buffer_one_select"));
}

#[test]
fn two_million_appends_end_with_two_and_with_four_workers() {
    let _alone = alone();
    for count in [2, 4] {
        run(&workers(count), in_block_on("buffer_many_block_on"));
        run(&workers(count), in_spawn("buffer_many_spawn"));
        run(&workers(count), in_select("buffer_many_select"));
    }
}
