//! How appenders wake the sender: a list of the buckets that have something new, and a bell.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::engine::write::BucketNumber;

/// The buckets that are ready for a look of the sender. Touched per batch, never per row.
#[derive(Debug, Default)]
pub(super) struct Doorbell {
    state: Mutex<State>,
    rings: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Buckets with a batch that was opened, closed or became urgent.
    ready: Vec<BucketNumber>,
    next_number: BucketNumber,
    /// When the sleeping sender wakes up by itself; `None` if never.
    wakes_at: Option<Instant>,
    is_asleep: bool,
    lifecycle: Lifecycle,
}

/// How far the write side of a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Lifecycle {
    #[default]
    Open,
    /// No new writers; the sender sends what there is.
    Closing,
    /// The sender ends or has ended: nothing more is sent.
    Ended,
}

/// The button of one bucket.
#[derive(Debug, Clone)]
pub(super) struct Button {
    doorbell: Arc<Doorbell>,
    bucket: BucketNumber,
}

impl Button {
    /// The sender should look at the bucket now.
    pub(super) fn press(&self) {
        self.doorbell.mark_ready(self.bucket, None);
    }

    /// The sender should look at the bucket at `by` the latest. It is woken only if it would sleep longer than that;
    /// awaiting a row of the bucket wakes it at once anyway.
    pub(super) fn press_by(&self, by: Instant) {
        self.doorbell.mark_ready(self.bucket, Some(by));
    }
}

impl Doorbell {
    /// Buttons for `count` new buckets, with consecutive numbers. The first number is returned with them.
    pub(super) fn buttons(
        self: &Arc<Self>,
        count: usize,
    ) -> (BucketNumber, impl Iterator<Item = Button> + use<'_>) {
        let mut state = self.state();
        let first = state.next_number;
        state.next_number += count;
        let button = |bucket| Button {
            doorbell: Arc::clone(self),
            bucket,
        };
        (first, (first..first + count).map(button))
    }

    fn mark_ready(&self, bucket: BucketNumber, by: Option<Instant>) {
        let mut state = self.state();
        state.ready.push(bucket);
        let is_late = |by| state.wakes_at.is_none_or(|wakes_at| wakes_at > by);
        let rings = state.is_asleep && by.is_none_or(is_late);
        drop(state);
        if rings {
            self.ring();
        }
    }

    /// Wakes the sender.
    pub(super) fn ring(&self) {
        self.rings.notify_one();
    }

    /// The buckets to look at. The sender is awake.
    pub(super) fn take_ready(&self) -> Vec<BucketNumber> {
        let mut state = self.state();
        state.is_asleep = false;
        std::mem::take(&mut state.ready)
    }

    /// The sender is about to sleep until `wakes_at`. False if there is something to look at first.
    pub(super) fn may_sleep(&self, wakes_at: Option<Instant>) -> bool {
        let mut state = self.state();
        state.is_asleep = state.ready.is_empty() && state.lifecycle != Lifecycle::Ended;
        state.wakes_at = wakes_at;
        state.is_asleep
    }

    /// Waits until the bell rings.
    pub(super) async fn rung(&self) {
        self.rings.notified().await;
    }

    pub(super) fn lifecycle(&self) -> Lifecycle {
        self.state().lifecycle
    }

    /// Moves on to a later stage of life, which the sender notices immediately.
    pub(super) fn advance(&self, to: Lifecycle) {
        let mut state = self.state();
        state.lifecycle = state.lifecycle.max(to);
        drop(state);
        self.ring();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
