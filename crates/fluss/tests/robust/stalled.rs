//! A bucket whose server does not answer holds up its own lookups, and no others, however many connections they share.

use std::collections::BTreeMap;
use std::time::Duration;

use fluss::client::{FlussTable, Lookuper};
use fluss::metadata::{DataTypes, Schema};
use fluss::row::GenericRow;
use fluss_mock::ApiKey;
use fluss_mock::fault::{self, Fault};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Bench, table};

const BUCKETS: i32 = 12;
/// The time after which a lookup goes round one that takes long, twice.
const SOON: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);

fn row(id: i32) -> GenericRow<'static> {
    let mut row = GenericRow::new(1);
    row.set_field(0, id);
    row
}

/// A table with a row in each bucket, and their keys by bucket.
async fn keys_by_bucket(bench: &Bench) -> (FlussTable, BTreeMap<i32, i32>) {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .primary_key(["id"]);
    let table = table(&bench.connection, "stalled", schema, |builder| {
        builder.bucket_count(BUCKETS)
    })
    .await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let mut keys = BTreeMap::new();
    for id in 0.. {
        let written = writer.upsert(&row(id)).unwrap().await.unwrap();
        keys.insert(written.bucket().bucket_id(), id);
        if keys.len() == BUCKETS as usize {
            break;
        }
    }
    (table, keys)
}

/// How long a lookup takes that finds its row.
async fn look_up(lookuper: &Lookuper, key: i32) -> Duration {
    let started = Instant::now();
    let found = lookuper.lookup(&row(key)).await.unwrap();
    assert_eq!(found.len(), 1);
    started.elapsed()
}

async fn lookups_go_round(fault: Fault) {
    let bench = Bench::new().await;
    let (table, keys) = keys_by_bucket(&bench).await;
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    look_up(&lookuper, keys[&0]).await;
    let stall = fault::on(ApiKey::Lookup).bucket(0).before(fault);
    let stall = bench.cluster.inject(stall);
    let stalled = tokio::spawn({
        let (lookuper, key) = (lookuper.clone(), keys[&0]);
        async move { lookuper.lookup(&row(key)).await.map(drop) }
    });
    for round in 0..20 {
        for (bucket, key) in keys.iter().filter(|(bucket, _)| **bucket != 0) {
            let took = look_up(&lookuper, *key).await;
            assert!(
                took < SOON,
                "{fault:?}, round {round}, bucket {bucket}: {took:?}"
            );
        }
        // More lookups of that bucket stall no other connection.
        let again = timeout(SECOND / 100, lookuper.lookup(&row(keys[&0]))).await;
        assert!(again.is_err(), "it is stalled");
    }
    assert!(!stalled.is_finished());
    stall.remove();
    // Once it is over, nothing is left of it.
    sleep(60 * SECOND).await;
    let _ = stalled.await.unwrap();
    for key in keys.values() {
        assert!(look_up(&lookuper, *key).await < SOON);
    }
}

#[tokio::test(start_paused = true)]
async fn lookups_go_round_a_bucket_that_stalls_their_connection() {
    lookups_go_round(Fault::Delay(30 * SECOND)).await;
    lookups_go_round(Fault::Stall).await;
}

#[tokio::test(start_paused = true)]
async fn one_of_many_buckets_in_a_request_stalls_none_of_the_others_for_long() {
    let bench = Bench::new().await;
    let (table, keys) = keys_by_bucket(&bench).await;
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    look_up(&lookuper, keys[&0]).await;
    let stall = fault::on(ApiKey::Lookup).bucket(0);
    bench
        .cluster
        .inject(stall.before(Fault::Delay(30 * SECOND)));
    let all = tokio::spawn({
        let (lookuper, keys) = (lookuper.clone(), keys.clone());
        async move {
            lookuper
                .lookup_many(keys.into_values().map(row))
                .await
                .map(drop)
        }
    });
    sleep(SECOND).await;
    // Those of all buckets at once, so that some share requests with the one that stalls them.
    for _ in 0..4 {
        for key in keys.values() {
            let lookup = row(*key);
            drop(timeout(Duration::from_millis(1), lookuper.lookup(&lookup)).await);
        }
        sleep(SECOND).await;
    }
    for (bucket, key) in keys.iter().filter(|(bucket, _)| **bucket != 0) {
        let took = look_up(&lookuper, *key).await;
        assert!(took < SOON, "bucket {bucket}: {took:?}");
    }
    assert!(!all.is_finished());
}
