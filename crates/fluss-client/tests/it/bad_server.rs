//! A server that misbehaves costs a call its deadline, and nothing else: no hang, no panic, no large allocation.

use std::sync::Arc;
use std::time::Duration;

use alloc_probe::largest;
use fluss_client::config::{Config, DriverPlacement, Password};
use fluss_client::{EARLIEST_OFFSET, Error, FlussConnection, FlussTable, Result};
use fluss_metadata::TablePath;
use fluss_row::GenericRow;
use fluss_wire::api::ApiKey;
use tokio::time::Instant;

use super::scripted::{Fault, Misbehavior, ScriptedCluster};

const REQUEST_TIMEOUT: Duration = Duration::from_millis(300);
const CALL_TIMEOUT: Duration = Duration::from_millis(800);
/// The time of the slowest call, which is the poll, and of the calls before it. Time is paused: no machine is too slow for it.
const LIMIT: Duration = Duration::from_secs(6);
/// No call may take more at once: the announced frame has 2 GiB.
const MEMORY_LIMIT: usize = 64 << 20;

/// The calls of a program, and the API that each stands or falls with.
#[derive(Debug, Clone, Copy)]
enum Call {
    Connect,
    Admin,
    AppendAndFlush,
    Lookup,
    Poll,
}

impl Call {
    const ALL: [Self; 5] = [
        Self::Connect,
        Self::Admin,
        Self::AppendAndFlush,
        Self::Lookup,
        Self::Poll,
    ];

    fn api(self) -> ApiKey {
        match self {
            Self::Connect => ApiKey::ApiVersions,
            Self::Admin => ApiKey::ListDatabases,
            Self::AppendAndFlush => ApiKey::ProduceLog,
            Self::Lookup => ApiKey::Lookup,
            Self::Poll => ApiKey::FetchLog,
        }
    }

    async fn make(self, cluster: &ScriptedCluster) -> Result<()> {
        let builder = FlussConnection::builder(config());
        let connection = builder.dialer(Arc::new(cluster.clone())).connect().await?;
        let table = |path: &'static str| connection.get_table_owned(path);
        match self {
            Self::Connect => Ok(()),
            Self::Admin => connection
                .get_admin()
                .await?
                .list_databases()
                .await
                .map(drop),
            Self::AppendAndFlush => append_and_flush(&table("log").await?).await,
            Self::Lookup => lookup(&table("kv").await?).await,
            Self::Poll => poll(&table("log").await?).await,
        }
    }
}

/// The table of that name in the scripted database.
trait Tables {
    async fn get_table_owned(&self, name: &str) -> Result<FlussTable>;
}

impl Tables for FlussConnection {
    async fn get_table_owned(&self, name: &str) -> Result<FlussTable> {
        self.get_table(&TablePath::new("db", name)).await
    }
}

fn config() -> Config {
    Config {
        bootstrap_server: ScriptedCluster::bootstrap_server(),
        driver_placement: DriverPlacement::CallerRuntime,
        connect_timeout: REQUEST_TIMEOUT,
        request_timeout: REQUEST_TIMEOUT,
        call_timeout: CALL_TIMEOUT,
        writer_delivery_timeout: CALL_TIMEOUT,
        scanner_fetch_wait_max_time: Duration::from_millis(100),
        ..Config::default()
    }
}

async fn append_and_flush(table: &FlussTable) -> Result<()> {
    let writer = table.new_append()?.create_writer()?;
    let mut row = GenericRow::new(2);
    row.set_field(0, 1);
    row.set_field(1, "a");
    writer.append(&row)?;
    writer.flush().await
}

async fn lookup(table: &FlussTable) -> Result<()> {
    let lookuper = table.new_lookup()?.create_lookuper()?;
    let mut key = GenericRow::new(1);
    key.set_field(0, 1);
    lookuper.lookup(&key).await.map(drop)
}

async fn poll(table: &FlussTable) -> Result<()> {
    let scanner = table.new_scan().create_log_scanner()?;
    scanner.subscribe(0, EARLIEST_OFFSET).await?;
    scanner.poll(Duration::from_secs(4)).await.map(drop)
}

/// On one thread, so that every allocation is made on it.
fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test);
}

#[test]
fn every_call_to_a_misbehaving_server_fails_within_its_deadline() {
    let mut cases = 0;
    for call in Call::ALL {
        for misbehavior in Misbehavior::ALL {
            let ((), most) = largest(|| run(fails_in_time(call, misbehavior)));
            assert!(
                most < MEMORY_LIMIT,
                "{call:?} × {misbehavior:?}: {most} bytes at once"
            );
            cases += 1;
        }
    }
    assert_eq!(cases, 35);
}

async fn fails_in_time(call: Call, misbehavior: Misbehavior) {
    let fault = Fault {
        api: call.api(),
        misbehavior,
    };
    let cluster = ScriptedCluster::new(matches!(call, Call::Lookup), Some(fault));
    let started = Instant::now();
    let outcome = tokio::time::timeout(LIMIT, call.make(&cluster)).await;
    let took = started.elapsed();
    let result: Result<(), Error> =
        outcome.unwrap_or_else(|_| panic!("{call:?} × {misbehavior:?}: no end after {LIMIT:?}"));
    let error = result.expect_err(&format!("{call:?} × {misbehavior:?} succeeded"));
    assert!(!error.to_string().is_empty());
    println!("{call:?} × {misbehavior:?}: {error} ({took:?})");
}

#[test]
fn every_call_but_the_write_succeeds_while_the_server_behaves() {
    for call in [Call::Connect, Call::Admin, Call::Poll] {
        run(async {
            let cluster = ScriptedCluster::new(false, None);
            call.make(&cluster).await.unwrap();
        });
    }
}

#[test]
fn passwords_do_not_show_in_errors_or_debug() {
    let config = Config {
        sasl_password: Password::from("hunter2"),
        ..Config::default()
    };
    assert!(!format!("{config:?}").contains("hunter2"));
}
