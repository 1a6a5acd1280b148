//! Where handles leave requests for the driver.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use fluss_wire::Segments;
use fluss_wire::api::ApiKey;
use futures::task::AtomicWaker;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use crate::error::{DisconnectCause, RpcError};

/// A request that somebody waits for.
pub(super) struct Outgoing {
    pub(super) api: ApiKey,
    pub(super) deadline: Instant,
    /// When its caller began to wait.
    pub(super) since: Instant,
    pub(super) answer: oneshot::Sender<Result<Bytes, RpcError>>,
    /// Freed with the request.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// A request with its id and its bytes.
pub(super) struct Queued {
    pub(super) id: i32,
    pub(super) outgoing: Outgoing,
    pub(super) frame: Segments,
}

/// What handles left since the driver last looked.
#[derive(Default)]
pub(super) struct Left {
    pub(super) queued: Vec<Queued>,
    /// Requests whose callers have gone away.
    pub(super) cancelled: Vec<i32>,
}

/// A short list behind a lock, and a way to wake the driver. Its length is bounded by the permits that the requests carry.
#[derive(Default)]
pub(super) struct Outbox {
    next_id: AtomicU64,
    state: Mutex<State>,
    driver: AtomicWaker,
}

#[derive(Default)]
struct State {
    left: Left,
    /// Set once, when the connection has ended.
    cause: Option<Arc<DisconnectCause>>,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id that no request on this connection had before, so that a late answer can never reach another request. `None` when there
    /// is none left, after two thousand million requests: the connection has served its time.
    pub(super) fn next_id(&self) -> Option<i32> {
        i32::try_from(self.next_id.fetch_add(1, Ordering::Relaxed)).ok()
    }

    /// Whether [`next_id`](Self::next_id) has nothing left to give.
    pub(super) fn is_spent(&self) -> bool {
        self.next_id.load(Ordering::Relaxed) > i32::MAX as u64
    }

    /// Leaves a request and wakes the driver, unless the connection has ended.
    pub(super) fn push(&self, request: Queued) -> Result<(), Arc<DisconnectCause>> {
        {
            let mut state = self.state();
            if let Some(cause) = &state.cause {
                return Err(Arc::clone(cause));
            }
            state.left.queued.push(request);
        }
        self.driver.wake();
        Ok(())
    }

    /// Says that nobody waits for a request any more.
    pub(super) fn cancel(&self, id: i32) {
        {
            let mut state = self.state();
            if state.cause.is_some() {
                return;
            }
            state.left.cancelled.push(id);
        }
        self.driver.wake();
    }

    /// Takes what was left, into `taken`, which is empty. Says so if the connection has ended. Called by the driver alone.
    pub(super) fn take(&self, taken: &mut Left) -> Result<(), Arc<DisconnectCause>> {
        let mut state = self.state();
        std::mem::swap(&mut state.left, taken);
        state
            .cause
            .as_ref()
            .map_or(Ok(()), |cause| Err(Arc::clone(cause)))
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.driver.register(waker);
    }

    /// Why the connection ended, once it has.
    pub(super) fn cause(&self) -> Option<Arc<DisconnectCause>> {
        self.state().cause.clone()
    }

    /// Ends the connection, unless it has ended; the first cause stays. Wakes the driver.
    pub(super) fn close(&self, cause: DisconnectCause) -> Arc<DisconnectCause> {
        let cause = Arc::clone(self.state().cause.get_or_insert_with(|| Arc::new(cause)));
        self.driver.wake();
        cause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_given_twice() {
        let outbox = Outbox::default();
        assert_eq!((outbox.next_id(), outbox.next_id()), (Some(0), Some(1)));
        outbox.next_id.store(i32::MAX as u64, Ordering::Relaxed);
        assert!(!outbox.is_spent());
        assert_eq!(outbox.next_id(), Some(i32::MAX));
        for _ in 0..3 {
            assert_eq!(outbox.next_id(), None);
            assert!(outbox.is_spent());
        }
    }
}
