//! A server that misbehaves costs a call its deadline, and nothing else: no hang, no panic, no large allocation.

use std::fs;
use std::time::{Duration, Instant};

use fluss_client::config::{Config, Password};
use fluss_client::{EARLIEST_OFFSET, Error, FlussConnection, FlussTable, Result};
use fluss_metadata::TablePath;
use fluss_row::GenericRow;
use fluss_wire::api::ApiKey;

use super::scripted::{Fault, Misbehaviour, ScriptedCluster};

const REQUEST_TIMEOUT: Duration = Duration::from_millis(300);
const CALL_TIMEOUT: Duration = Duration::from_millis(800);
/// The deadline of the slowest call, and room for a busy machine.
const LIMIT: Duration = Duration::from_secs(6);
/// No call may grow the address space by more: the announced frame has 2 GiB.
const MEMORY_LIMIT: u64 = 1 << 30;

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
        let connection = FlussConnection::new(config(cluster)).await?;
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

fn config(cluster: &ScriptedCluster) -> Config {
    Config {
        bootstrap_server: cluster.coordinator.to_string(),
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

/// Most address space that this process ever had, in bytes.
fn peak_address_space() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmPeak:"))
        .and_then(|value| {
            value
                .trim()
                .trim_end_matches(" kB")
                .trim()
                .parse::<u64>()
                .ok()
        });
    kilobytes.unwrap_or(0) * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_to_a_misbehaving_server_fails_within_its_deadline() {
    let before = peak_address_space();
    let mut cases = Vec::new();
    for call in Call::ALL {
        for misbehaviour in Misbehaviour::ALL {
            cases.push(tokio::spawn(async move {
                let fault = Fault {
                    api: call.api(),
                    misbehaviour,
                };
                let primary_key = matches!(call, Call::Lookup);
                let cluster = ScriptedCluster::start(primary_key, Some(fault)).await;
                let started = Instant::now();
                let outcome = tokio::time::timeout(LIMIT, call.make(&cluster)).await;
                (call, misbehaviour, started.elapsed(), outcome)
            }));
        }
    }
    assert_eq!(cases.len(), 35);
    for case in cases {
        let (call, misbehaviour, took, outcome) = case.await.expect("no panic");
        let result: Result<(), Error> = outcome
            .unwrap_or_else(|_| panic!("{call:?} × {misbehaviour:?}: no end after {LIMIT:?}"));
        let error = result.expect_err(&format!("{call:?} × {misbehaviour:?} succeeded"));
        assert!(!error.to_string().is_empty());
        println!("{call:?} × {misbehaviour:?}: {error} ({took:?})");
    }
    let grown = peak_address_space() - before;
    assert!(grown < MEMORY_LIMIT, "address space grew by {grown} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_but_the_write_succeeds_while_the_server_behaves() {
    for call in [Call::Connect, Call::Admin, Call::Poll] {
        let cluster = ScriptedCluster::start(false, None).await;
        call.make(&cluster).await.unwrap();
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
