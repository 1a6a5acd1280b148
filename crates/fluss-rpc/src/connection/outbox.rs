//! The queue in which handles put requests for the driver.

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

/// A request with a waiting caller.
pub(super) struct Outgoing {
    pub(super) api: ApiKey,
    pub(super) deadline: Instant,
    /// When its caller started to wait.
    pub(super) since: Instant,
    pub(super) answer: oneshot::Sender<Result<Bytes, RpcError>>,
    /// Released with the request.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// A request with its id and its bytes.
pub(super) struct Queued {
    pub(super) id: i32,
    pub(super) outgoing: Outgoing,
    pub(super) frame: Segments,
}

/// What the handles queued since the driver last took it.
#[derive(Default)]
pub(super) struct Left {
    pub(super) queued: Vec<Queued>,
    /// Requests whose callers were dropped.
    pub(super) cancelled: Vec<i32>,
}

/// A short list behind a lock, and a way to wake the driver. Its length is limited by the permits of the requests.
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

    /// Returns an id that no request on this connection had before, so that a late response can never reach another
    /// request. `None` when there is none left, after two billion requests: the connection must be replaced.
    pub(super) fn next_id(&self) -> Option<i32> {
        i32::try_from(self.next_id.fetch_add(1, Ordering::Relaxed)).ok()
    }

    /// Returns whether [`next_id`](Self::next_id) has run out of ids.
    pub(super) fn is_spent(&self) -> bool {
        self.next_id.load(Ordering::Relaxed) > i32::MAX as u64
    }

    /// Queues a request and wakes the driver, unless the connection has ended.
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

    /// Cancels a request that no caller waits for.
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

    /// Moves what was queued into `taken`, which must be empty. Returns the cause if the connection has ended. Only
    /// called by the driver.
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

    /// Returns why the connection ended, once it has.
    pub(super) fn cause(&self) -> Option<Arc<DisconnectCause>> {
        self.state().cause.clone()
    }

    /// Ends the connection, unless it has ended; the first cause is kept. Wakes the driver.
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
