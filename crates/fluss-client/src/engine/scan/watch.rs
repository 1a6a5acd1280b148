//! Buckets at the end of their log: how they are grouped, and how often each group is fetched.
//!
//! If a bucket has one replica, its server does not answer a held fetch when a row arrives, only when the wait is over. Such buckets are
//! fetched again and again without a wait: those with recent rows often and apart from the others, silent ones less and less often. If the
//! server answers held fetches when a row arrives, as it does with several replicas, it holds them instead. Which of the two it does is
//! learned from its answers.
//!
//! The buckets of one such fetch are a watch. While nothing arrives, the fetch stays the same, and its cost does not grow with the number
//! of its buckets.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::request::{FetchBucket, FetchKind};
use super::tail::{LEAST_PERIOD, Tail, Warmth, cooled};
use super::waking::Waking;

/// Maximum number of watches of one server. Further buckets wait until one of them can be joined.
pub(super) const MAX_WATCHES: usize = 8;
/// Every fourth fetch for quiet buckets may be held, to learn whether the server answers it when a row arrives.
const PROBED: u64 = 4;
/// A watch waits at most this long for the answer of another one, to be merged with it.
const ABOUT_TO_END: Duration = Duration::from_millis(5);

/// Whether the buckets of a watch received rows recently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    Lively,
    Quiet,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    /// To be asked for again at this instant.
    Resting(Instant),
    /// Asked for, with the longest time for which the server may hold it.
    Asked { at: Instant, wait: Duration },
}

/// The buckets of one fetch.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) id: u64,
    pub(super) pace: Pace,
    pub(super) members: Arc<[FetchBucket]>,
    /// Its request, once it was encoded.
    pub(super) message: Arc<OnceLock<Bytes>>,
    /// Its last answer, if that brought nothing.
    pub(super) nothing: Bytes,
    /// Members from the next request on.
    pub(super) joining: Vec<FetchBucket>,
    /// The latest news of its members.
    pub(super) warmth: Warmth,
    /// When the first of its members may count as quiet.
    pub(super) cools_at: Instant,
    pub(super) state: State,
    pub(super) asked: u64,
}

impl Watch {
    pub(super) fn count(&self) -> usize {
        self.members.len() + self.joining.len()
    }

    pub(super) fn is_resting(&self) -> bool {
        matches!(self.state, State::Resting(_))
    }

    pub(super) fn period(&self, tail: &Tail, now: Instant) -> Duration {
        match self.pace {
            Pace::Lively => tail.lively_period(self.warmth, self.count(), now),
            Pace::Quiet => tail.quiet_period(self.count()),
        }
    }

    pub(super) fn join(&mut self, bucket: FetchBucket, warmth: Warmth, tail: &Tail, now: Instant) {
        self.joining.push(bucket);
        // The more recent one asks more often, for both.
        if warmth.period(now) < self.warmth.period(now) {
            self.warmth = warmth;
        }
        self.cools_at = self.cools_at.min(warmth.reaches(cooled(tail, 1)));
        let due = now + self.period(tail, now);
        if let State::Resting(at) = &mut self.state {
            *at = due.min(*at);
        }
    }

    pub(super) fn set_members(&mut self, members: Arc<[FetchBucket]>) {
        self.members = members;
        self.message = Arc::default();
        self.nothing = Bytes::new();
    }

    /// Makes those who joined members.
    pub(super) fn settle(&mut self) {
        if !self.joining.is_empty() {
            let joining = std::mem::take(&mut self.joining);
            self.set_members(self.members.iter().copied().chain(joining).collect());
        }
    }
}

/// The watches of one server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) waking: Waking,
    pub(super) watches: Vec<Watch>,
}

/// All watches of a scanner, by server.
#[derive(Debug, Default)]
pub(super) struct Watches {
    pub(super) servers: BTreeMap<i32, Server>,
    /// Whether subscriptions changed since the members were checked.
    pub(super) changed: bool,
    /// Generation of the view of the cluster that they were checked against.
    pub(super) generation: u64,
    pub(super) next_id: u64,
}

impl Server {
    pub(super) fn is_held(&self, tail: &Tail) -> bool {
        tail.is_always_held() || self.waking.wakes()
    }

    /// Puts a bucket into a watch. Returns when to try again, if there is none to join now: when one comes back, or at this instant.
    pub(super) fn join(
        &mut self,
        bucket: FetchBucket,
        warmth: Warmth,
        next_id: &mut u64,
        tail: &Tail,
        now: Instant,
    ) -> Result<(), Option<Instant>> {
        let quiet = self
            .watches
            .iter()
            .filter(|watch| watch.pace == Pace::Quiet);
        let quiet = quiet.map(Watch::count).sum::<usize>();
        let pace = if warmth.period(now) < cooled(tail, quiet + 1) {
            Pace::Lively
        } else {
            Pace::Quiet
        };
        let mut same = self.watches.iter_mut().filter(|watch| watch.pace == pace);
        if let Some(watch) = same.find(|watch| watch.is_resting()) {
            watch.join(bucket, warmth, tail, now);
            return Ok(());
        }
        if !self.is_held(tail) {
            // Not worth another request, if the answer is here soon.
            let patience = tail.latency.max(LEAST_PERIOD);
            let soon = self.watches.iter().filter(|watch| watch.pace == pace);
            let soon = soon.filter_map(|watch| match watch.state {
                State::Asked { at, wait } => Some(at + wait + patience),
                State::Resting(_) => None,
            });
            if let Some(until) = soon.min().filter(|until| *until > now) {
                return Err(Some(until));
            }
        }
        if self.watches.len() >= MAX_WATCHES {
            return Err(None);
        }
        *next_id += 1;
        let mut watch = Watch {
            id: *next_id,
            pace,
            members: Arc::default(),
            message: Arc::default(),
            nothing: Bytes::new(),
            joining: vec![bucket],
            warmth,
            cools_at: warmth.reaches(cooled(tail, 1)),
            state: State::Resting(now),
            asked: 0,
        };
        if !self.is_held(tail) {
            watch.state = State::Resting(now + watch.period(tail, now));
        }
        self.watches.push(watch);
        Ok(())
    }

    /// Makes one of watches that rest and have the same pace.
    pub(super) fn merge(&mut self, tail: &Tail, now: Instant) {
        for pace in [Pace::Lively, Pace::Quiet] {
            let resting = |watch: &Watch| watch.pace == pace && watch.is_resting();
            let Some(first) = self.watches.iter().position(resting) else {
                continue;
            };
            let mut index = first + 1;
            while index < self.watches.len() {
                if !self.watches.get(index).is_some_and(resting) {
                    index += 1;
                    continue;
                }
                let other = self.watches.remove(index);
                if let Some(watch) = self.watches.get_mut(first) {
                    for bucket in other.members.iter().copied().chain(other.joining) {
                        watch.join(bucket, other.warmth, tail, now);
                    }
                    watch.cools_at = watch.cools_at.min(other.cools_at);
                    if let (State::Resting(one), State::Resting(two)) =
                        (&mut watch.state, other.state)
                    {
                        *one = two.min(*one);
                    }
                }
            }
        }
    }

    /// How the watch at `index` is to be asked for now: the kind of fetch and the wait in it. Or when to look again, as it will become one
    /// with another.
    pub(super) fn manner(
        &self,
        index: usize,
        tail: &Tail,
        now: Instant,
    ) -> Result<FetchKind, Instant> {
        let Some(watch) = self.watches.get(index) else {
            return Ok(FetchKind::Immediate);
        };
        if !self.is_held(tail) {
            let probes = watch.pace == Pace::Quiet && watch.asked % PROBED == PROBED - 1;
            return Ok(if probes {
                FetchKind::Held(watch.period(tail, now))
            } else {
                FetchKind::Immediate
            });
        }
        let ends = |watch: &Watch| match watch.state {
            State::Asked { at, wait } => Some(at + wait),
            State::Resting(_) => None,
        };
        let asked = self.watches.iter().filter_map(ends).count();
        // The more there are, the shorter they wait, so that a place comes free soon for buckets that have none.
        let shorter = u32::try_from(asked.saturating_sub(2)).unwrap_or(0);
        let mut wait = tail.wait_max / (1 << shorter.min(10));
        let others = self.watches.iter().take(index);
        let mut first = others.filter(|other| other.pace == watch.pace);
        if let Some(end) = first.find_map(ends).filter(|end| *end > now) {
            // It comes back together with the first of its kind, and then they become one.
            if end - now <= ABOUT_TO_END {
                return Err(end + LEAST_PERIOD);
            }
            wait = wait.min(end - now);
        }
        Ok(FetchKind::Held(wait))
    }
}
