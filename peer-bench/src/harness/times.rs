//! How long single operations took.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::statistics::Latency;
use crate::Result;

/// Tasks on different threads hardly ever want the same one at the same time.
const SHARDS: usize = 4;
const SHORTEST: Duration = Duration::from_nanos(100);
/// Longer ones count as this.
const LONGEST: Duration = Duration::from_secs(10);
const SIGNIFICANT_DIGITS: u8 = 3;

/// Counts of times, which take the same memory however many there are: it would be counted as the client's.
#[derive(Debug, Clone)]
pub(crate) struct Times {
    shards: Arc<[Mutex<Histogram<u32>>]>,
}

impl Times {
    pub(crate) fn new() -> Result<Self> {
        let (shortest, longest) = (nanos(SHORTEST), nanos(LONGEST));
        let shard = |_| Histogram::new_with_bounds(shortest, longest, SIGNIFICANT_DIGITS);
        let shards: Result<Vec<_>, _> = (0..SHARDS).map(shard).collect();
        Ok(Self {
            shards: shards?.into_iter().map(Mutex::new).collect(),
        })
    }

    /// An operation of the task `task` that began at `started` has ended.
    pub(crate) fn record(&self, task: u64, started: Instant) {
        let time = nanos(started.elapsed());
        let shard = &self.shards[task as usize % SHARDS];
        locked(shard).saturating_record(time);
    }

    /// The number of operations.
    pub(crate) fn count(&self) -> u64 {
        self.shards.iter().map(|shard| locked(shard).len()).sum()
    }

    /// `None` for no operations at all.
    pub(crate) fn latency(&self) -> Option<Latency> {
        let mut all: Option<Histogram<u32>> = None;
        for shard in self.shards.iter() {
            match &mut all {
                Some(all) => all.add(&*locked(shard)).ok()?,
                none => *none = Some(locked(shard).clone()),
            }
        }
        let all = all.filter(|all| !all.is_empty())?;
        let at = |share| all.value_at_quantile(share) as f64 / 1e6;
        Some(Latency {
            p50: at(0.50),
            p99: at(0.99),
        })
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn locked(shard: &Mutex<Histogram<u32>>) -> MutexGuard<'_, Histogram<u32>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_times_of_all_tasks() {
        let times = Times::new().unwrap();
        assert!(times.latency().is_none());
        let now = Instant::now();
        for task in 0..=100 {
            let ago = Duration::from_millis(10 * task);
            times.record(task, now.checked_sub(ago).unwrap());
        }
        assert_eq!(times.count(), 101);
        let latency = times.latency().unwrap();
        assert!((latency.p50 - 500.0).abs() < 5.0, "{latency:?}");
        assert!((latency.p99 - 990.0).abs() < 10.0, "{latency:?}");
    }
}
