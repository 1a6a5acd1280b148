//! What one writer remembers of its batches, for `flush`.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::completion::Completion;
use fluss_metadata::text::Count;

use crate::error::Error;

/// A writer, as its batches know it. Clones of a writer share it.
#[derive(Debug, Default)]
pub(crate) struct Member {
    state: Mutex<State>,
    is_closed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// Batches with rows of this writer, in the order it joined them; those that ended go when the next one comes.
    batches: VecDeque<Arc<Completion>>,
    /// Of those that failed since the last `flush`, the first one, and those that no result may have reported, while they are not too many.
    first_failure: Option<Error>,
    untold: VecDeque<Untold>,
    /// One for which there was no room among them.
    one_more: Option<Error>,
}

/// A batch that failed.
#[derive(Debug)]
struct Untold {
    batch: Arc<Completion>,
    error: Error,
    /// Whether other writers have rows in it: then a result that reported the failure may be that of another writer's row.
    is_shared: bool,
}

impl Untold {
    fn is_told(&self) -> bool {
        !self.is_shared && self.batch.is_told()
    }
}

/// Failures of which a writer remembers whether their rows told of them.
const UNTOLD: usize = 64;

impl Member {
    /// The writer has its first row in a batch.
    pub(super) fn join(&self, batch: &Arc<Completion>) {
        let mut state = self.state();
        while state
            .batches
            .front()
            .is_some_and(|batch| batch.outcome().is_some())
        {
            state.batches.pop_front();
        }
        state.batches.push_back(Arc::clone(batch));
    }

    /// A batch with rows of this writer failed. `is_shared` if other writers have rows in it, too.
    pub(super) fn on_failure(&self, batch: &Arc<Completion>, error: &Error, is_shared: bool) {
        let mut state = self.state();
        state.first_failure.get_or_insert_with(|| error.clone());
        if state.untold.len() >= UNTOLD {
            state.untold.retain(|untold| !untold.is_told());
        }
        if state.untold.len() < UNTOLD {
            state.untold.push_back(Untold {
                batch: Arc::clone(batch),
                error: error.clone(),
                is_shared,
            });
        } else {
            state.one_more.get_or_insert_with(|| error.clone());
        }
    }

    /// The batches that have not ended.
    pub(crate) fn pending(&self) -> Vec<Arc<Completion>> {
        let mut state = self.state();
        state.batches.retain(|batch| batch.outcome().is_none());
        state.batches.iter().cloned().collect()
    }

    /// The error of a `close` that ran out of time, with what these writers had not sent by then.
    pub(super) fn not_sent<'a>(
        members: impl IntoIterator<Item = &'a Self>,
        timeout: Duration,
    ) -> Error {
        // Writers of one table share batches.
        let pending: HashMap<_, _> = members
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
    pub(crate) fn take_failure(&self) -> Option<Error> {
        let mut state = self.state();
        state.untold.clear();
        state.one_more = None;
        state.first_failure.take()
    }

    /// As [`take_failure`](Self::take_failure), but for those that results of rows reported. Of very many, and of batches shared with other
    /// writers, rather one twice than none.
    pub(crate) fn take_untold_failure(&self) -> Option<Error> {
        let mut state = self.state();
        state.first_failure = None;
        let mut failures = std::mem::take(&mut state.untold).into_iter();
        let untold = failures.find(|untold| !untold.is_told());
        let one_more = state.one_more.take();
        untold.map(|untold| untold.error).or(one_more)
    }

    /// Refuses rows from now on.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
