//! Rows of partitions that have other buckets than the writer thought, because the table was rescaled since: they move before they are
//! sent, in their order, and whoever waits for them learns where they came to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use fluss::client::{EARLIEST_OFFSET, FlussTable, WriteResult};
use fluss::config::Config;
use fluss::metadata::{DataTypes, LogFormat, PartitionSpec, Schema, SchemaBuilder, TableBucket};
use fluss::row::GenericRow;
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, MockCluster, Release};

use super::support::{Bench, connect, table};

/// Buckets that writers know of, and those that partitions made since have.
const KNOWN: i32 = 4;
const NOW: i32 = 3;

struct Rescaled {
    bench: Bench,
    table: FlussTable,
}

impl Rescaled {
    /// A table of four buckets as its writer knows it, and partitions "a" and "b" of three each that it does not know.
    async fn new(
        schema: SchemaBuilder,
        format: LogFormat,
        bucket_keys: &'static [&'static str],
        config: impl FnOnce(&mut Config),
    ) -> Self {
        let builder = MockCluster::builder().release(Release::V1_0);
        let mut bench = Bench::on(builder, 1).await;
        config(&mut bench.config);
        bench.connection = connect(&bench.cluster, &bench.config).await.unwrap();
        let table = table(&bench.connection, "scaled", schema, |builder| {
            builder
                .distributed_by(Some(KNOWN), bucket_keys.iter().copied())
                .partitioned_by(["day"])
                .log_format(format)
        })
        .await;
        let path = table.table_path().clone();
        bench.cluster.rescale(&path, NOW);
        for day in ["a", "b"] {
            let spec = PartitionSpec::new([("day", day)]);
            let made = bench.admin.create_partition(&path, &spec, false).await;
            made.unwrap();
        }
        Self { bench, table }
    }

    /// The next searches for partitions take a second, so that much is written before the buckets are known.
    fn slow_searches(&self) {
        let slow = fault::on(ApiKey::GetMetadata).before(Fault::Delay(Duration::from_secs(1)));
        self.bench.cluster.inject(slow);
    }

    /// All rows of a log table, by bucket and offset.
    async fn rows(&self) -> BTreeMap<(TableBucket, i64), (i32, String)> {
        self.bench.cluster.remove_faults();
        let connection = self.bench.connect().await.unwrap();
        let table = connection.get_table(self.table.table_path()).await.unwrap();
        let partitions = self.bench.admin.list_partition_infos(table.table_path());
        let partitions = partitions.await.unwrap();
        let scanner = table.new_scan().create_log_scanner().unwrap();
        for partition in &partitions {
            for bucket in 0..NOW {
                let id = partition.partition_id();
                let subscribed = scanner.subscribe_partition(id, bucket, EARLIEST_OFFSET);
                subscribed.await.unwrap();
            }
        }
        let mut rows = BTreeMap::new();
        loop {
            let records = scanner.poll(Duration::from_secs(2)).await.unwrap();
            if records.is_empty() {
                return rows;
            }
            for (bucket, records) in records.records_by_buckets() {
                for record in records {
                    let row = record.row();
                    let value = (row.get_int(1), row.get_string(2).to_owned());
                    rows.insert((*bucket, record.offset()), value);
                }
            }
        }
    }
}

fn log_schema() -> SchemaBuilder {
    Schema::builder()
        .column("day", DataTypes::string())
        .column("id", DataTypes::int())
        .column("text", DataTypes::string())
}

fn log_row(id: i32) -> GenericRow<'static> {
    let mut row = GenericRow::new(3);
    row.set_field(0, if id % 2 == 0 { "a" } else { "b" });
    row.set_field(1, id);
    row.set_field(2, format!("row {id}"));
    row
}

#[tokio::test(start_paused = true)]
async fn rows_of_every_log_format_move_and_say_where_they_came_to() {
    for format in [LogFormat::Arrow, LogFormat::Indexed, LogFormat::Compacted] {
        for bucket_keys in [&["id"][..], &[]] {
            // Small batches, of which many are closed before the buckets are known.
            let rescaled = Rescaled::new(log_schema(), format, bucket_keys, |config| {
                config.writer_batch_size = 4096;
            })
            .await;
            rescaled.slow_searches();
            let writer = rescaled.table.new_append().unwrap();
            let writer = writer.create_writer().unwrap();
            let results: Vec<_> = (0..3000)
                .map(|id| writer.append(&log_row(id)).unwrap())
                .collect();
            writer.flush().await.unwrap();
            let mut expected = BTreeMap::new();
            for (id, result) in results.into_iter().enumerate() {
                let known = result.try_result().unwrap().unwrap();
                let result: WriteResult = result.await.unwrap();
                assert_eq!(known, result);
                let place = (result.bucket(), result.offset().unwrap());
                expected.insert(place, (id as i32, format!("row {id}")));
            }
            assert_eq!(
                rescaled.rows().await,
                expected,
                "{format:?} {bucket_keys:?}"
            );
            // Rows with the same bucket key are in the same bucket as those that are written once the buckets are known.
            if !bucket_keys.is_empty() {
                for (place, (id, _)) in expected.iter().take(50) {
                    let again = writer.append(&log_row(*id)).unwrap().await.unwrap();
                    assert_eq!(again.bucket(), place.0, "{id}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn arrow_batches_move_and_are_awaited_to_their_last_row() {
    let rescaled = Rescaled::new(log_schema(), LogFormat::Arrow, &["id"], |_| ()).await;
    rescaled.slow_searches();
    let writer = rescaled.table.new_append().unwrap();
    let writer = writer.create_writer().unwrap();
    // Large pieces, which are held as they are, and small ones.
    for (start, count) in [(0, 100_000), (100_000, 30)] {
        let ids = start..start + count;
        let days = ids.clone().map(|id| if id % 2 == 0 { "a" } else { "b" });
        let texts = ids.clone().map(|id| format!("row {id}"));
        let columns: [(&str, ArrayRef); 3] = [
            ("day", Arc::new(StringArray::from_iter_values(days))),
            ("id", Arc::new(Int32Array::from_iter_values(ids))),
            ("text", Arc::new(StringArray::from_iter_values(texts))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let written = writer.append_arrow_batch(&batch).unwrap().await.unwrap();
        let rows = rescaled.rows().await;
        assert_eq!(rows.len() as i32, start + count);
        let ids: Vec<i32> = rows.values().map(|(id, _)| *id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..start + count), "each row once");
        for result in &written {
            assert!(rows.contains_key(&(result.bucket(), result.offset().unwrap())));
        }
        let places: std::collections::BTreeSet<_> =
            written.iter().map(WriteResult::bucket).collect();
        assert_eq!(places.len() as i32, 2 * NOW);
    }
}

#[tokio::test(start_paused = true)]
async fn changes_of_one_key_stay_in_their_order() {
    let schema = Schema::builder()
        .column("day", DataTypes::string())
        .column("id", DataTypes::int())
        .column("part", DataTypes::int())
        .column("text", DataTypes::string())
        .column("note", DataTypes::string())
        .primary_key(["day", "id", "part"]);
    let rescaled = Rescaled::new(schema, LogFormat::Arrow, &["id"], |config| {
        config.writer_batch_size = 2048;
    })
    .await;
    rescaled.slow_searches();
    let row = |id: i32, part: i32, version: i32| {
        let mut row = GenericRow::new(5);
        row.set_field(0, if id % 2 == 0 { "a" } else { "b" });
        row.set_field(1, id);
        row.set_field(2, part);
        row.set_field(3, format!("text {version}"));
        row.set_field(4, format!("note {version}"));
        row
    };
    let whole = rescaled.table.new_upsert().unwrap();
    let part = rescaled.table.new_upsert().unwrap();
    let part = part.partial_update(Some(vec![0, 1, 2, 3])).unwrap();
    let (whole, part) = (
        whole.create_writer().unwrap(),
        part.create_writer().unwrap(),
    );
    let mut results = Vec::new();
    for version in 0..8 {
        for id in 0..60 {
            for n in 0..2 {
                let row = row(id, n, version);
                // Two writers with batches of their own take turns; every third key is deleted in the end.
                results.push(match (version, (id + n) % 3) {
                    (7, 0) => whole.delete(&row).unwrap(),
                    (0 | 4, _) => whole.upsert_async(&row).await.unwrap(),
                    (6, _) => part.upsert_async(&row).await.unwrap(),
                    (_, 1) => part.upsert(&row).unwrap(),
                    _ => whole.upsert(&row).unwrap(),
                });
            }
        }
    }
    for result in results {
        let result = result.await.unwrap();
        assert!(result.offset().is_some() && result.bucket().bucket_id() < NOW);
    }
    let connection = rescaled.bench.connect().await.unwrap();
    let table = connection.get_table(rescaled.table.table_path()).await;
    let table = table.unwrap();
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    for id in 0..60 {
        for n in 0..2 {
            let mut key = GenericRow::new(3);
            key.set_field(0, if id % 2 == 0 { "a" } else { "b" });
            key.set_field(1, id);
            key.set_field(2, n);
            let found = lookuper.lookup(&key).await.unwrap();
            let found = found.get_single_row().unwrap();
            let found =
                found.map(|row| (row.get_string(3).to_owned(), row.get_string(4).to_owned()));
            let expected = match (id + n) % 3 {
                0 => None,
                1 => Some(("text 7".to_owned(), "note 4".to_owned())),
                _ => Some(("text 7".to_owned(), "note 7".to_owned())),
            };
            assert_eq!(found, expected, "{id} {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_move_into_a_small_buffer_do_not_wait_for_each_other() {
    let rescaled = Rescaled::new(log_schema(), LogFormat::Arrow, &["id"], |config| {
        config.writer_buffer_memory_size = 64 * 1024;
        config.writer_batch_size = 8 * 1024;
    })
    .await;
    rescaled.slow_searches();
    let writer = rescaled.table.new_append().unwrap();
    let writer = writer.create_writer().unwrap();
    for id in 0..20_000 {
        writer.append_async(&log_row(id)).await.unwrap();
    }
    writer.close(Duration::from_secs(5)).await.unwrap();
    assert_eq!(rescaled.rows().await.len(), 20_000);
    let stats = rescaled.bench.connection.stats();
    let writer = stats.writer;
    assert_eq!(writer.buffer_available_bytes, writer.buffer_total_bytes);
}
