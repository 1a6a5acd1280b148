//! The time of a cluster: the wall clock at its start, and tokio's clock from there on, so that paused time holds for it too.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    start_millis: i64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            start: Instant::now(),
            start_millis: since_epoch.map_or(0, |time| time.as_millis() as i64),
        }
    }

    pub(crate) fn now_millis(&self) -> i64 {
        self.start_millis + self.start.elapsed().as_millis() as i64
    }
}
