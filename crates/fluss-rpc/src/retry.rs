//! When to retry: exponential backoff with jitter, limited by a budget and a deadline. Pure: time and randomness are
//! passed in.

use std::time::Duration;

use fluss_wire::api::Repeatable;

use crate::chance::Chance;
use crate::error::RpcError;

/// An attempt with less time than this would only fail with a timeout and hide why the previous one failed.
pub(crate) const LEAST_ATTEMPT: Duration = Duration::from_millis(5);

/// The pauses between attempts, and the maximum number of attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Pause after the first failure.
    pub initial: Duration,
    /// Maximum pause.
    pub max: Duration,
    /// Fraction of the pause that is randomly added or subtracted, 0 to 1.
    pub jitter: f64,
    /// Maximum number of attempts.
    pub max_attempts: u32,
}

impl RetryPolicy {
    /// For dials to a server: 50 ms to 1 s.
    pub const DIAL: Self = Self {
        initial: Duration::from_millis(50),
        max: Duration::from_secs(1),
        jitter: 0.2,
        max_attempts: u32::MAX,
    };
    /// For bootstrapping, where trying all bootstrap servers is one attempt: 100 ms to 1 s, 4 attempts. Source:
    /// `MetadataUpdater.java` (three retries).
    pub const BOOTSTRAP: Self = Self {
        initial: Duration::from_millis(100),
        max: Duration::from_secs(1),
        jitter: 0.2,
        max_attempts: 4,
    };
    /// For calls: 20 ms to 1 s.
    pub const CALL: Self = Self {
        initial: Duration::from_millis(20),
        max: Duration::from_secs(1),
        jitter: 0.2,
        max_attempts: 64,
    };
    /// For batches of rows and for lookups: 10 to 20 ms at first, later 0.5 to 1 s.
    pub const BATCH: Self = Self {
        initial: Duration::from_millis(15),
        max: Duration::from_millis(750),
        jitter: 1.0 / 3.0,
        max_attempts: u32::MAX,
    };
    /// For scans: 25 to 50 ms at first, later 0.5 to 1 s.
    pub const FETCH: Self = Self {
        initial: Duration::from_micros(37_500),
        ..Self::BATCH
    };
    /// For calls to a server that is throttling: 100 ms to 5 s.
    pub const THROTTLED: Self = Self {
        initial: Duration::from_millis(100),
        max: Duration::from_secs(5),
        jitter: 0.2,
        max_attempts: 64,
    };
    /// For authentication that the server asked to retry: 100 ms to 5 s. Source: `ServerConnection.java`.
    pub const AUTHENTICATION: Self = Self {
        initial: Duration::from_millis(100),
        max: Duration::from_secs(5),
        jitter: 0.2,
        max_attempts: 32,
    };

    /// Returns the pause after `failures` consecutive failures, at least 1. `chance` is a random number from 0 to 1.
    pub fn pause(&self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let base = self.initial.saturating_mul(1 << doublings).min(self.max);
        base.mul_f64(1.0 + self.jitter * (chance.clamp(0.0, 1.0) * 2.0 - 1.0))
    }

    /// As [`pause`](Self::pause), by the next number of `chance`.
    pub fn random_pause(&self, failures: u32, chance: &Chance) -> Duration {
        self.pause(failures, chance.unit())
    }

    /// Returns the pause before the next attempt, or `None` if the budget or the time is used up: there is no attempt
    /// with less than 5 ms left.
    pub fn next_pause(&self, failures: u32, chance: f64, left: Duration) -> Option<Duration> {
        let pause = self.pause(failures, chance);
        let is_worth_it = pause + LEAST_ATTEMPT <= left;
        (failures < self.max_attempts && is_worth_it).then_some(pause)
    }
}

/// Whether a request that failed may be sent again.
///
/// A request that changes something may not, unless it was definitely not executed.
pub(crate) fn may_repeat(error: &RpcError, repeatable: Repeatable) -> bool {
    error.is_retriable()
        && (repeatable == Repeatable::Yes || error.was_not_sent() || error.was_refused())
}

/// The pause before a call is retried, or `None` if it is not. `failures` counts all attempts so far.
pub(crate) fn pause_before_repeat(
    error: &RpcError,
    repeatable: Repeatable,
    failures: u32,
    chance: f64,
    left: Duration,
) -> Option<Duration> {
    let policy = if error.is_throttled() {
        RetryPolicy::THROTTLED
    } else {
        RetryPolicy::CALL
    };
    may_repeat(error, repeatable)
        .then(|| policy.next_pause(failures, chance, left))
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fluss_wire::api::ApiKey;
    use fluss_wire::error_code::{ErrorCode, ServerError};

    use super::*;
    use crate::error::{DisconnectCause, Phase};

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_around_it() {
        let policy = RetryPolicy::DIAL;
        let cases = [
            (1, 0.5, 50),
            (2, 0.5, 100),
            (5, 0.5, 800),
            (6, 0.5, 1000),
            (4000, 0.5, 1000),
            (1, 0.0, 40),
            (1, 1.0, 60),
        ];
        for (failures, chance, millis) in cases {
            assert_eq!(
                policy.pause(failures, chance).as_millis(),
                millis,
                "{failures} {chance}"
            );
        }
    }

    #[test]
    fn the_deadline_and_the_budget_end_it() {
        let policy = RetryPolicy {
            max_attempts: 3,
            ..RetryPolicy::CALL
        };
        assert!(policy.next_pause(2, 0.5, Duration::from_secs(1)).is_some());
        assert!(policy.next_pause(3, 0.5, Duration::from_secs(1)).is_none());
        assert!(
            policy
                .next_pause(1, 0.5, Duration::from_millis(5))
                .is_none()
        );
    }

    #[test]
    fn what_changes_something_is_repeated_only_if_it_was_not_carried_out() {
        let server = || Arc::<str>::from("h:1");
        let refused = |code| RpcError::Server {
            api: ApiKey::CreateTable,
            server: server(),
            error: ServerError::from(code),
        };
        let timeout = |phase| RpcError::Timeout {
            api: ApiKey::CreateTable,
            server: server(),
            phase,
            waited: Duration::ZERO,
        };
        let lost = |sent| RpcError::Disconnected {
            server: server(),
            cause: Arc::new(DisconnectCause::ByServer),
            sent,
        };
        // name, error, repeated if it only reads, repeated if it changes something
        let cases = [
            ("no answer", timeout(Phase::Answer), true, false),
            ("no socket", timeout(Phase::Dial), true, true),
            ("lost under way", lost(true), true, false),
            ("lost before", lost(false), true, true),
            (
                "another coordinator leads",
                refused(ErrorCode::NOT_COORDINATOR_LEADER_EXCEPTION),
                true,
                true,
            ),
            (
                "throttled",
                refused(ErrorCode::STORAGE_BACKPRESSURE_EXCEPTION),
                true,
                true,
            ),
            (
                "the server's own timeout",
                refused(ErrorCode::REQUEST_TIME_OUT),
                true,
                false,
            ),
            (
                "the server lost a connection",
                refused(ErrorCode::NETWORK_EXCEPTION),
                true,
                false,
            ),
            (
                "refused for good",
                refused(ErrorCode::TABLE_ALREADY_EXIST),
                false,
                false,
            ),
            ("closed", RpcError::Closed, false, false),
        ];
        for (name, error, reads, changes) in cases {
            assert_eq!(may_repeat(&error, Repeatable::Yes), reads, "{name}, reads");
            assert_eq!(
                may_repeat(&error, Repeatable::No),
                changes,
                "{name}, changes"
            );
        }
    }

    #[test]
    fn a_server_that_is_throttled_gets_longer_pauses() {
        let error = RpcError::Server {
            api: ApiKey::Lookup,
            server: "h:1".into(),
            error: ServerError::from(ErrorCode::HISTORICAL_PARTITION_THROTTLED),
        };
        let left = Duration::from_secs(60);
        let pause = pause_before_repeat(&error, Repeatable::Yes, 1, 0.5, left);
        assert_eq!(pause, Some(Duration::from_millis(100)));
    }
}
