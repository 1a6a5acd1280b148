//! Those who read logs from the beginning to the end, while they are written.

use std::collections::BTreeMap;
use std::time::Duration;

use fluss::client::{EARLIEST_OFFSET, FlussTable};
use fluss::metadata::TableBucket;
use fluss::record::ChangeType;
use tokio::time::Instant;

use crate::world::{BUCKETS, World};

const POLL: Duration = Duration::from_secs(1);

/// The rows of a log in the order of their offsets: the offset, what was done, id, value.
pub(crate) type Log = Vec<(i64, ChangeType, u64, u64)>;

/// Reads a table until the logs have these ends; as long as there are none, until nobody writes any more. `ends` comes when they do.
pub(crate) async fn read(
    world: World,
    table: FlussTable,
    mut ends: tokio::sync::watch::Receiver<Option<BTreeMap<i32, i64>>>,
) -> BTreeMap<i32, Log> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    let mut logs: BTreeMap<i32, Log> = (0..BUCKETS).map(|bucket| (bucket, Log::new())).collect();
    for bucket in 0..BUCKETS {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut positions: BTreeMap<i32, i64> = (0..BUCKETS).map(|bucket| (bucket, 0)).collect();
    let has_primary_key = table.has_primary_key();
    loop {
        let ends = ends.borrow_and_update().clone();
        if let Some(ends) = &ends {
            world.at(format!("reading {positions:?} of {ends:?}"));
        }
        if let Some(ends) = ends
            && ends.iter().all(|(bucket, end)| positions[bucket] >= *end)
        {
            return logs;
        }
        let poll = scanner.poll(POLL);
        let records = match world.in_time("a poll", Instant::now(), POLL, poll).await {
            Some(Ok(records)) => records,
            // A poll tells of failures and goes on with the next one.
            Some(Err(error)) => {
                world.failed();
                if !error.is_retriable() {
                    world.wrong(format!("a poll: {error}"));
                    return logs;
                }
                continue;
            }
            None => return logs,
        };
        for (number, position) in &mut positions {
            let bucket = TableBucket::new(table.get_table_info().table_id(), *number);
            let log = logs.get_mut(number).unwrap();
            for record in records.records(&bucket) {
                let offset = record.offset();
                // A change that changes nothing takes an offset, and is no row.
                if offset < *position || (offset > *position && !has_primary_key) {
                    world.wrong(format!(
                        "bucket {number}: offset {offset} came in place of {position}"
                    ));
                    return logs;
                }
                *position = offset + 1;
                let (id, value) = (record.row().get_long(0), record.row().get_long(1));
                log.push((offset, *record.change_type(), id as u64, value as u64));
            }
            *position = records.consumed_up_to(&bucket).unwrap_or(*position);
        }
    }
}
