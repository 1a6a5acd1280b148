//! What programs import: the modules of the library go together, and names are where they were.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fluss::error::ErrorKind;
use fluss::metadata::{OffsetSpec, TableBucket};
use fluss::row::GenericRow;

use crate::support::Bench;

/// The name of everything that scanning, writing and looking up needs, where it was before those had modules of their own.
#[allow(unused_imports, reason = "that they can be imported is what is tested")]
use fluss::client::{
    AclOutcome, AppendWriter, BatchWriteFuture, BucketBatchScanner, ConnectionBuilder,
    ConnectionStats, CreateAclsResult, Dialer, DropAclsResult, EARLIEST_OFFSET, FlussAdmin,
    FlussConnection, FlussTable, KvSnapshotLease, LATEST_OFFSET, LimitBatchScanner, LogScanner,
    LookupResult, LookupRow, LookupStats, Lookuper, MergeMode, OffsetReset, RecordBatchLogScanner,
    RecordStream, RequestStats, ScanBatch, ScanBatchStream, ScanRecord, ScanRecords,
    ScanRecordsIntoIter, TableAppend, TableBatchScanner, TableLookup, TablePrefixLookup, TableScan,
    TableUpsert, TcpDialer, Transport, UpsertWriter, WriteResult, WriteResultFuture, WriterStats,
};

mod imported_whole {
    use fluss::metadata::*;
    use fluss::row::*;

    /// `Result` is that of the standard library, as in any program.
    pub(super) fn schema_and_row()
    -> Result<(Schema, GenericRow<'static>), Box<dyn std::error::Error>> {
        let schema = Schema::builder()
            .column("id", DataTypes::int().not_null())
            .column("name", DataTypes::string())
            .build()?;
        let mut row = NamedRow::new(schema.row_type());
        row.set_by_name("id", 1)?;
        row.set_by_name("name", "Alice")?;
        Ok((schema, row.into_generic_row()))
    }
}

/// Each module of the library, and the names in it with the crate that they are from.
fn modules() -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let mut modules = BTreeMap::<_, Vec<_>>::new();
    for module in include_str!("../../src/lib.rs").split("\npub mod ").skip(1) {
        let (name, rest) = module.split_once([' ', ';']).unwrap();
        let body = rest.split("\n}").next().unwrap();
        for list in body.split("pub use ").skip(1) {
            let list = list.split(';').next().unwrap();
            assert!(!list.contains('*'), "{name} re-exports by glob: {list}");
            // What comes from another module of the library is counted there.
            let Some((path, names)) = list.split_once("::{") else {
                continue;
            };
            let origin = path.split("::").next().unwrap();
            if origin != "crate" {
                let names = names.trim_end_matches('}').split(',').map(str::trim);
                let names = names.filter(|name| !name.is_empty());
                let entry = modules.entry(name).or_default();
                entry.extend(names.map(|name| (name, origin)));
            }
        }
    }
    modules
}

#[test]
fn no_two_modules_have_different_items_of_one_name() {
    let modules = modules();
    assert!(modules["metadata"].len() > 80 && modules["row"].len() > 30);
    let mut origins = BTreeMap::new();
    for (module, names) in &modules {
        for (name, origin) in names {
            let (other, first) = *origins.entry(*name).or_insert((*module, *origin));
            assert_eq!(first, *origin, "{name} of {module} and of {other}");
        }
    }
}

#[test]
fn metadata_and_rows_are_imported_whole() {
    let (schema, row) = imported_whole::schema_and_row().unwrap();
    assert_eq!(
        schema.row_type().fields()[0].data_type().to_string(),
        "INT NOT NULL"
    );
    assert_eq!(row.to_string(), r#"(1, "Alice")"#);
}

#[test]
fn the_types_of_arrow_are_those_of_record_batches() {
    use fluss::arrow::arrow_array::Int32Array;
    use fluss::arrow::arrow_schema::{DataType, Field, Schema};
    use fluss::arrow::{RecordBatch, SchemaRef};

    let schema = SchemaRef::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]));
    let batch = RecordBatch::try_new(schema, vec![std::sync::Arc::new(Int32Array::from(vec![1]))]);
    assert_eq!(batch.unwrap().num_rows(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_row_of_a_table_is_written_by_column_name_and_displayed() {
    let bench = Bench::new().await;
    let mut row = bench.log.new_row();
    let name = row.row_type().fields()[0].name().to_owned();
    assert!(row.set_by_name("no such column", 1).is_err());
    row.set_by_name(&name, 77).unwrap();
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let written = writer.append(&row).unwrap().await.unwrap();
    let bucket = written.bucket();

    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    scanner
        .subscribe(bucket.bucket_id(), written.offset().unwrap())
        .await
        .unwrap();
    let records = scanner.poll(Duration::from_secs(60)).await.unwrap();
    let mut offsets = Vec::new();
    for record in &records {
        offsets.push(record.offset());
    }
    assert_eq!(offsets, [written.offset().unwrap()]);
    assert_eq!(records.iter().count(), records.count());
    let record = records.into_iter().next().unwrap();
    assert!(record.to_string().starts_with("+A (77"), "{record}");
    assert!(
        record
            .to_string()
            .ends_with(&format!(" at offset {}", record.offset())),
        "{record}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_is_taken_out_of_the_result_of_a_lookup() {
    let bench = Bench::new().await;
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    let found = lookuper.lookup(&GenericRow::from_data(vec![1, 1])).await;
    let row = found.unwrap().into_single_row().unwrap().unwrap();
    assert_eq!(row.get_int(1), 1);
    let missing = lookuper.lookup(&GenericRow::from_data(vec![1, 1000])).await;
    assert!(missing.unwrap().into_single_row().unwrap().is_none());

    let prefix = bench.keyed.new_lookup().unwrap();
    let prefix = prefix
        .lookup_by(vec!["tenant".to_owned()])
        .create_lookuper();
    let many = prefix
        .unwrap()
        .lookup(&GenericRow::from_data(vec![1]))
        .await;
    let error = many.unwrap().into_single_row().unwrap_err();
    assert_eq!(error.kind(), fluss::error::ErrorKind::Usage);
    assert!(
        error.to_string().contains("at most one row, found 10"),
        "{error}"
    );
}

/// A scanner over rows and one over batches have the same methods.
macro_rules! buckets_are_named_in_every_way {
    ($create:ident) => {{
        let bench = Bench::new().await;
        let own = bench.log.get_table_info().table_id();
        let (first, second) = (TableBucket::new(own, 0), TableBucket::new(own, 1));
        let scanner = bench.log.new_scan().$create().unwrap();

        scanner.subscribe_bucket(first, 3).await.unwrap();
        assert_eq!(scanner.position_of(&first), Some(3));
        assert_eq!(scanner.position_of(&second), None);
        scanner
            .subscribe_bucket(second, OffsetSpec::Latest)
            .await
            .unwrap();
        assert_eq!(scanner.get_subscribed_buckets(), [first, second]);
        scanner.unsubscribe_bucket(first).await.unwrap();
        assert_eq!(scanner.get_subscribed_buckets(), [second]);

        // Pairs of any kind, owned or borrowed.
        let saved = HashMap::from([(first, 4_i64), (second, 5)]);
        scanner.subscribe_buckets(&saved).await.unwrap();
        assert_eq!(scanner.position_of(&second), Some(5));
        scanner
            .subscribe_buckets(&HashMap::from([(0, EARLIEST_OFFSET)]))
            .await
            .unwrap();
        scanner.subscribe_buckets([(0, 6), (1, 7)]).await.unwrap();
        assert_eq!(scanner.position(0), Some(6));
        scanner
            .subscribe_buckets(vec![(first, OffsetSpec::Earliest)])
            .await
            .unwrap();
        scanner
            .subscribe_buckets((0..2).map(|bucket| (bucket, 8)))
            .await
            .unwrap();
        assert_eq!(scanner.position(1), Some(8));

        // All or none; a bucket of another table, or of a partition, is refused.
        let foreign = TableBucket::new(own + 1, 0);
        let error = scanner
            .subscribe_buckets([(first, 1), (foreign, 1)])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let expected = format!("the bucket is of table {}, this is table {own}", own + 1);
        assert!(error.to_string().contains(&expected), "{error}");
        assert_eq!(scanner.position_of(&first), Some(8));
        assert_eq!(scanner.position_of(&foreign), None);
        let error = scanner.unsubscribe_bucket(foreign).await.unwrap_err();
        assert!(error.to_string().contains(&expected), "{error}");
        let partitioned = TableBucket::new_with_partition(own, Some(1), 0);
        assert!(scanner.subscribe_bucket(partitioned, 1).await.is_err());
        assert!(scanner.subscribe_bucket(first, -3).await.is_err());
        assert_eq!(scanner.table_id(), own);
        assert!(!scanner.is_partitioned());
    }};
}

#[tokio::test(start_paused = true)]
async fn both_scanners_name_buckets_in_every_way() {
    buckets_are_named_in_every_way!(create_log_scanner);
    buckets_are_named_in_every_way!(create_record_batch_log_scanner);
}
