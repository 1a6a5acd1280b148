//! Requests on their way to the driver.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    pub(super) sent_at: Instant,
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

/// Where handles leave requests for the driver. Its length is bounded by the permits that the requests carry.
#[derive(Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    driver: AtomicWaker,
}

#[derive(Default)]
struct State {
    next_id: i32,
    queued: Vec<Queued>,
    /// Set once, when the connection has ended.
    cause: Option<Arc<DisconnectCause>>,
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a request; `encode` makes its frame for the id it gets. Returns the length of the frame, or the error of `encode`, or
    /// `None` when the connection has ended.
    pub(super) fn push(
        &self,
        outgoing: Outgoing,
        encode: impl FnOnce(i32) -> Result<Segments, RpcError>,
    ) -> Result<usize, Option<RpcError>> {
        let id = {
            let mut state = self.state();
            if state.cause.is_some() {
                return Err(None);
            }
            state.next_id = state.next_id.wrapping_add(1) & i32::MAX;
            state.next_id
        };
        let frame = encode(id).map_err(Some)?;
        let length = frame.len_bytes();
        {
            let mut state = self.state();
            if state.cause.is_some() {
                return Err(None);
            }
            state.queued.push(Queued {
                id,
                outgoing,
                frame,
            });
        }
        self.driver.wake();
        Ok(length)
    }

    /// Takes what was left, into `taken`, which is empty; it is called by the driver alone.
    pub(super) fn take(&self, taken: &mut Vec<Queued>) {
        std::mem::swap(&mut self.state().queued, taken);
    }

    pub(super) fn register(&self, waker: &std::task::Waker) {
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
