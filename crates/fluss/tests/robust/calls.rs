//! The public asynchronous calls of the client, one entry each.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Int32Array, RecordBatch, StringArray};
use fluss::client::EARLIEST_OFFSET;
use fluss::error::Result;
use fluss::metadata::{
    DataTypes, OffsetSpec, PartitionSpec, Schema, TableBucket, TableDescriptor, TablePath,
};
use futures::StreamExt;

use crate::support::{Bench, DATABASE, key, keyed_row, log_row};

pub(crate) type Outcome = Pin<Box<dyn Future<Output = Result<()>>>>;

/// What a call is to a server that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It ends with an error.
    Asks,
    /// It ends with what there is, after the time it was given.
    Reads,
}

/// A call: its name, and how to make it.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) make: fn(Bench) -> Outcome,
}

macro_rules! calls {
    ($($kind:ident $name:literal => |$bench:ident| $body:expr;)*) => {
        /// All calls that ask servers for something.
        pub(crate) const CALLS: &[Call] = &[$(Call {
            name: $name,
            kind: Kind::$kind,
            make: |$bench: Bench| Box::pin(async move {
                let outcome: Result<_> = $body;
                outcome.map(drop)
            }),
        }),*];
    };
}

fn path(name: &str) -> TablePath {
    TablePath::new(DATABASE, name)
}

fn day(name: &str) -> PartitionSpec {
    PartitionSpec::new([("day", name)])
}

fn small_table() -> Result<TableDescriptor> {
    let schema = Schema::builder().column("id", DataTypes::int()).build()?;
    Ok(TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()?)
}

fn arrow() -> RecordBatch {
    let ids = Int32Array::from_iter_values(100..110);
    let texts = StringArray::from_iter_values((100..110).map(|id| format!("row {id}")));
    RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("text", Arc::new(texts) as _)])
        .unwrap()
}

/// How long a poll waits for rows.
pub(crate) const POLL: Duration = Duration::from_secs(1);

calls! {
    Asks "connect" => |bench| bench.connect().await;
    Asks "get_table" => |bench| bench.connection.get_table(&path("log")).await;
    Asks "get_server_nodes" => |bench| bench.admin.get_server_nodes().await;
    Asks "create_database" => |bench| bench.admin.create_database("made", None, true).await;
    Asks "drop_database" => |bench| bench.admin.drop_database("made", true, true).await;
    Asks "database_exists" => |bench| bench.admin.database_exists(DATABASE).await;
    Asks "list_databases" => |bench| bench.admin.list_databases().await;
    Asks "get_database_info" => |bench| bench.admin.get_database_info(DATABASE).await;
    Asks "create_table" => |bench| bench.admin.create_table(&path("made"), &small_table()?, true).await;
    Asks "drop_table" => |bench| bench.admin.drop_table(&path("made"), true).await;
    Asks "table_exists" => |bench| bench.admin.table_exists(&path("log")).await;
    Asks "list_tables" => |bench| bench.admin.list_tables(DATABASE).await;
    Asks "get_table_info" => |bench| bench.admin.get_table_info(&path("log")).await;
    Asks "get_table_schema" => |bench| bench.admin.get_table_schema(&path("log"), None).await;
    Asks "create_partition" => |bench| bench.admin.create_partition(&path("days"), &day("monday"), true).await;
    Asks "drop_partition" => |bench| bench.admin.drop_partition(&path("days"), &day("monday"), true).await;
    Asks "list_partition_infos" => |bench| bench.admin.list_partition_infos(&path("days")).await;
    Asks "list_offsets" => |bench| bench.admin.list_offsets(&path("log"), &[0, 1], OffsetSpec::Latest).await;
    Asks "append, awaited" => |bench| {
        let writer = bench.log.new_append()?.create_writer()?;
        writer.append(&log_row(100))?.await
    };
    Asks "append_async" => |bench| {
        let writer = bench.log.new_append()?.create_writer()?;
        writer.append_async(&log_row(100)).await?.await
    };
    Asks "append, flush" => |bench| {
        let writer = bench.log.new_append()?.create_writer()?;
        drop(writer.append(&log_row(100))?);
        writer.flush().await
    };
    Asks "append, close" => |bench| {
        let writer = bench.log.new_append()?.create_writer()?;
        drop(writer.append(&log_row(100))?);
        writer.close(Duration::from_secs(12)).await
    };
    Asks "append_arrow_batch, awaited" => |bench| {
        let writer = bench.log.new_append()?.create_writer()?;
        writer.append_arrow_batch_async(&arrow()).await?.await
    };
    Asks "upsert, awaited" => |bench| {
        let writer = bench.keyed.new_upsert()?.create_writer()?;
        writer.upsert_async(&keyed_row(5, 100, "new")).await?.await
    };
    Asks "delete, awaited" => |bench| {
        let writer = bench.keyed.new_upsert()?.create_writer()?;
        writer.delete_async(&keyed_row(5, 100, "new")).await?.await
    };
    Asks "upsert, flush" => |bench| {
        let writer = bench.keyed.new_upsert()?.create_writer()?;
        drop(writer.upsert(&keyed_row(5, 100, "new"))?);
        writer.flush().await
    };
    Asks "lookup" => |bench| bench.keyed.new_lookup()?.create_lookuper()?.lookup(&key(0, 0)).await;
    Asks "lookup_many" => |bench| {
        let keys: Vec<_> = (0..20).map(|id| key(id % 2, id)).collect();
        bench.keyed.new_lookup()?.create_lookuper()?.lookup_many(&keys).await
    };
    Asks "prefix lookup" => |bench| {
        let lookuper = bench.keyed.new_lookup()?.lookup_by(vec!["tenant".into()]).create_lookuper()?;
        let mut prefix = fluss::row::GenericRow::new(1);
        prefix.set_field(0, 1);
        lookuper.lookup(&prefix).await
    };
    Asks "limit scan of a bucket" => |bench| {
        let bucket = TableBucket::new(bench.log.get_table_info().table_id(), 0);
        let scanner = bench.log.new_scan().limit(5)?.create_bucket_batch_scanner(bucket)?;
        scanner.next_batch().await
    };
    Asks "subscribe from a time, read_until" => |bench| {
        let scanner = bench.log.new_scan().create_log_scanner()?;
        scanner.subscribe_from(None, 0, OffsetSpec::Timestamp(0)).await?;
        scanner.read_until(OffsetSpec::Latest).await
    };
    Reads "poll" => |bench| {
        let scanner = bench.log.new_scan().create_log_scanner()?;
        scanner.subscribe_buckets(&HashMap::from([(0, EARLIEST_OFFSET), (1, EARLIEST_OFFSET)])).await?;
        scanner.poll(POLL).await
    };
    Reads "poll of batches" => |bench| {
        let scanner = bench.log.new_scan().create_record_batch_log_scanner()?;
        scanner.subscribe(0, EARLIEST_OFFSET).await?;
        scanner.poll(POLL).await
    };
    Reads "stream" => |bench| {
        let scanner = bench.log.new_scan().create_log_scanner()?;
        scanner.subscribe(0, EARLIEST_OFFSET).await?;
        let mut stream = scanner.into_stream();
        // Without an end, a stream goes on asking; who reads it gives it a time.
        match tokio::time::timeout(POLL, stream.next()).await {
            Ok(Some(record)) => record.map(drop),
            Ok(None) | Err(_) => Ok(()),
        }
    };
}
