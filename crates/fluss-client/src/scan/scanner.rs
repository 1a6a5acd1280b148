//! A scanner: its subscriptions, and what polls take.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_schema::SchemaRef;
use fluss_metadata::{PartitionId, TableBucket, TableInfo};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::decode::{BatchReader, LogChunk};
use super::driver;
use super::metrics::ScannerMetrics;
use super::projection::Projection;
use super::shared::Shared;
use crate::clock::FAR_AWAY;
use crate::context::OpenContext;
use crate::engine::scan::{Limits, OffsetReset, ScanEngine, StartOffset, Tail, Take, Taken};
use crate::error::{Error, Result};
use crate::remote::RemoteStores;

/// One scanner: subscriptions, and the driver that reads for them until this value is dropped.
#[derive(Debug)]
pub(crate) struct Scanner {
    pub(super) shared: Arc<Shared>,
    driver: AbortHandle,
    /// The task that looks for new partitions.
    pub(super) discovery: Mutex<Option<AbortHandle>>,
}

/// What a poll found, with the resulting position of each bucket.
pub(super) struct Polled {
    pub(super) taken: Vec<Taken<LogChunk>>,
    pub(super) positions: Vec<(TableBucket, i64)>,
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.end_discovery();
        self.driver.abort();
    }
}

impl Scanner {
    /// Starts a scanner without subscriptions, of which a poll takes at most so many rows: in columns of the schema,
    /// if one is given.
    pub(crate) fn start(
        context: OpenContext,
        remote: Arc<RemoteStores>,
        projection: Projection,
        reset: OffsetReset,
        max_poll_records: usize,
        schema: Option<SchemaRef>,
    ) -> Self {
        let config = &context.config;
        let limits = Limits {
            fetch_max_bytes: config.scanner_fetch_max_bytes,
            bucket_max_bytes: config.scanner_fetch_max_bytes_for_bucket,
            remote_max_bytes: config
                .scanner_remote_read_bytes
                .min((config.scanner_prefetch_max_bytes / 4).max(1)),
            prefetch_max_bytes: config.scanner_prefetch_max_bytes,
            max_poll_records,
            tail: Tail {
                latency: config.scanner_tail_latency,
                wait_max: config.scanner_fetch_wait_max_time,
                always_held: config.scanner_fetch_min_bytes > 1,
                replicated: is_replicated(projection.table()),
            },
        };
        let handle = context.drivers.handle().clone();
        let shared = Arc::new(Shared {
            metrics: ScannerMetrics::new(projection.table().table_path()),
            engine: Mutex::new(ScanEngine::new(limits)),
            reader: BatchReader::new(context, projection),
            remote,
            reset,
            schema,
            work: Notify::new(),
            data: Notify::new(),
            woken: AtomicBool::new(false),
        });
        let driver = handle
            .spawn(driver::drive(Arc::clone(&shared)))
            .abort_handle();
        Self {
            shared,
            driver,
            discovery: Mutex::default(),
        }
    }

    pub(super) fn projection(&self) -> &Projection {
        self.shared.projection()
    }

    /// Checks and starts subscriptions, all or none.
    pub(super) fn subscribe_from(
        &self,
        buckets: impl IntoIterator<Item = (Option<PartitionId>, i32, Result<StartOffset>)>,
    ) -> Result<()> {
        let buckets = buckets
            .into_iter()
            .map(|(partition, bucket, start)| Ok((self.bucket(partition, bucket)?, start?)))
            .collect::<Result<Vec<_>>>()
            .map_err(|error| self.shared.error(error).during("subscribe"))?;
        if self.shared.context().cluster.is_closed() {
            let closed = self.shared.error(Error::closed("the connection"));
            return Err(closed.during("subscribe"));
        }
        let mut engine = self.shared.engine();
        for (bucket, start) in buckets {
            engine.subscribe(bucket, start);
        }
        drop(engine);
        self.shared.work.notify_one();
        Ok(())
    }

    pub(super) fn unsubscribe(&self, partition: Option<PartitionId>, bucket: i32) -> Result<()> {
        let bucket = self
            .bucket(partition, bucket)
            .map_err(|error| self.shared.error(error).during("unsubscribe"))?;
        self.shared.engine().unsubscribe(&bucket);
        self.shared.work.notify_one();
        Ok(())
    }

    pub(super) fn bucket(
        &self,
        partition: Option<PartitionId>,
        bucket: i32,
    ) -> Result<TableBucket> {
        let table = self.projection().table();
        if table.is_partitioned() && partition.is_none() {
            return Err(Error::usage(
                "the table is partitioned: subscribe to buckets of a partition",
            ));
        }
        if !table.is_partitioned() && partition.is_some() {
            return Err(Error::usage("the table has no partitions"));
        }
        // A partition may have more buckets than the table says: the server knows.
        if bucket < 0 || (partition.is_none() && bucket >= table.num_buckets()) {
            return Err(Error::usage(format!(
                "bucket {bucket} is not one of 0 to {}",
                table.num_buckets() - 1
            )));
        }
        Ok(TableBucket::new_with_partition(
            table.table_id(),
            partition,
            bucket,
        ))
    }

    pub(super) fn position(&self, partition: Option<PartitionId>, bucket: i32) -> Option<i64> {
        let bucket = self.bucket(partition, bucket).ok()?;
        self.position_of(&bucket)
    }

    pub(super) fn position_of(&self, bucket: &TableBucket) -> Option<i64> {
        self.shared.engine().position(bucket)
    }

    /// How far buckets advanced by batches without rows since a poll last reported it.
    pub(super) fn progress(&self) -> Vec<(TableBucket, i64)> {
        self.shared.engine().tell_progress()
    }

    pub(super) fn subscribed(&self) -> Vec<TableBucket> {
        let mut buckets: Vec<_> = self.shared.engine().subscribed().copied().collect();
        buckets.sort_unstable();
        buckets
    }

    pub(super) fn wakeup(&self) {
        self.shared.woken.store(true, Ordering::Release);
        self.shared.data.notify_one();
    }

    /// Waits until there is something to hand out, at most `timeout`. What is taken is taken in the moment of
    /// returning: a poll that is dropped loses nothing.
    pub(super) async fn poll(&self, timeout: Duration) -> Result<Option<Polled>> {
        self.poll_for("poll", timeout).await
    }

    /// As [`poll`](Self::poll), for another operation, which errors name.
    pub(super) async fn poll_for(
        &self,
        operation: &'static str,
        timeout: Duration,
    ) -> Result<Option<Polled>> {
        let shared = &*self.shared;
        if let Some(polled) = self.take(operation)? {
            return Ok(Some(polled));
        }
        if self.is_finished() {
            return Ok(None);
        }
        if shared.engine().is_empty() {
            return Err(shared.error(Error::usage("no bucket is subscribed").during(operation)));
        }
        let _idle = shared.metrics.idle();
        let ends = Instant::now() + timeout.min(FAR_AWAY);
        let patience = self.patience();
        let sleep = shared.sleep_until(ends.min(Instant::now() + patience));
        tokio::pin!(sleep);
        loop {
            if shared.woken.swap(false, Ordering::AcqRel) {
                return Ok(None);
            }
            let mut closed = None;
            let timed_out = tokio::select! {
                biased;
                () = shared.data.notified() => false,
                slept = &mut sleep => {
                    closed = slept.err();
                    true
                }
            };
            if let Some(polled) = self.take(operation)? {
                return Ok(Some(polled));
            }
            if self.is_finished() {
                // Other polls that wait have nothing to wait for, either.
                shared.data.notify_one();
                return Ok(None);
            }
            if let Some(closed) = closed {
                return Err(shared.error(Error::from(closed)).during(operation));
            }
            if timed_out && Instant::now() < ends {
                // A lasting failure is returned even while a long poll is waiting.
                let before = self.failing_since();
                let engine = shared.engine();
                if let Some(error) = before.and_then(|before| engine.passing_failure(before)) {
                    return Err(shared.error(error).during(operation));
                }
                let since = engine.failing_since().map(Instant::from_std);
                drop(engine);
                let next = since.unwrap_or_else(Instant::now) + patience;
                sleep.set(shared.sleep_until(ends.min(next)));
                continue;
            }
            if timed_out {
                return match self.failing_since().and_then(|before| {
                    let engine = shared.engine();
                    engine.standing_failure(before)
                }) {
                    Some(error) => Err(shared.error(error).during(operation)),
                    None => Ok(None),
                };
            }
        }
    }

    /// Before when a failure that passes by itself must have begun to be worth telling.
    pub(super) fn failing_since(&self) -> Option<std::time::Instant> {
        Instant::now()
            .checked_sub(self.patience())
            .map(Instant::into_std)
    }

    /// How long a transient failure may last before it is reported.
    pub(super) fn patience(&self) -> Duration {
        let patience = self.shared.context().config.call_timeout;
        patience.clamp(Duration::from_millis(1), FAR_AWAY)
    }

    /// A failure that passes by itself, but has not for long.
    pub(super) fn passing_failure(&self) -> Option<Error> {
        let error = self
            .shared
            .engine()
            .passing_failure(self.failing_since()?)?;
        Some(self.shared.error(error).during("stream"))
    }

    pub(super) fn take(&self, operation: &'static str) -> Result<Option<Polled>> {
        let mut engine = self.shared.engine();
        if let Some(error) = engine.overdue_failure(Instant::now().into_std(), self.patience()) {
            drop(engine);
            return Err(self.shared.error(error).during(operation));
        }
        let take = engine.take();
        let plan_is_due = engine.plan_is_due();
        let outcome = match take {
            Take::Nothing => Ok(None),
            Take::Failed(error) => Err(self.shared.error(error).during(operation)),
            Take::Rows(taken) => {
                let mut positions: Vec<(TableBucket, i64)> = Vec::with_capacity(1);
                for Taken { bucket, .. } in &taken {
                    if positions.last().is_none_or(|(last, _)| last != bucket) {
                        let position = engine.tell_position(bucket);
                        positions.push((*bucket, position.unwrap_or_default()));
                    }
                }
                Ok(Some(Polled { taken, positions }))
            }
        };
        drop(engine);
        if plan_is_due {
            self.shared.work.notify_one();
        }
        outcome
    }
}

/// Whether buckets of a table have followers.
fn is_replicated(table: &TableInfo) -> bool {
    let replicas = table.descriptor().replication_factor();
    matches!(replicas, Ok(Some(2..)))
}
