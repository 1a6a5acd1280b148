//! A partitioned table that is rescaled again and again while its partitions are made, by its writers and by others: rows go to buckets that
//! their writers did not know of.

use std::collections::BTreeMap;
use std::time::Duration;

use fluss::client::{FlussTable, LogScanner};
use fluss::metadata::{
    DataTypes, OffsetSpec, PartitionSpec, Schema, TableBucket, TableDescriptor, TablePath,
};
use fluss::row::GenericRow;
use fluss_mock::oracle::Violation;
use tokio::time::{Instant, sleep, timeout};

use crate::faults;
use crate::run::{LIMIT, Outcome, run};
use crate::world::{DELIVERY, Kind, World};

const WRITERS: u64 = 2;
/// Rows of each writer, and rows of each partition.
const APPENDS: u64 = 400;
const OF_PARTITION: u64 = 50;
/// Keys of each writer.
const KEYS: u64 = 20;

pub(crate) fn seed(seed: u64) -> Outcome {
    run(seed, Kind::Rescaled, async |world| {
        if timeout(LIMIT, play(world)).await.is_err() {
            world.wrong(format!("not at its end after {LIMIT:?}"));
        }
    })
}

fn partition(count: u64) -> String {
    format!("p{}", count / OF_PARTITION)
}

async fn play(world: &World) {
    let path = TablePath::new("fluss", "rescaled");
    let schema = Schema::builder()
        .column("key", DataTypes::bigint())
        .column("id", DataTypes::bigint())
        .column("part", DataTypes::string());
    let descriptor = TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .distributed_by(Some(3), ["key"])
        .partitioned_by(["part"])
        .property("table.replication.factor", "3")
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap();
    let (writing, other) = (world.connect(1).await, world.connect(2).await);
    let admin = other.get_admin().await.unwrap();
    admin.create_table(&path, &descriptor, false).await.unwrap();
    let mut workers = Vec::new();
    for number in 0..WRITERS {
        world.writer_begins();
        let table = world.open(&writing, &path).await;
        workers.push(tokio::spawn(append(world.clone(), table, number)));
    }
    let scaler = tokio::spawn({
        let (world, path) = (world.clone(), path.clone());
        async move {
            let mut next = 0;
            while world.is_written() {
                world.cluster.rescale(&path, 1 + world.dice.below(6) as i32);
                if world.dice.once_in(2) && next < APPENDS {
                    let spec = PartitionSpec::new([("part", partition(next))]);
                    // Faults may keep it from being made, and its writers make it then.
                    let _ = admin.create_partition(&path, &spec, true).await;
                }
                next += OF_PARTITION;
                sleep(world.dice.millis(0, 3000)).await;
            }
        }
    });
    faults::happen(world.clone()).await;
    for worker in workers {
        worker.await.unwrap();
    }
    scaler.await.unwrap();
    if let Err(error) = writing.close(Duration::from_secs(60)).await {
        world.wrong(format!("close: {error}"));
    }
    let fresh = world.connect(3).await;
    let table = world.open(&fresh, &path).await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    judge(world, &read(world, &scanner).await);
}

async fn append(world: World, table: FlussTable, number: u64) {
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let mut pending = Vec::new();
    for count in 0..APPENDS {
        let id = number << 32 | count;
        let mut row = GenericRow::new(3);
        row.set_field(0, (number * KEYS + count % KEYS) as i64);
        row.set_field(1, id as i64);
        row.set_field(2, partition(count));
        world.oracle(|oracle| oracle.append(number, id));
        match writer.append(&row) {
            Ok(result) => pending.push((id, Instant::now(), result)),
            Err(error) => world.wrong(format!("append: {error}")),
        }
        if world.dice.once_in(5) {
            sleep(world.dice.millis(0, 200)).await;
        }
        if world.dice.once_in(25) || count + 1 == APPENDS {
            for (id, since, result) in pending.drain(..) {
                match world.in_time("an append", since, DELIVERY, result).await {
                    Some(Ok(_)) => world.oracle(|oracle| oracle.acknowledge_append(id)),
                    Some(Err(error)) => {
                        world.failed();
                        if error.server_code() == Some(74) {
                            world.wrong(format!("{error}"));
                        }
                    }
                    None => {}
                }
            }
        }
    }
    world.writer_ends();
}

/// The rows of each bucket, by key and id.
async fn read(world: &World, scanner: &LogScanner) -> BTreeMap<TableBucket, Vec<(u64, u64)>> {
    scanner.subscribe_table(OffsetSpec::Earliest).await.unwrap();
    scanner.read_until(OffsetSpec::Latest).await.unwrap();
    let mut logs = BTreeMap::<_, Vec<_>>::new();
    while !scanner.is_finished() {
        match scanner.poll(Duration::from_secs(1)).await {
            Ok(records) => {
                for (bucket, records) in records.records_by_buckets() {
                    let rows = records.iter().map(|record| {
                        let row = record.row();
                        (row.get_long(0) as u64, row.get_long(1) as u64)
                    });
                    logs.entry(*bucket).or_default().extend(rows);
                }
            }
            Err(error) => world.wrong(format!("a poll: {error}")),
        }
    }
    logs
}

fn judge(world: &World, logs: &BTreeMap<TableBucket, Vec<(u64, u64)>>) {
    let rows = logs
        .values()
        .map(|log| log.iter().map(|(_, id)| *id).collect::<Vec<_>>());
    let mut found = Vec::new();
    world.oracle(|oracle| found = oracle.judge_logs(rows));
    for violation in found {
        // Rows of one key keep their order, which is looked at below; those that moved from several buckets to one need not.
        if !matches!(violation, Violation::Reordered { .. }) {
            world.wrong(format!("rescaled: {violation:?}"));
        }
    }
    for (bucket, log) in logs {
        let mut last = BTreeMap::new();
        for (key, id) in log {
            if last.insert(*key, *id).is_some_and(|before| before >= *id) {
                world.wrong(format!("{bucket:?}: {id} of key {key} after a later one"));
            }
        }
    }
    let mut homes = BTreeMap::new();
    for (bucket, log) in logs {
        for (key, id) in log {
            let home = homes
                .entry((bucket.partition_id(), *key))
                .or_insert(*bucket);
            if home != bucket {
                world.wrong(format!("{id} of key {key} is in {bucket:?}, not {home:?}"));
            }
        }
    }
}
