//! The outcome of a batch, and the callers that wait for it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use fluss_metadata::TableBucket;

use super::doorbell::Button;
use crate::engine::write::Urgency;
use crate::error::Error;

/// Where a batch was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) bucket: TableBucket,
    pub(crate) offset: WrittenOffset,
}

/// The offset in an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WrittenOffset {
    /// Log tables: the offset of the first row of the batch.
    First(i64),
    /// Primary-key tables: the end of the changelog after the batch.
    End(i64),
    /// The server did not return one.
    Unknown,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Outcome {
    Written(Written),
    Failed(Error),
    /// Its rows are in other batches now: the place of each.
    Moved(Box<[RowPlace]>),
}

/// A row in a batch.
#[derive(Debug, Clone)]
pub(crate) struct RowPlace {
    pub(crate) batch: Arc<Completion>,
    pub(crate) index: u32,
}

impl Outcome {
    /// The batches that the rows are in now, each once or a few times.
    pub(super) fn moved_to(&self) -> impl Iterator<Item = &Arc<Completion>> {
        let places: &[RowPlace] = match self {
            Self::Moved(places) => places,
            Self::Written(_) | Self::Failed(_) => &[],
        };
        let runs = places.chunk_by(|one, other| Arc::ptr_eq(&one.batch, &other.batch));
        runs.filter_map(|run| run.first().map(|place| &place.batch))
    }
}

/// The outcome of one batch, shared by its rows.
#[derive(Debug)]
pub(crate) struct Completion {
    outcome: OnceLock<Outcome>,
    waiting: Mutex<Vec<Option<Waker>>>,
    urgency: AtomicU8,
    /// Whether the result of a row reported that the batch failed.
    is_reported: AtomicBool,
    /// Rows of the batch so far.
    rows: AtomicU32,
    /// Informs the sender that the batch became urgent.
    button: Option<Button>,
}

/// No place in the list of waiting tasks.
pub(crate) const NOT_WAITING: u32 = u32::MAX;

impl Completion {
    pub(super) fn new(button: Option<Button>) -> Self {
        Self {
            outcome: OnceLock::new(),
            waiting: Mutex::default(),
            urgency: AtomicU8::new(Urgency::Linger as u8),
            is_reported: AtomicBool::new(false),
            rows: AtomicU32::new(0),
            button,
        }
    }

    /// What became of the batch, once it is known.
    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// The result of a row reported that the batch failed.
    #[cold]
    pub(crate) fn set_reported(&self) {
        self.is_reported.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_reported(&self) -> bool {
        self.is_reported.load(Ordering::Relaxed)
    }

    /// Waits for the outcome; `place` is the place of the caller in the list of waiting tasks. The batch becomes at least as urgent as
    /// `urgency`.
    pub(crate) fn poll(
        &self,
        urgency: Urgency,
        place: &mut u32,
        context: &mut Context<'_>,
    ) -> Poll<&Outcome> {
        if let Some(outcome) = self.outcome.get() {
            return Poll::Ready(outcome);
        }
        {
            let mut waiting = self.waiting();
            // Waiting tasks are woken after the outcome is set, and this lock is taken in between.
            if let Some(outcome) = self.outcome.get() {
                return Poll::Ready(outcome);
            }
            match waiting.get_mut(*place as usize) {
                Some(Some(waker)) => waker.clone_from(context.waker()),
                Some(entry) => *entry = Some(context.waker().clone()),
                None => {
                    *place = waiting.len() as u32;
                    waiting.push(Some(context.waker().clone()));
                }
            }
        }
        self.want(urgency);
        Poll::Pending
    }

    /// Gives up a place in the list of waiting tasks.
    pub(crate) fn forget(&self, place: u32) {
        if place != NOT_WAITING
            && let Some(entry) = self.waiting().get_mut(place as usize)
        {
            *entry = None;
        }
    }

    /// Makes the batch as urgent as `urgency`, if it is less so.
    pub(crate) fn want(&self, urgency: Urgency) {
        let wanted = urgency as u8;
        if self.urgency.load(Ordering::Relaxed) < wanted
            && self.urgency.fetch_max(wanted, Ordering::AcqRel) < wanted
            && let Some(button) = &self.button
        {
            button.press();
        }
    }

    /// Counts rows that were added. Only called with the lock of the bucket held. Returns the index of the first one.
    #[inline]
    pub(super) fn add_rows(&self, rows: u32) -> u32 {
        let before = self.rows.load(Ordering::Relaxed);
        self.rows.store(before + rows, Ordering::Relaxed);
        before
    }

    /// The rows of the batch so far.
    #[inline]
    pub(super) fn rows(&self) -> u32 {
        self.rows.load(Ordering::Relaxed)
    }

    /// How soon the batch is to be sent.
    pub(super) fn urgency(&self) -> Urgency {
        match self.urgency.load(Ordering::Acquire) {
            0 => Urgency::Linger,
            1 => Urgency::Urgent,
            _ => Urgency::Flush,
        }
    }

    pub(super) fn complete(&self, outcome: Outcome) {
        if self.outcome.set(outcome).is_ok() {
            for waker in std::mem::take(&mut *self.waiting()).into_iter().flatten() {
                waker.wake();
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Option<Waker>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
