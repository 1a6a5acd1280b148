//! The lookups of a connection.

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::dispatch::dispatch;
use super::entry::Entry;
use super::plan::LookupPlan;
use super::retry_driver;
use super::shared::{CloseOnDrop, Shared};
use super::target::{RoutedKey, Values};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::stats::LookupStats;

/// The lookup side of a connection. Cheap to clone; its tasks end with the last clone.
#[derive(Clone)]
pub(crate) struct Lookups {
    shared: Arc<Shared>,
    _close: Arc<CloseOnDrop>,
}

impl Lookups {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let shared = Arc::new(Shared::new(context));
        let retries = retry_driver::drive(CloseOnDrop(Arc::clone(&shared)));
        let task = shared.context.drivers.handle().spawn(retries);
        shared.keep_task(task.abort_handle());
        Self {
            _close: Arc::new(CloseOnDrop(Arc::clone(&shared))),
            shared,
        }
    }

    /// Totals of all lookups.
    pub(crate) fn stats(&self) -> LookupStats {
        self.shared.metrics.stats()
    }

    /// Looks one key up in its bucket.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the lookup may still be sent and its response is discarded.
    pub(super) async fn lookup(&self, plan: &LookupPlan, key: RoutedKey) -> Result<Values> {
        let answer = self.start(plan, key).await?;
        answer
            .await
            .unwrap_or_else(|_| Err(Error::closed("the connection")))
    }

    /// Queues one lookup, waiting for room if there is none. Returns where its answer will come.
    pub(super) async fn start(
        &self,
        plan: &LookupPlan,
        key: RoutedKey,
    ) -> Result<oneshot::Receiver<Result<Values>>> {
        let shared = &self.shared;
        let config = &shared.context.config;
        let started = Instant::now();
        let deadline = started + config.call_timeout;
        if shared.is_closed() {
            return Err(Error::closed("the connection"));
        }
        if let Ok(room) = shared.room.try_acquire() {
            room.forget();
        } else {
            tokio::select! {
                biased;
                room = shared.room.acquire() => match room {
                    Ok(room) => room.forget(),
                    Err(_) => return Err(Error::closed("the connection")),
                },
                slept = shared.context.cluster.sleep_until(deadline) => {
                    slept?;
                    let waited = config.call_timeout;
                    return Err(Error::timeout("room in the lookup queue", waited));
                }
            }
        }
        let (reply, answer) = oneshot::channel();
        let RoutedKey {
            bucket,
            partition,
            key,
        } = key;
        let target = Arc::clone(plan.target());
        let entry = Entry {
            target,
            bucket,
            partition,
            seen: 0,
            key,
            deadline,
            attempts: 0,
            last_error: None,
            is_suspect: false,
            holds_room: true,
            reply,
        };
        dispatch(shared, Some(plan.lanes()), entry);
        Ok(answer)
    }

    /// Fails everything that waits, and everything that comes.
    pub(crate) fn close(&self) {
        self.shared.close();
    }
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").finish_non_exhaustive()
    }
}
