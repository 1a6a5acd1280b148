//! What appenders tell the sender: which buckets to look at.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::slot::{BucketGroup, BucketSlot};
use super::table::TableWrites;

/// A list of buckets to look at and a bell. Touched per batch, never per row.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Debug)]
struct State {
    mail: Mail,
    /// When the sender wakes by itself; `None` if never.
    wakes_at: Option<Instant>,
    is_asleep: bool,
    is_ended: bool,
}

/// What came in since the sender looked last.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Tables and partitions that are new.
    pub(super) groups: Vec<(Arc<TableWrites>, Arc<BucketGroup>)>,
    /// Buckets with a batch that was opened, closed or became urgent.
    pub(super) slots: Vec<Arc<BucketSlot>>,
    pub(super) is_shut_down: bool,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                mail: Mail::default(),
                wakes_at: None,
                is_asleep: false,
                is_ended: false,
            }),
            bell: Notify::new(),
        }
    }

    /// A table or partition is written to for the first time.
    pub(super) fn add_group(&self, table: Arc<TableWrites>, group: Arc<BucketGroup>) {
        self.state().mail.groups.push((table, group));
        self.bell.notify_one();
    }

    /// The sender should look at the bucket now.
    pub(super) fn look_at(&self, slot: Arc<BucketSlot>) {
        let mut state = self.state();
        state.mail.slots.push(slot);
        let ring = state.is_asleep;
        drop(state);
        if ring {
            self.bell.notify_one();
        }
    }

    /// The sender should look at the bucket at `by` the latest. It is woken only if it sleeps longer than that: a row that is awaited
    /// wakes it anyway, at once.
    pub(super) fn look_at_by(&self, slot: Arc<BucketSlot>, by: Instant) {
        let mut state = self.state();
        state.mail.slots.push(slot);
        let ring = state.is_asleep && state.wakes_at.is_none_or(|wakes_at| wakes_at > by);
        drop(state);
        if ring {
            self.bell.notify_one();
        }
    }

    /// Wakes the sender.
    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    pub(super) fn shut_down(&self) {
        self.state().mail.is_shut_down = true;
        self.bell.notify_one();
    }

    /// The sender ends: what came in last.
    pub(super) fn end(&self) -> Mail {
        self.state().is_ended = true;
        self.take()
    }

    /// Whether there is no sender any more.
    pub(super) fn is_ended(&self) -> bool {
        self.state().is_ended
    }

    /// What came in. The sender is awake.
    pub(super) fn take(&self) -> Mail {
        let mut state = self.state();
        state.is_asleep = false;
        let is_shut_down = state.mail.is_shut_down;
        std::mem::replace(
            &mut state.mail,
            Mail {
                is_shut_down,
                ..Mail::default()
            },
        )
    }

    /// The sender is about to sleep until `wakes_at`. False if something came in that it must look at first.
    pub(super) fn may_sleep(&self, wakes_at: Option<Instant>) -> bool {
        let mut state = self.state();
        state.is_asleep =
            state.mail.groups.is_empty() && state.mail.slots.is_empty() && !state.mail.is_shut_down;
        state.wakes_at = wakes_at;
        state.is_asleep
    }

    /// Waits for the bell.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
