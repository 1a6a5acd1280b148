//! What belongs to a connection: its writers, its lookups, and its stores of remote files.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::context::{Context, OpenContext};
use crate::error::Result;
use crate::lookup::Lookups;
use crate::remote::RemoteStores;
use crate::stats::ConnectionStats;
use crate::write::Writers;

/// What the handles of a connection share. The connection ends with the last of them.
pub(crate) struct Session {
    context: Arc<Context>,
    remote: Arc<RemoteStores>,
    writers: OnceLock<Writers>,
    lookups: OnceLock<Lookups>,
}

impl Session {
    pub(crate) fn new(context: Context) -> Arc<Self> {
        Arc::new(Self {
            context: Arc::new(context),
            remote: Arc::default(),
            writers: OnceLock::new(),
            lookups: OnceLock::new(),
        })
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// The stores of remote files.
    pub(crate) fn remote(&self) -> &Arc<RemoteStores> {
        &self.remote
    }

    /// Returns the context, which keeps this session.
    pub(crate) fn open_context(self: &Arc<Self>) -> OpenContext {
        OpenContext::new(Arc::clone(&self.context), Arc::clone(self) as _)
    }

    /// Returns the write side, started by the first writer.
    pub(crate) fn writers(&self) -> &Writers {
        self.writers.get_or_init(|| {
            let context = &self.context;
            Writers::new(
                Arc::clone(&context.config),
                context.drivers.clone(),
                context.cluster.clone(),
            )
        })
    }

    /// Returns the lookup side, started by the first lookuper.
    pub(crate) fn lookups(&self) -> &Lookups {
        self.lookups
            .get_or_init(|| Lookups::new(Arc::clone(&self.context)))
    }

    pub(crate) fn stats(&self) -> ConnectionStats {
        let writer = self.writers.get().map(Writers::stats);
        let lookup = self.lookups.get().map(Lookups::stats);
        ConnectionStats::new(
            &self.context.cluster.stats(),
            writer.unwrap_or_default(),
            lookup.unwrap_or_default(),
        )
    }

    /// Sends what the writers still hold, for at most `timeout`, then fails what waits and closes every socket.
    pub(crate) async fn close(&self, timeout: Duration) -> Result<()> {
        let written = match self.writers.get() {
            Some(writers) => writers.close(timeout).await,
            None => Ok(()),
        };
        if let Some(lookups) = self.lookups.get() {
            lookups.close();
        }
        self.context.cluster.close();
        written
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
