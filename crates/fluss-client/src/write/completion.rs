//! How the rows of a batch learn what became of them.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use fluss_metadata::TableBucket;

use super::slot::BucketSlot;
use crate::engine::write::Wish;
use crate::error::Error;

/// What the server said about a written batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) bucket: TableBucket,
    pub(crate) offset: WrittenOffset,
}

/// What the offset in an answer counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WrittenOffset {
    /// A log: where the first row of the batch is.
    First(i64),
    /// A changelog: where it ends after the batch.
    End(i64),
    /// The server did not say.
    Unknown,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Outcome {
    Written(Written),
    Failed(Error),
    /// Its rows are in other batches now: where each of them is.
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

/// The end of one batch, shared by its rows.
#[derive(Debug)]
pub(crate) struct Completion {
    outcome: OnceLock<Outcome>,
    waiting: Mutex<Vec<Option<Waker>>>,
    wish: AtomicU8,
    /// Whether the result of a row told that the batch failed.
    is_told: AtomicBool,
    /// Rows of the batch so far.
    rows: AtomicU32,
    slot: Weak<BucketSlot>,
}

/// No place among those who wait.
pub(crate) const NOT_WAITING: u32 = u32::MAX;

impl Completion {
    pub(super) fn new(slot: Weak<BucketSlot>) -> Self {
        Self {
            outcome: OnceLock::new(),
            waiting: Mutex::default(),
            wish: AtomicU8::new(number(Wish::Linger)),
            is_told: AtomicBool::new(false),
            rows: AtomicU32::new(0),
            slot,
        }
    }

    /// What became of the batch, once it is known.
    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// Somebody was told that it failed.
    #[cold]
    pub(crate) fn tell(&self) {
        self.is_told.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Relaxed)
    }

    /// Waits for the outcome; `place` is where the caller keeps its place among those who wait. The batch becomes as urgent as `wish`.
    pub(crate) fn poll(
        &self,
        wish: Wish,
        place: &mut u32,
        context: &mut Context<'_>,
    ) -> Poll<&Outcome> {
        if let Some(outcome) = self.outcome.get() {
            return Poll::Ready(outcome);
        }
        {
            let mut waiting = self.waiting();
            // Those who wait are woken after the outcome is set, with this lock held in between.
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
        self.want(wish);
        Poll::Pending
    }

    /// Gives up a place among those who wait.
    pub(crate) fn forget(&self, place: u32) {
        if place != NOT_WAITING
            && let Some(entry) = self.waiting().get_mut(place as usize)
        {
            *entry = None;
        }
    }

    /// Makes the batch as urgent as `wish`, if it is less so.
    pub(crate) fn want(&self, wish: Wish) {
        let wanted = number(wish);
        if self.wish.load(Ordering::Relaxed) < wanted
            && self.wish.fetch_max(wanted, Ordering::AcqRel) < wanted
            && let Some(slot) = self.slot.upgrade()
        {
            slot.want_attention();
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

    /// How soon the batch is wanted.
    pub(super) fn wish(&self) -> Wish {
        match self.wish.load(Ordering::Acquire) {
            0 => Wish::Linger,
            1 => Wish::Urgent,
            _ => Wish::Flush,
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

fn number(wish: Wish) -> u8 {
    match wish {
        Wish::Linger => 0,
        Wish::Urgent => 1,
        Wish::Flush => 2,
    }
}
