//! How often buckets at the end of their log are fetched.

use std::time::{Duration, Instant};

/// A bucket is fetched again after this fraction of the time since its last rows.
const SHARE_OF_SILENCE: u32 = 100;
/// The same for a bucket that had no rows before them, or not for long, or has just caught up.
const SHARE_AT_FIRST: u32 = 10;
/// Rows that arrive after a longer silence are the first ones again.
const LATELY: Duration = Duration::from_secs(5);
/// Pause between fetches of quiet buckets, if there are few of them.
const QUIET_PERIOD: Duration = Duration::from_millis(90);
/// Pause for each bucket of a fetch, so that many buckets are fetched less often than few: for buckets with recent rows.
const LIVELY_TIME_PER_BUCKET: Duration = Duration::from_micros(100);
/// The same for quiet buckets.
const QUIET_TIME_PER_BUCKET: Duration = Duration::from_micros(500);
/// Timers are no finer than this.
pub(super) const LEAST_PERIOD: Duration = Duration::from_millis(1);

/// How the ends of logs are to be watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    /// Pause between fetches of buckets with recent rows.
    pub(crate) latency: Duration,
    /// Maximum time for which a server may hold a fetch.
    pub(crate) wait_max: Duration,
    /// Whether every fetch is held, because it waits for more than one byte.
    pub(crate) always_held: bool,
    /// Whether the table has several replicas.
    pub(crate) replicated: bool,
}

impl Tail {
    pub(super) fn is_always_held(&self) -> bool {
        self.always_held || self.latency >= self.wait_max
    }

    /// Pause between fetches of `count` quiet buckets.
    pub(super) fn quiet_period(&self, count: usize) -> Duration {
        QUIET_PERIOD
            .max(self.latency)
            .max(times(QUIET_TIME_PER_BUCKET, count))
            .min(self.wait_max)
            .max(LEAST_PERIOD)
    }

    /// Pause between fetches of `count` buckets whose latest rows are described by `warmth`.
    pub(super) fn lively_period(&self, warmth: Warmth, count: usize, now: Instant) -> Duration {
        warmth
            .period(now)
            .max(self.latency)
            .max(times(LIVELY_TIME_PER_BUCKET, count))
            .min(self.quiet_period(count))
    }
}

fn times(time: Duration, count: usize) -> Duration {
    time.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

/// When a bucket last received rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Warmth {
    since: Instant,
    /// Whether there were others shortly before, at the end of the log.
    news: bool,
}

impl Warmth {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            news: false,
        }
    }

    /// Notes that rows arrived, at the end of the log (`news`) or before it. A single row is not enough for frequent fetches.
    pub(super) fn warm(&mut self, now: Instant, news: bool) {
        let lately = now.saturating_duration_since(self.since) <= LATELY;
        self.news = lately && (news || self.news);
        self.since = now;
    }

    fn share(self) -> u32 {
        if self.news {
            SHARE_OF_SILENCE
        } else {
            SHARE_AT_FIRST
        }
    }

    pub(super) fn period(self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since) / self.share()
    }

    /// When its pause will have grown to `period`.
    pub(super) fn reaches(self, period: Duration) -> Instant {
        self.since + period.saturating_mul(self.share())
    }
}

/// The pause from which a bucket counts as quiet.
pub(super) fn cooled(tail: &Tail, count: usize) -> Duration {
    tail.quiet_period(count) / 2
}
