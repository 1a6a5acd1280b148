//! What the tests of writers share: tables of two columns, their rows, and reading everything back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType as ArrowType, Field, Schema as ArrowSchema};
use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable};
use fluss::metadata::{DataTypes, Schema, TableDescriptor, TableDescriptorBuilder, TablePath};
use fluss::record::ChangeType;
use fluss::row::GenericRow;

use super::support::{self, PATIENCE};

/// A log table of a BIGINT and a STRING.
pub(crate) fn log_table() -> TableDescriptorBuilder {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .build()
        .unwrap();
    TableDescriptor::builder().schema(schema)
}

/// A primary-key table of a BIGINT, the key, and a STRING.
pub(crate) fn kv_table() -> TableDescriptorBuilder {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .primary_key(["id"])
        .build()
        .unwrap();
    TableDescriptor::builder().schema(schema)
}

pub(crate) fn text(i: i64) -> String {
    format!("text of row {i}")
}

pub(crate) fn row(i: i64) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, i);
    row.set_field(1, text(i));
    row
}

/// The rows of [`row`] as one Arrow batch whose columns are NOT NULL and carry metadata, unlike the table's.
pub(crate) fn batch(ids: impl IntoIterator<Item = i64>) -> RecordBatch {
    let ids: Vec<i64> = ids.into_iter().collect();
    let note = |field: Field| field.with_metadata([("note".to_owned(), "mine".to_owned())].into());
    let schema = ArrowSchema::new(vec![
        note(Field::new("id", ArrowType::Int64, false)),
        note(Field::new("text", ArrowType::Utf8, false)),
    ])
    .with_metadata([("origin".to_owned(), "a test".to_owned())].into());
    let texts = StringArray::from_iter_values(ids.iter().map(|i| text(*i)));
    RecordBatch::try_new(
        Arc::new(schema),
        vec![Arc::new(Int64Array::from(ids)), Arc::new(texts)],
    )
    .unwrap()
}

pub(crate) async fn make(
    connection: &FlussConnection,
    database: &str,
    name: &str,
    descriptor: &TableDescriptor,
) -> FlussTable {
    support::create(connection, &TablePath::new(database, name), descriptor).await
}

/// One record that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Read {
    /// Name of the partition, empty in a table without any.
    pub(crate) partition: String,
    pub(crate) bucket: i32,
    pub(crate) offset: i64,
    pub(crate) change: ChangeType,
    /// The first column.
    pub(crate) id: i64,
    /// The second column.
    pub(crate) text: Option<String>,
}

/// Reads a table, all its partitions if it has any, until `count` records came; sorted by partition, bucket and offset.
pub(crate) async fn read_all(
    connection: &FlussConnection,
    table: &FlussTable,
    count: usize,
) -> Vec<Read> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    let info = table.get_table_info();
    let mut names = BTreeMap::new();
    if info.is_partitioned() {
        let admin = connection.get_admin().await.unwrap();
        for partition in admin
            .list_partition_infos(table.table_path())
            .await
            .unwrap()
        {
            names.insert(partition.partition_id(), partition.partition_name());
            for bucket in 0..info.num_buckets() {
                scanner
                    .subscribe_partition(partition.partition_id(), bucket, EARLIEST_OFFSET)
                    .await
                    .unwrap();
            }
        }
    } else {
        for bucket in 0..info.num_buckets() {
            scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
        }
    }
    let mut since = Instant::now();
    let mut read = Vec::new();
    while read.len() < count {
        assert!(
            since.elapsed() < PATIENCE,
            "{} of {count} records, then none within {PATIENCE:?}",
            read.len()
        );
        let records = scanner.poll(Duration::from_secs(1)).await.unwrap();
        for (bucket, records) in records.records_by_buckets() {
            since = Instant::now();
            let partition = bucket
                .partition_id()
                .map(|id| names[&id].clone())
                .unwrap_or_default();
            for record in records {
                let row = record.row();
                read.push(Read {
                    partition: partition.clone(),
                    bucket: bucket.bucket_id(),
                    offset: record.offset(),
                    change: *record.change_type(),
                    id: row.get_long(0),
                    text: (!row.is_null_at(1)).then(|| row.get_string(1).to_owned()),
                });
            }
        }
    }
    assert_eq!(read.len(), count);
    read.sort_by(|a, b| {
        (&a.partition, a.bucket, a.offset).cmp(&(&b.partition, b.bucket, b.offset))
    });
    read
}

/// Checks that the rows `ids` of [`row`] came, each once.
pub(crate) fn expect_rows(read: &[Read], ids: impl IntoIterator<Item = i64>) {
    let mut seen = BTreeSet::new();
    for record in read {
        assert!(seen.insert(record.id), "row {} came twice", record.id);
        assert_eq!(record.text.as_deref(), Some(&*text(record.id)));
    }
    assert_eq!(seen, ids.into_iter().collect::<BTreeSet<_>>());
}
