//! The clock that the client waits by.

use std::time::{Duration, Instant};

/// Longer than anything waits: timers cannot be set for all that a `Duration` can say.
pub(crate) const FAR_AWAY: Duration = Duration::from_secs(365 * 24 * 3600);

/// Now, by the clock of tokio, so that tests may pause it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
