//! A connection that outlives the runtime it was made on: whatever is called on it, from any runtime or from none, fails at once and says
//! that it is closed.

use std::fmt::Debug;
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::{Duration, Instant};

use fluss::client::EARLIEST_OFFSET;
use fluss::error::{ErrorKind, Result};
use fluss::metadata::{OffsetSpec, TableBucket};
use fluss_mock::ApiKey;
use fluss_mock::fault::{self, Fault};
use futures::StreamExt;
use tokio::runtime::{Builder, Runtime};

use super::support::{Bench, connect, key, keyed_row, log_row};

/// Far below every timeout of the connection, and long for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(30);

/// Longer than any call here may take.
const LONG: Duration = Duration::from_secs(600);

type Call = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on no runtime at all.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn multi_thread() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What ends a runtime.
type End = fn(Runtime);

/// The runtimes that a connection is made on, and how each ends.
fn endings() -> Vec<(&'static str, Runtime, End)> {
    vec![
        ("multi-thread, dropped", multi_thread(), drop),
        (
            "multi-thread, in the background",
            multi_thread(),
            |runtime| {
                runtime.shutdown_background();
            },
        ),
        ("multi-thread, with a timeout", multi_thread(), |runtime| {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }),
        ("current-thread, dropped", current_thread(), drop),
    ]
}

/// Runs a future on a thread of its own, on a runtime of some kind or on none. Without an end it is left to itself.
fn run<T: Send + 'static>(
    caller: &str,
    what: &str,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let (ended, end) = mpsc::channel();
    let on = caller.to_owned();
    thread::spawn(move || {
        let output = match on.as_str() {
            "multi-thread" => multi_thread().block_on(future),
            "current-thread" => current_thread().block_on(future),
            _ => block_on(future),
        };
        let _ = ended.send(output);
    });
    let began = Instant::now();
    match end.recv_timeout(AT_ONCE) {
        Ok(output) => output,
        Err(error) => panic!("{what} from {caller}: {error} after {:?}", began.elapsed()),
    }
}

/// A bench whose servers live on a runtime that stays, with a connection made on another one. Every timeout is long.
fn bench(servers: &Runtime, runtime: &Runtime) -> Bench {
    let mut bench = servers.block_on(Bench::new());
    let config = &mut bench.config;
    config.request_timeout = LONG;
    config.call_timeout = LONG;
    config.writer_delivery_timeout = LONG;
    config.writer_buffer_wait_timeout = LONG;
    let (log, keyed) = (bench.log.clone(), bench.keyed.clone());
    runtime.block_on(async {
        let connection = connect(&bench.cluster, &bench.config).await.unwrap();
        bench.admin = connection.get_admin().await.unwrap();
        bench.log = connection.get_table(log.table_path()).await.unwrap();
        bench.keyed = connection.get_table(keyed.table_path()).await.unwrap();
        bench.connection = connection;
    });
    bench
}

/// Calls of every kind, by handles that were used before.
fn calls(bench: &Bench, used: &Used) -> Vec<(&'static str, Call)> {
    let (log, keyed) = (bench.log.clone(), bench.keyed.clone());
    let (admin, connection) = (bench.admin.clone(), bench.connection.clone());
    let mut calls: Vec<(&'static str, Call)> = Vec::new();
    macro_rules! call {
        ($name:literal, [$($handle:ident = $value:expr),*], $body:expr) => {{
            $(let $handle = $value.clone();)*
            calls.push(($name, Box::pin(async move { $body })));
        }};
    }
    call!("poll of a new scanner", [log = log], {
        let scanner = log.new_scan().create_log_scanner()?;
        scanner.subscribe(0, EARLIEST_OFFSET).await?;
        scanner.poll(LONG).await.map(drop)
    });
    call!("poll of a new batch scanner", [log = log], {
        let scanner = log.new_scan().create_record_batch_log_scanner()?;
        scanner.subscribe(0, EARLIEST_OFFSET).await?;
        scanner.poll(LONG).await.map(drop)
    });
    call!("a new stream", [log = log], {
        let scanner = log.new_scan().create_log_scanner()?;
        scanner.subscribe(0, EARLIEST_OFFSET).await?;
        let mut stream = scanner.into_stream();
        stream.next().await.expect("an error comes first").map(drop)
    });
    call!("limit scan", [keyed = keyed], {
        let bucket = TableBucket::new(keyed.get_table_info().table_id(), 0);
        let limited = keyed.new_scan().limit(3)?;
        let scanner = limited.create_bucket_batch_scanner(bucket)?;
        scanner.next_batch().await.map(drop)
    });
    call!(
        "lookup",
        [lookuper = used.lookuper],
        lookuper.lookup(&key(0, 0)).await.map(drop)
    );
    call!("new lookup", [keyed = keyed], {
        let lookuper = keyed.new_lookup()?.create_lookuper()?;
        lookuper.lookup(&key(0, 0)).await.map(drop)
    });
    call!(
        "append",
        [writer = used.appends],
        writer.append(&log_row(1))?.await.map(drop)
    );
    call!("append_async", [writer = used.appends], {
        writer.append_async(&log_row(1)).await?.await.map(drop)
    });
    call!("append by a new writer", [log = log], {
        let writer = log.new_append()?.create_writer()?;
        writer.append(&log_row(1))?.await.map(drop)
    });
    call!("upsert", [writer = used.upserts], {
        writer.upsert(&keyed_row(0, 1, "after"))?.await.map(drop)
    });
    call!("upsert_async", [writer = used.upserts], {
        let written = writer.upsert_async(&keyed_row(0, 1, "after")).await;
        written?.await.map(drop)
    });
    call!("upsert by a new writer", [keyed = keyed], {
        let writer = keyed.new_upsert()?.create_writer()?;
        writer.upsert(&keyed_row(0, 1, "after"))?.await.map(drop)
    });
    call!(
        "list_databases",
        [admin = admin],
        admin.list_databases().await.map(drop)
    );
    call!("create_database", [admin = admin], {
        admin.create_database("after", None, true).await
    });
    call!("list_offsets", [admin = admin, log = log], {
        let path = log.table_path();
        let offsets = admin.list_offsets(path, &[0, 1], OffsetSpec::Latest);
        offsets.await.map(drop)
    });
    call!(
        "get_server_nodes",
        [admin = admin],
        admin.get_server_nodes().await.map(drop)
    );
    call!("get_table", [connection = connection, log = log], {
        connection.get_table(log.table_path()).await.map(drop)
    });
    calls
}

/// Handles that were used while the runtime was there.
struct Used {
    appends: fluss::client::AppendWriter,
    upserts: fluss::client::UpsertWriter,
    lookuper: fluss::client::Lookuper,
}

impl Used {
    async fn new(bench: &Bench) -> Self {
        let used = Self {
            appends: bench.log.new_append().unwrap().create_writer().unwrap(),
            upserts: bench.keyed.new_upsert().unwrap().create_writer().unwrap(),
            lookuper: bench.keyed.new_lookup().unwrap().create_lookuper().unwrap(),
        };
        used.appends.append(&log_row(1)).unwrap().await.unwrap();
        let upserted = used.upserts.upsert(&keyed_row(0, 1, "before"));
        upserted.unwrap().await.unwrap();
        used.lookuper.lookup(&key(0, 0)).await.unwrap();
        used
    }
}

fn assert_closed<T: Debug>(what: &str, outcome: Result<T>) {
    let error = outcome.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::Closed, "{what}: {error}");
}

#[test]
fn whatever_is_called_after_the_runtime_ended_says_closed() {
    let servers = multi_thread();
    for (ending, runtime, end) in endings() {
        let bench = bench(&servers, &runtime);
        let used = runtime.block_on(Used::new(&bench));
        end(runtime);
        for caller in ["multi-thread", "current-thread", "no runtime"] {
            for (name, call) in calls(&bench, &used) {
                let what = format!("{name} ({ending})");
                assert_closed(&what, run(caller, &what, call));
            }
        }
        // What was written was acknowledged: nothing is left to be told.
        let (writer, connection) = (used.appends.clone(), bench.connection.clone());
        let flushed = run("no runtime", "flush", async move { writer.flush().await });
        flushed.unwrap();
        let closed = run("no runtime", "close", async move {
            connection.close(LONG).await
        });
        closed.unwrap();
    }
}

#[test]
fn whatever_is_under_way_when_the_runtime_ends_says_closed() {
    let servers = multi_thread();
    for (ending, runtime, end) in endings() {
        // On a current-thread runtime nothing is driven while nobody blocks on it: there calls have no way to be under way.
        if ending.starts_with("current") {
            continue;
        }
        let bench = bench(&servers, &runtime);
        let used = runtime.block_on(Used::new(&bench));
        let scanner = bench.log.new_scan().create_log_scanner().unwrap();
        let stream = bench.log.new_scan().create_log_scanner().unwrap();
        runtime.block_on(async {
            let offset = fluss::client::LATEST_OFFSET;
            scanner.subscribe(0, offset).await.unwrap();
            stream.subscribe(0, offset).await.unwrap();
        });
        for api in [
            ApiKey::Lookup,
            ApiKey::ProduceLog,
            ApiKey::PutKv,
            ApiKey::ListDatabases,
            ApiKey::CreateDatabase,
        ] {
            bench.cluster.inject(fault::on(api).before(Fault::Stall));
        }
        let mut stream = stream.into_stream();
        let (admin, creating) = (bench.admin.clone(), bench.admin.clone());
        let (writer, flushing) = (used.appends.clone(), used.appends.clone());
        let closing = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
        drop(closing.upsert(&keyed_row(1, 7, "unsent")).unwrap());
        drop(writer.append(&log_row(7)).unwrap());
        let unsent = used.upserts.upsert(&keyed_row(0, 7, "unsent")).unwrap();
        let lookuper = used.lookuper;
        let calls: Vec<(&str, Call)> = vec![
            (
                "poll",
                Box::pin(async move { scanner.poll(LONG).await.map(drop) }),
            ),
            (
                "stream",
                Box::pin(async move {
                    let first = stream.next().await.expect("an error comes first");
                    assert!(stream.next().await.is_none(), "then it ends");
                    first.map(drop)
                }),
            ),
            (
                "lookup",
                Box::pin(async move { lookuper.lookup(&key(0, 0)).await.map(drop) }),
            ),
            ("flush", Box::pin(async move { flushing.flush().await })),
            ("an upsert", Box::pin(async move { unsent.await.map(drop) })),
            (
                "list_databases",
                Box::pin(async move { admin.list_databases().await.map(drop) }),
            ),
            (
                "create_database",
                Box::pin(async move { creating.create_database("x", None, true).await }),
            ),
            (
                "close of a writer",
                Box::pin(async move { closing.close(LONG).await }),
            ),
        ];
        let (ended, ends) = mpsc::channel();
        for (name, call) in calls {
            let ended = ended.clone();
            thread::spawn(move || {
                let outcome = block_on(call);
                let _ = ended.send((name, outcome));
            });
        }
        drop(ended);
        // All of them have begun to wait by then, or they find the runtime gone: either must end.
        thread::sleep(Duration::from_millis(300));
        end(runtime);
        let mut count = 0;
        while count < 8 {
            let (name, outcome) = ends.recv_timeout(AT_ONCE).expect(ending);
            let what = format!("{name} ({ending})");
            assert_closed(&what, outcome);
            count += 1;
        }
    }
}

/// A connection with a thread of its own goes on when the runtime it was made on ends.
#[test]
fn a_connection_with_a_thread_of_its_own_survives() {
    let servers = multi_thread();
    let bench = servers.block_on(Bench::new());
    let runtime = current_thread();
    let connection = runtime.block_on(async {
        let mut config = bench.config.clone();
        config.driver_placement = fluss::config::DriverPlacement::Auto;
        connect(&bench.cluster, &config).await.unwrap()
    });
    drop(runtime);
    let path = bench.log.table_path().clone();
    for caller in ["multi-thread", "current-thread", "no runtime"] {
        let (connection, path) = (connection.clone(), path.clone());
        let read = run(caller, "a scan", async move {
            let table = connection.get_table(&path).await.unwrap();
            let scanner = table.new_scan().create_log_scanner().unwrap();
            for bucket in 0..2 {
                scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
            }
            scanner.read_until(OffsetSpec::Latest).await.unwrap();
            let mut read = 0;
            while !scanner.is_finished() {
                read += scanner.poll(LONG).await.unwrap().count();
            }
            read
        });
        assert_eq!(read, 20, "{caller}");
    }
}
