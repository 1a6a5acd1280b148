//! One seed, from its beginning to its end.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fluss::metadata::OffsetSpec;
use fluss::record::ChangeType;
use fluss_mock::oracle::Violation;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::readers::{self, Log};
use crate::world::{BUCKETS, Kind, World};
use crate::{faults, writers};

/// After which everything must have ended, faults and all.
pub(crate) const LIMIT: Duration = Duration::from_secs(900);
const APPENDERS: u64 = 2;
const PUTTERS: u64 = 2;

/// What came of a seed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) operations: u64,
    pub(crate) failures: u64,
    /// A fingerprint of what was asked of the servers, and when.
    pub(crate) requests: u64,
    pub(crate) took: Duration,
    pub(crate) wrong: Vec<String>,
}

pub(crate) fn seed(seed: u64, kind: Kind) -> Outcome {
    run(seed, kind, async |world| {
        if timeout(LIMIT, play(world)).await.is_err() {
            let at = world.where_it_is();
            world.wrong(format!("not at its end after {LIMIT:?}: {at}"));
        }
    })
}

/// Plays a world of this seed and kind, and says what came of it.
pub(crate) fn run(seed: u64, kind: Kind, play: impl AsyncFnOnce(&World)) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let started = Instant::now();
        let world = World::new(seed, kind).await;
        play(&world).await;
        let (operations, failures, wrong) = world.tally();
        let mut requests = DefaultHasher::new();
        for request in world.cluster.journal() {
            let at = (request.at - started).as_nanos();
            (
                at,
                request.server,
                request.connection,
                request.api,
                request.id,
            )
                .hash(&mut requests);
        }
        Outcome {
            operations,
            failures,
            requests: requests.finish(),
            took: started.elapsed(),
            wrong,
        }
    })
}

async fn play(world: &World) {
    let (writing, reading) = (world.connect(1).await, world.connect(2).await);
    let (ends_of_log, log_ends) = watch::channel(None);
    let (ends_of_changes, change_ends) = watch::channel(None);
    let log = world.open(&reading, &world.log).await;
    let keys = world.open(&reading, &world.keys).await;
    let log_reader = tokio::spawn(readers::read(world.clone(), log, log_ends));
    let changes_reader = tokio::spawn(readers::read(world.clone(), keys.clone(), change_ends));

    let mut workers = Vec::new();
    for number in 0..APPENDERS {
        world.writer_begins();
        let table = world.open(&writing, &world.log).await;
        workers.push(tokio::spawn(writers::append(world.clone(), table, number)));
    }
    for number in 0..PUTTERS {
        world.writer_begins();
        let table = world.open(&writing, &world.keys).await;
        let work = writers::put(world.clone(), table, keys.clone(), number);
        workers.push(tokio::spawn(work));
    }
    world.at("faults");
    faults::happen(world.clone()).await;
    world.at("writing");
    for worker in workers {
        worker.await.unwrap();
    }
    world.at("closing");
    if let Err(error) = writing.close(Duration::from_secs(60)).await {
        world.wrong(format!("close: {error}"));
    }

    // Everything is written. Somebody who has seen none of this finds out where the logs end.
    world.at("asking for the ends");
    let fresh = world.connect(3).await;
    let admin = fresh.get_admin().await.unwrap();
    let buckets = (0..BUCKETS).collect::<Vec<_>>();
    for (path, tell) in [(&world.log, &ends_of_log), (&world.keys, &ends_of_changes)] {
        let found = admin.list_offsets(path, &buckets, OffsetSpec::Latest).await;
        let ends = found.unwrap().into_iter().collect::<BTreeMap<_, _>>();
        tell.send_replace(Some(ends));
    }
    // Who began before the faults has read what one reads who begins after them.
    let mut read = Vec::new();
    for (path, ends) in [(&world.log, &ends_of_log), (&world.keys, &ends_of_changes)] {
        let table = world.open(&fresh, path).await;
        read.push(readers::read(world.clone(), table, ends.subscribe()).await);
    }
    let (logs, changes) = (log_reader.await.unwrap(), changes_reader.await.unwrap());
    for (name, before, after) in [("log", &logs, &read[0]), ("changelog", &changes, &read[1])] {
        if before != after {
            world.wrong(format!("two scanners of the {name} read different things"));
        }
    }
    judge_log(world, &logs);
    judge_keys(world, &fresh, &changes).await;
}

fn judge_log(world: &World, logs: &BTreeMap<i32, Log>) {
    let rows = logs.values();
    let rows = rows.map(|log| log.iter().map(|(_, _, id, _)| *id).collect::<Vec<_>>());
    let mut found = Vec::new();
    world.oracle(|oracle| found = oracle.judge_logs(rows));
    for violation in found {
        let is_repeated = matches!(
            violation,
            Violation::Duplicated { .. } | Violation::Reordered { .. }
        );
        if is_repeated && world.kind == Kind::ForgetfulServers {
            continue;
        }
        world.wrong(format!("log: {violation:?}"));
    }
}

/// Lookups and the changelog must tell the same, and the oracle must agree.
async fn judge_keys(
    world: &World,
    connection: &fluss::client::FlussConnection,
    changes: &BTreeMap<i32, Log>,
) {
    let mut values = BTreeMap::new();
    for log in changes.values() {
        for (_, change, key, value) in log {
            match change {
                ChangeType::Insert | ChangeType::UpdateAfter => values.insert(*key, *value),
                ChangeType::Delete => values.remove(key),
                _ => None,
            };
        }
    }
    let mut keys = Vec::new();
    world.oracle(|oracle| keys = oracle.keys().collect());
    let table = world.open(connection, &world.keys).await;
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    for key in keys {
        world.oracle_says(key, values.get(&key).copied());
        if !writers::check(world, &lookuper, key).await {
            world.wrong(format!("key {key} cannot be looked up after the faults"));
        }
    }
}
