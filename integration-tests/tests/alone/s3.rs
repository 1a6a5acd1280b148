//! Log segments in S3: the servers write them to a store, the client reads them with credentials that the servers hand out.

use std::path::Path;
use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable, LogScanner};
use fluss::config::Config;
use fluss::metadata::{DataTypes, OffsetSpec, Schema, TableDescriptor, TablePath};
use fluss::row::GenericRow;
use integration_tests::own_cluster::OwnCluster;
use integration_tests::s3::S3Server;

use super::alone;
use super::support::{PATIENCE, config, create, database};

const ROWS: i64 = 6000;

fn text(id: i64) -> String {
    format!("{id:0>90}")
}

/// A table of one bucket whose segments do not stay on the server's disk once they were moved.
pub(crate) async fn moved_table(connection: &FlussConnection, database: &str) -> FlussTable {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string());
    let descriptor = TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(1)
        .property("table.log.tiered.local-segments", "1")
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap();
    create(connection, &TablePath::new(database, "t"), &descriptor).await
}

/// Rows of about 100 bytes: with segments of 64 KiB, many of them.
pub(crate) async fn write(table: &FlussTable) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in 0..ROWS {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        row.set_field(1, text(id));
        writer.append(&row).unwrap();
        if id % 100 == 99 {
            writer.flush().await.unwrap();
        }
    }
}

/// Servers hand out the same credentials for so long, whatever became of them.
const KEPT_BY_SERVERS: Duration = Duration::from_secs(60);

/// Reads the table from its beginning to its end.
async fn read(scanner: &LogScanner) {
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut next = 0;
    let started = Instant::now();
    while !scanner.is_finished() {
        assert!(
            started.elapsed() < KEPT_BY_SERVERS + PATIENCE,
            "{next} of {ROWS} rows"
        );
        for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
            let row = record.row();
            assert_eq!((record.offset(), row.get_long(0)), (next, next));
            assert_eq!(row.get_string(1), text(next));
            next += 1;
        }
    }
    assert_eq!(next, ROWS);
}

/// Files with segments of logs.
pub(crate) fn count_logs(dir: &Path) -> usize {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let counts = entries.map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            count_logs(&path)
        } else {
            usize::from(path.extension().is_some_and(|end| end == "log"))
        }
    });
    counts.sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is what keeps tests apart, and no task of this test takes it"
)]
async fn segments_in_s3_are_read_with_credentials_that_the_servers_hand_out_and_renew() {
    let _alone = alone();
    let store = S3Server::start().await;
    let cluster = OwnCluster::start(&["--s3", store.endpoint()]).await;
    cluster.run(write_and_read(&store, &cluster)).await;
}

async fn write_and_read(store: &S3Server, cluster: &OwnCluster) {
    // Credentials that the store no longer takes are handed out again for a minute: as long as calls are repeated by default, so that a
    // poll would return the store's refusal on a busy machine.
    let config = Config {
        call_timeout: KEPT_BY_SERVERS + PATIENCE,
        ..config()
    };
    let connection = FlussConnection::new(config).await.unwrap();
    let database = database(&connection, "s3").await;
    let table = moved_table(&connection, &database).await;
    write(&table).await;
    let started = Instant::now();
    let kept = || count_logs(&cluster.data_of(0).join(&database));
    while store.objects(".log") < 5 || kept() > 3 {
        assert!(
            started.elapsed() < PATIENCE * 2,
            "{} segments moved, {} kept",
            store.objects(".log"),
            kept()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let before = store.sessions();
    let scanner = table.new_scan().create_log_scanner().unwrap();
    read(&scanner).await;
    let reads = store.reads();
    assert!(reads >= store.objects(".log"), "{reads} reads");
    let handed_out = store.sessions() - before;
    assert!(
        handed_out <= 1,
        "one session for a connection, not {handed_out}"
    );
    assert_eq!(store.refusals(), 0);

    // Sessions that the store no longer takes are replaced, in the same connection.
    store.end_sessions();
    read(&scanner).await;
    assert!(store.reads() > reads);
    assert!(store.refusals() >= 1);
    assert!(store.sessions() > before + handed_out);
}
