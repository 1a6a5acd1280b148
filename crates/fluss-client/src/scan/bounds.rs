//! Bounded scans: to the current end, to a timestamp, or to offsets.

use std::collections::HashMap;
use std::sync::MutexGuard;

use fluss_metadata::{OffsetSpec, TableBucket};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::decode::LogChunk;
use super::scanner::Scanner;
use super::{offsets, partitions};
use crate::engine::scan::{ScanEngine, StartOffset};
use crate::error::{Error, Result};

/// Maximum number of offset requests in flight.
const QUESTIONS: usize = 16;

impl Scanner {
    /// Gives every bucket that is read an end.
    pub(super) async fn read_until(&self, end: OffsetSpec) -> Result<()> {
        self.end_discovery();
        let ends: Vec<(TableBucket, Result<i64>)> = stream::iter(self.subscribed())
            .map(|bucket| async move {
                match self.end_of(&bucket, end).await {
                    // That a partition was dropped is no reason to read the others without an end.
                    Err(error) if !partitions::is_missing(&error) => Err(error),
                    told => Ok((bucket, told)),
                }
            })
            .buffer_unordered(QUESTIONS)
            .try_collect()
            .await
            .map_err(|error: Error| self.shared.error(error).during("read_until"))?;
        let mut engine = self.shared.engine();
        for (bucket, told) in ends {
            match (told, end) {
                (Ok(offset), OffsetSpec::Timestamp(time)) => {
                    engine.stop_at_time(&bucket, offset, time);
                }
                (Ok(offset), OffsetSpec::Earliest | OffsetSpec::Latest) => {
                    engine.stop_at(&bucket, offset);
                }
                (Err(error), _) => engine.give_up(&bucket, error),
            }
        }
        self.bounded(engine);
        Ok(())
    }

    /// The offset at which a bucket ends at the latest.
    async fn end_of(&self, bucket: &TableBucket, end: OffsetSpec) -> Result<i64> {
        let (context, table) = (self.shared.context(), self.projection().table());
        let find = |start| offsets::find(context, table, bucket, start);
        match end {
            OffsetSpec::Earliest => find(StartOffset::EarliestResolved).await,
            OffsetSpec::Latest => find(StartOffset::Latest).await,
            OffsetSpec::Timestamp(time) => {
                // Servers know only roughly where a time is, so that the batches themselves have to tell. Asked for
                // it first they refuse a time to come; what they write after that is not older.
                let roughly = find(StartOffset::Timestamp(time)).await?;
                Ok(find(StartOffset::Latest).await?.max(roughly))
            }
        }
    }

    /// Gives every bucket that is read the end that is named for it.
    pub(super) fn read_until_offsets(&self, ends: &HashMap<TableBucket, i64>) -> Result<()> {
        let refused = |error: Error| self.shared.error(error).during("read_until_offsets");
        let subscribed = self.subscribed();
        if let Some(bucket) = subscribed.iter().find(|bucket| !ends.contains_key(bucket)) {
            return Err(refused(
                Error::usage("no end is given for a bucket that is read").of_bucket(*bucket),
            ));
        }
        if let Some((bucket, end)) = ends
            .iter()
            .find(|(bucket, end)| **end < 0 || !subscribed.contains(bucket))
        {
            return Err(refused(
                Error::usage(format!(
                    "{end} is no end: expected an offset of a bucket that is read"
                ))
                .of_bucket(*bucket),
            ));
        }
        self.end_discovery();
        self.stop_at(ends);
        Ok(())
    }

    pub(super) fn is_finished(&self) -> bool {
        self.shared.engine().is_finished()
    }

    fn stop_at(&self, ends: &HashMap<TableBucket, i64>) {
        let mut engine = self.shared.engine();
        for (bucket, end) in ends {
            engine.stop_at(bucket, *end);
        }
        self.bounded(engine);
    }

    /// Reads the offsets `from` to `to` of one bucket.
    pub(super) fn read_range(&self, bucket: TableBucket, from: i64, to: i64) {
        let mut engine = self.shared.engine();
        engine.subscribe(bucket, StartOffset::At(from));
        engine.stop_at(&bucket, to);
        self.bounded(engine);
    }

    fn bounded(&self, mut engine: MutexGuard<'_, ScanEngine<LogChunk>>) {
        engine.set_bounded();
        drop(engine);
        self.shared.work.notify_one();
        self.shared.data.notify_one();
    }
}
