//! Lookups: by key, many at once, by a prefix, in partitions, inserting what is missing; and limit scans.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use fluss::client::{FlussTable, LookupResult};
use fluss::error::ErrorKind;
use fluss::metadata::{DataTypes, Schema, TableBucket, TableDescriptor};
use fluss::row::GenericRow;

use crate::scan_support::{append, append_day, log_table, partitioned_table, spec, table};

fn keyed() -> Schema {
    Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .primary_key(["id"])
        .build()
        .unwrap()
}

fn descriptor(schema: Schema, buckets: i32) -> TableDescriptor {
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(buckets)
        .build()
        .unwrap()
}

fn key(id: i64) -> GenericRow<'static> {
    let mut key = GenericRow::new(1);
    key.set_field(0, id);
    key
}

/// Upserts rows of a key and, for even keys, a name.
async fn fill(table: &FlussTable, ids: std::ops::Range<i64>) {
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for id in ids {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        if id % 2 == 0 {
            row.set_field(1, format!("name-{id}"));
        }
        writer.upsert(&row).unwrap();
    }
    writer.flush().await.unwrap();
}

pub(crate) async fn keys_are_looked_up_one_by_one_and_many_at_once() {
    let (_connection, table) = table("lookup_many", &descriptor(keyed(), 3)).await;
    fill(&table, 0..500).await;
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();

    let row = lookuper.lookup(&key(42)).await.unwrap();
    let row = row.get_single_row().unwrap().unwrap();
    assert_eq!((row.get_long(0), row.get_string(1)), (42, "name-42"));
    assert!(
        lookuper
            .lookup(&key(43))
            .await
            .unwrap()
            .get_single_row()
            .unwrap()
            .unwrap()
            .is_null_at(1)
    );
    assert!(lookuper.lookup(&key(500)).await.unwrap().is_empty());

    // In the order of the keys, missing ones among them.
    let asked: Vec<i64> = (0..1000).map(|i| i * 7 % 600).collect();
    let results = lookuper
        .lookup_many(asked.iter().map(|id| key(*id)))
        .await
        .unwrap();
    assert_eq!(results.len(), asked.len());
    for (id, result) in asked.iter().zip(&results) {
        let found = result.get_single_row().unwrap().map(|row| row.get_long(0));
        assert_eq!(found, (*id < 500).then_some(*id));
    }

    let batch = lookuper.to_record_batch(&results).unwrap();
    let found: Vec<i64> = asked.iter().copied().filter(|id| *id < 500).collect();
    assert_eq!(
        batch.column(0).as_primitive::<Int64Type>().values(),
        found.as_slice()
    );
    let one = lookuper
        .lookup(&key(44))
        .await
        .unwrap()
        .to_record_batch()
        .unwrap();
    assert_eq!(one.num_rows(), 1);
    assert_eq!(one.column(1).as_string::<i32>().value(0), "name-44");
    let none = lookuper
        .lookup(&key(9999))
        .await
        .unwrap()
        .to_record_batch()
        .unwrap();
    assert_eq!((none.num_rows(), none.num_columns()), (0, 2));

    let mut wide = GenericRow::new(2);
    wide.set_field(0, 1_i64);
    assert_eq!(
        lookuper.lookup(&wide).await.unwrap_err().kind(),
        ErrorKind::Usage
    );
}

pub(crate) async fn rows_are_found_by_a_prefix_of_their_key() {
    let schema = Schema::builder()
        .column("customer", DataTypes::bigint())
        .column("number", DataTypes::int())
        .column("item", DataTypes::string())
        .primary_key(["customer", "number"])
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(3), ["customer"])
        .build()
        .unwrap();
    let (_connection, table) = table("lookup_prefix", &descriptor).await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for customer in 0..20_i64 {
        for number in 0..customer as i32 {
            let mut row = GenericRow::new(3);
            row.set_field(0, customer);
            row.set_field(1, number);
            row.set_field(2, format!("item-{customer}-{number}"));
            writer.upsert(&row).unwrap();
        }
    }
    writer.flush().await.unwrap();

    let lookup = table.new_lookup().unwrap();
    let lookuper = lookup
        .lookup_by(vec!["customer".to_owned()])
        .create_lookuper()
        .unwrap();
    for customer in 0..21_i64 {
        let result = lookuper.lookup(&key(customer)).await.unwrap();
        let expected = if customer < 20 { customer } else { 0 };
        assert_eq!(result.len() as i64, expected, "customer {customer}");
        for (number, row) in result.rows().iter().enumerate() {
            assert_eq!(row.get_long(0), customer);
            assert_eq!(row.get_int(1), number as i32);
            assert_eq!(row.get_string(2), format!("item-{customer}-{number}"));
        }
    }
    let results = lookuper
        .lookup_many([key(3), key(99), key(5)])
        .await
        .unwrap();
    assert_eq!(
        results.iter().map(LookupResult::len).collect::<Vec<_>>(),
        [3, 0, 5]
    );
    assert_eq!(lookuper.to_record_batch(&results).unwrap().num_rows(), 8);
    assert_eq!(
        results[0].get_single_row().unwrap_err().kind(),
        ErrorKind::Usage
    );
    for wrong in [vec!["number"], vec!["customer", "number"], vec![]] {
        let wrong = wrong.into_iter().map(str::to_owned).collect();
        assert_eq!(
            lookup
                .lookup_by(wrong)
                .create_lookuper()
                .unwrap_err()
                .kind(),
            ErrorKind::Usage
        );
    }
}

pub(crate) async fn a_partitioned_table_is_looked_up_in_the_partition_of_the_key() {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("line", DataTypes::int())
        .column("day", DataTypes::string())
        .column("name", DataTypes::string())
        .primary_key(["id", "line", "day"])
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .distributed_by(Some(2), ["id"])
        .partitioned_by(["day"])
        .build()
        .unwrap();
    let (connection, table) = table("lookup_partitions", &descriptor).await;
    let admin = connection.get_admin().await.unwrap();
    let days = ["2026-01-01", "2026-01-02"];
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for day in days {
        admin
            .create_partition(table.table_path(), &spec(day), false)
            .await
            .unwrap();
        for id in 0..20_i64 {
            for line in 0..3 {
                let mut row = GenericRow::new(4);
                row.set_field(0, id);
                row.set_field(1, line);
                row.set_field(2, day);
                row.set_field(3, format!("{day}/{id}/{line}"));
                writer.upsert(&row).unwrap();
            }
        }
    }
    writer.flush().await.unwrap();

    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    let prefix = table
        .new_lookup()
        .unwrap()
        .lookup_by(vec!["id".to_owned(), "day".to_owned()]);
    let prefix = prefix.create_lookuper().unwrap();
    for day in days.into_iter().chain(["2026-01-03"]) {
        let there = day != "2026-01-03";
        for id in 0..20_i64 {
            let mut whole = GenericRow::new(3);
            whole.set_field(0, id);
            whole.set_field(1, 1);
            whole.set_field(2, day);
            let found = lookuper.lookup(&whole).await.unwrap();
            let name = found
                .get_single_row()
                .unwrap()
                .map(|row| row.get_string(3).to_owned());
            assert_eq!(name, there.then(|| format!("{day}/{id}/1")));
            let mut part = GenericRow::new(2);
            part.set_field(0, id);
            part.set_field(1, day);
            let found = prefix.lookup(&part).await.unwrap();
            assert_eq!(found.len(), if there { 3 } else { 0 });
            assert_eq!(found.to_record_batch().unwrap().num_rows(), found.len());
        }
    }
}

pub(crate) async fn a_lookup_inserts_what_is_missing() {
    let schema = Schema::builder()
        .column("name", DataTypes::string())
        .column("number", DataTypes::bigint())
        .primary_key(["name"])
        .enable_auto_increment("number")
        .build()
        .unwrap();
    let (_connection, table) = table("lookup_insert", &descriptor(schema, 2)).await;
    let plain = table.new_lookup().unwrap();
    let inserting = plain
        .clone()
        .insert_if_not_exists()
        .create_lookuper()
        .unwrap();
    let plain = plain.create_lookuper().unwrap();
    let named = |name: &str| {
        let mut key = GenericRow::new(1);
        key.set_field(0, name.to_owned());
        key
    };
    assert!(plain.lookup(&named("a")).await.unwrap().is_empty());
    let mut numbers = BTreeSet::new();
    for name in ["a", "b", "c", "d"] {
        let row = inserting.lookup(&named(name)).await.unwrap();
        let row = row.get_single_row().unwrap().unwrap();
        assert_eq!(row.get_string(0), name);
        assert!(
            numbers.insert(row.get_long(1)),
            "{name} has a number of its own"
        );
        // The second time it finds what the first one made.
        let again = inserting.lookup(&named(name)).await.unwrap();
        assert_eq!(
            again.get_single_row().unwrap().unwrap().get_long(1),
            row.get_long(1)
        );
        let found = plain.lookup(&named(name)).await.unwrap();
        assert_eq!(
            found.get_single_row().unwrap().unwrap().get_long(1),
            row.get_long(1)
        );
    }
}

pub(crate) async fn a_limit_scan_reads_a_bucket_or_a_whole_table() {
    // A primary-key table: any rows, as many as wanted.
    let (_connection, keys) = table("limit_keys", &descriptor(keyed(), 3)).await;
    fill(&keys, 0..300).await;
    let mut of_buckets = 0;
    for bucket in 0..3 {
        let id = keys.get_table_info().table_id();
        let scan = keys.new_scan().limit(1000).unwrap();
        let scanner = scan
            .create_bucket_batch_scanner(TableBucket::new(id, bucket))
            .unwrap();
        for batch in scanner.collect_all_batches().await.unwrap() {
            of_buckets += batch.num_records();
        }
    }
    assert_eq!(of_buckets, 300);
    for (limit, expected) in [(10, 10), (299, 299), (1000, 300)] {
        let scan = keys
            .new_scan()
            .project_by_name(&["name", "id"])
            .unwrap()
            .limit(limit)
            .unwrap();
        let batches = scan
            .create_batch_scanner()
            .unwrap()
            .collect_all_batches()
            .await
            .unwrap();
        let ids: BTreeSet<i64> = batches
            .iter()
            .flat_map(|batch| {
                batch
                    .batch()
                    .column(1)
                    .as_primitive::<Int64Type>()
                    .values()
                    .to_vec()
            })
            .collect();
        assert_eq!(ids.len(), expected, "limit {limit}");
        assert!(ids.iter().all(|id| (0..300).contains(id)));
    }

    // A log table: the last rows of the bucket.
    let (_connection, log) = log_table("limit_log", 1).await;
    append(&log, 0..100).await;
    let scan = log.new_scan().limit(30).unwrap();
    let batches = scan
        .create_batch_scanner()
        .unwrap()
        .collect_all_batches()
        .await
        .unwrap();
    let ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            batch
                .batch()
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect();
    assert_eq!(ids, (70..100).collect::<Vec<_>>());
    assert_eq!(batches[0].base_offset(), 70);

    // All partitions.
    let (connection, days) = partitioned_table("limit_days", 2).await;
    let admin = connection.get_admin().await.unwrap();
    for (index, day) in ["a", "b"].into_iter().enumerate() {
        admin
            .create_partition(days.table_path(), &spec(day), false)
            .await
            .unwrap();
        let from = index as i64 * 20;
        append_day(&days, day, from..from + 20).await;
    }
    let scan = days.new_scan().limit(1000).unwrap();
    let batches = scan
        .create_batch_scanner()
        .unwrap()
        .collect_all_batches()
        .await
        .unwrap();
    let ids: BTreeSet<i64> = batches
        .iter()
        .flat_map(|batch| {
            batch
                .batch()
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect();
    assert_eq!(ids, (0..40).collect());
    assert_eq!(
        days.new_scan().create_batch_scanner().unwrap_err().kind(),
        ErrorKind::Usage
    );
}
