//! Calls to tables: writing, lookups, scans.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{Int32Array, RecordBatch, StringArray};
use fluss::client::EARLIEST_OFFSET;
use fluss::metadata::{OffsetSpec, TableBucket};
use futures::StreamExt;

use super::{POLL, calls};
use crate::support::{key, keyed_row, log_row};

fn arrow() -> RecordBatch {
    let ids = Int32Array::from_iter_values(100..110);
    let texts = StringArray::from_iter_values((100..110).map(|id| format!("row {id}")));
    RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("text", Arc::new(texts) as _)])
        .unwrap()
}

calls! {
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
    Asks "limit scan of a table" => |bench| {
        bench.log.new_scan().limit(5)?.create_batch_scanner()?.collect_all_batches().await
    };
    Asks "scan of all rows" => |bench| {
        bench.keyed.new_scan().create_batch_scanner()?.collect_all_batches().await
    };
    Asks "subscribe_table, read_until" => |bench| {
        let scanner = bench.log.new_scan().create_log_scanner()?;
        scanner.subscribe_table(OffsetSpec::Earliest).await?;
        scanner.read_until(OffsetSpec::Latest).await?;
        scanner.unsubscribe_all().await
    };
}
