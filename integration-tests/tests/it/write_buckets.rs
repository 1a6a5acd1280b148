//! Which bucket a row goes to: sticky, round robin, by the hash of its bucket key.

use std::collections::BTreeMap;

use fluss::client::FlussConnection;
use fluss::config::{BucketAssigner, Config};
use fluss::metadata::{DataTypes, Schema, TableDescriptor};
use fluss::row::GenericRow;

use super::support::{self, config, connect};
use super::write_support::{Read, expect_rows, log_table, make, read_all, row};

const ROWS: i64 = 3000;

/// Rows without a key, written in batches of about 100 rows, in the order of their ids.
async fn without_key(assigner: BucketAssigner) -> Vec<Read> {
    let connection = FlussConnection::new(Config {
        writer_bucket_no_key_assigner: assigner,
        writer_batch_size: 4096,
        ..config()
    })
    .await
    .unwrap();
    let database = support::database(&connection, "buckets_no_key").await;
    let descriptor = log_table()
        .bucket_count(3)
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap();
    let table = make(&connection, &database, "log", &descriptor).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    // Buckets without a leader are left out, and leaders are learned with the first rows.
    for bucket in 0..3 {
        writer.append(&row(-1 - bucket)).unwrap().await.unwrap();
    }
    for i in 0..ROWS {
        writer.append_async(&row(i)).await.unwrap();
    }
    writer.flush().await.unwrap();
    let mut read = read_all(&connection, &table, ROWS as usize + 3).await;
    expect_rows(&read, -3..ROWS);
    read.retain(|record| record.id >= 0);
    read.sort_by_key(|record| record.id);
    read
}

fn counts(read: &[Read]) -> BTreeMap<i32, usize> {
    let mut counts = BTreeMap::new();
    for record in read {
        *counts.entry(record.bucket).or_default() += 1;
    }
    counts
}

pub(crate) async fn a_sticky_writer_fills_one_batch_after_another_over_all_buckets() {
    let read = without_key(BucketAssigner::Sticky).await;
    let changes = read
        .windows(2)
        .filter(|pair| pair[0].bucket != pair[1].bucket)
        .count();
    assert!(
        (5..ROWS as usize / 20).contains(&changes),
        "{changes} changes of bucket"
    );
    let counts = counts(&read);
    assert!(
        counts.len() == 3 && counts.values().all(|count| *count > 500),
        "{counts:?}"
    );
}

pub(crate) async fn round_robin_gives_each_bucket_every_third_row() {
    let read = without_key(BucketAssigner::RoundRobin).await;
    assert!(
        read.windows(2)
            .all(|pair| (pair[0].bucket + 1) % 3 == pair[1].bucket)
    );
    assert!(
        counts(&read)
            .values()
            .all(|count| *count == ROWS as usize / 3)
    );
}

pub(crate) async fn the_hash_of_the_bucket_key_decides_and_lookups_find_the_rows() {
    let connection = connect().await;
    let database = support::database(&connection, "buckets_hash").await;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .column("user", DataTypes::int())
        .primary_key(["user", "id"])
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(5), ["user"])
        .build()
        .unwrap();
    let table = make(&connection, &database, "kv", &descriptor).await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    let mut bucket_of_user = BTreeMap::new();
    let mut results = Vec::new();
    for i in 0..400_i64 {
        let mut row = GenericRow::new(3);
        row.set_field(0, i);
        row.set_field(1, "text");
        row.set_field(2, (i % 40) as i32);
        results.push((i % 40, writer.upsert(&row).unwrap()));
    }
    for (user, result) in results {
        let bucket = result.await.unwrap().bucket().bucket_id();
        assert_eq!(
            *bucket_of_user.entry(user).or_insert(bucket),
            bucket,
            "user {user}"
        );
    }
    let mut used: Vec<_> = bucket_of_user.values().collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used.len(), 5);
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    for i in 0..400_i64 {
        let mut key = GenericRow::new(2);
        key.set_field(0, (i % 40) as i32);
        key.set_field(1, i);
        let found = lookuper.lookup(&key).await.unwrap();
        assert_eq!(found.get_single_row().unwrap().unwrap().get_long(0), i);
    }
}
