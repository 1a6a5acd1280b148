//! Reading to an end that is known beforehand: to what is there now, to a time, to offsets.

use std::collections::HashMap;

use fluss_metadata::{OffsetSpec, TableBucket};
use fluss_wire::error_code::ServerError;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::{Scanner, entropy, offsets, start_of};
use crate::engine::scan::{FetchFault, StartOffset, judge, retry_delay};
use crate::error::{Error, Result};
use crate::table::OffsetReset;

/// Questions for offsets under way at once.
const QUESTIONS: usize = 16;

impl Scanner {
    /// Gives every bucket that is read an end.
    pub(super) async fn read_until(&self, end: OffsetSpec) -> Result<()> {
        self.end_discovery();
        let start = match start_of(end) {
            StartOffset::At(_) => StartOffset::EarliestResolved,
            other => other,
        };
        let ends: HashMap<TableBucket, i64> = stream::iter(self.subscribed())
            .map(|bucket| async move { Ok((bucket, self.offset(&bucket, start).await?)) })
            .buffer_unordered(QUESTIONS)
            .try_collect()
            .await
            .map_err(|error: Error| self.shared.error(error).during("read_until"))?;
        self.stop_at(&ends);
        Ok(())
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
        engine.set_bounded();
        drop(engine);
        self.shared.work.notify_one();
        self.shared.data.notify_one();
    }

    /// The offset of a place in the log. What passes is repeated.
    async fn offset(&self, bucket: &TableBucket, start: StartOffset) -> Result<i64> {
        let cluster = &self.shared.connection().cluster;
        let deadline = Instant::now() + self.shared.connection().config.call_timeout;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let seen = cluster.view().generation();
            let refusal: ServerError = match offsets::ask(&self.shared, bucket, start).await {
                Ok(Ok(offset)) => return Ok(offset),
                Ok(Err(refusal)) => refusal,
                Err(error) => return Err(error.of_bucket(*bucket)),
            };
            let fault = judge(refusal.code, false, OffsetReset::Error);
            let passes = matches!(fault, FetchFault::Retry | FetchFault::RefreshAndRetry);
            let pause = retry_delay(attempts, entropy(cluster));
            if !passes || Instant::now() + pause > deadline {
                return Err(Error::from(refusal)
                    .of_bucket(*bucket)
                    .after_attempts(attempts));
            }
            if fault == FetchFault::RefreshAndRetry {
                cluster.invalidate_bucket(bucket, seen);
            }
            self.shared.sleep_until(Instant::now() + pause).await;
        }
    }
}
