//! What one writer remembers of its batches, for `flush` and `close`.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fluss_metadata::text::Count;

use super::completion::{Completion, NOT_WAITING};
use crate::engine::write::Urgency;
use crate::error::{Error, Result};

/// A writer, as its batches know it. Clones of a writer share it.
#[derive(Debug, Default)]
pub(crate) struct WriterState {
    batches: Mutex<Batches>,
    is_closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Batches {
    /// Batches with rows of this writer, in the order it joined them. Ended ones are removed when the next one comes.
    pending: VecDeque<Arc<Completion>>,
    /// The first failure since the last `flush`.
    first_failure: Option<Error>,
    /// The failures since then that the result of no row may have reported, up to a bound.
    unreported: VecDeque<Unreported>,
    /// One beyond the bound.
    one_more: Option<Error>,
}

/// A batch that failed.
#[derive(Debug)]
struct Unreported {
    batch: Arc<Completion>,
    error: Error,
    /// Whether other writers have rows in it. Then a result that reported the failure may be that of another writer's row.
    is_shared: bool,
}

impl Unreported {
    fn is_reported(&self) -> bool {
        !self.is_shared && self.batch.is_reported()
    }
}

/// Failures of which a writer remembers whether the results of their rows reported them.
const MAX_UNREPORTED: usize = 64;

impl WriterState {
    /// The writer has its first row in a batch.
    pub(super) fn join(&self, batch: &Arc<Completion>) {
        let mut batches = self.batches();
        let has_ended = |batch: &Arc<Completion>| batch.outcome().is_some();
        while batches.pending.front().is_some_and(has_ended) {
            batches.pending.pop_front();
        }
        batches.pending.push_back(Arc::clone(batch));
    }

    /// A batch with rows of this writer failed. `is_shared` if other writers have rows in it, too.
    pub(super) fn on_failure(&self, batch: &Arc<Completion>, error: &Error, is_shared: bool) {
        let mut batches = self.batches();
        batches.first_failure.get_or_insert_with(|| error.clone());
        if batches.unreported.len() >= MAX_UNREPORTED {
            batches.unreported.retain(|failure| !failure.is_reported());
        }
        if batches.unreported.len() < MAX_UNREPORTED {
            batches.unreported.push_back(Unreported {
                batch: Arc::clone(batch),
                error: error.clone(),
                is_shared,
            });
        } else {
            batches.one_more.get_or_insert_with(|| error.clone());
        }
    }

    /// The batches that have not ended.
    fn pending(&self) -> Vec<Arc<Completion>> {
        let mut batches = self.batches();
        batches.pending.retain(|batch| batch.outcome().is_none());
        batches.pending.iter().cloned().collect()
    }

    /// Waits until the batches that the writer has now have ended, and those that their rows moved to.
    pub(super) async fn wait(&self) {
        let mut pending = self.pending();
        for batch in &pending {
            batch.want(Urgency::Flush);
        }
        let mut next = 0;
        while let Some(batch) = pending.get(next).cloned() {
            next += 1;
            let mut place = NOT_WAITING;
            // The outcome is read from the writer, which also keeps it if this future is dropped halfway.
            poll_fn(|context| batch.poll(Urgency::Flush, &mut place, context).map(|_| ())).await;
            if let Some(outcome) = batch.outcome() {
                let moved = outcome.moved_to().cloned();
                pending.extend(moved.inspect(|batch| batch.want(Urgency::Flush)));
            }
        }
    }

    /// Waits as [`wait`](Self::wait), at the end of a writer. Returns the first failure that was not reported.
    pub(super) async fn finish(&self) -> Result<()> {
        self.wait().await;
        self.take_unreported_failure().map_or(Ok(()), Err)
    }

    /// The error of a `close` that ran out of time, with what these writers had not sent by then.
    pub(super) fn not_sent<'a>(
        writers: impl IntoIterator<Item = &'a Self>,
        timeout: Duration,
    ) -> Error {
        // Writers of one table share batches.
        let pending: HashMap<_, _> = writers
            .into_iter()
            .flat_map(Self::pending)
            .map(|batch| (Arc::as_ptr(&batch), batch))
            .collect();
        let rows: u64 = pending.values().map(|batch| u64::from(batch.rows())).sum();
        let batches = pending.len();
        Error::timeout(
            format!(
                "the sending of the last {} in {}",
                Count(usize::try_from(rows).unwrap_or(usize::MAX), "row"),
                Count(batches, "batch")
            ),
            timeout,
        )
    }

    /// The first failure since the last call.
    pub(super) fn take_failure(&self) -> Option<Error> {
        let mut batches = self.batches();
        batches.unreported.clear();
        batches.one_more = None;
        batches.first_failure.take()
    }

    /// The first failure since the last call that no result of a row reported. If there are very many, or batches are shared with other
    /// writers, a failure is rather reported twice than never.
    fn take_unreported_failure(&self) -> Option<Error> {
        let mut batches = self.batches();
        batches.first_failure = None;
        let mut failures = std::mem::take(&mut batches.unreported).into_iter();
        let unreported = failures.find(|failure| !failure.is_reported());
        let one_more = batches.one_more.take();
        unreported.map(|failure| failure.error).or(one_more)
    }

    /// Refuses rows from now on.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
