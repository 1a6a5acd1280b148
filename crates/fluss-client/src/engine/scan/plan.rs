//! What to ask for next: which buckets, of which servers, how much of each.

use std::collections::BTreeMap;
use std::time::Instant;

use fluss_metadata::TableBucket;

use super::bucket::{Bucket, Chunk, Phase, Source};
use super::request::{FetchBucket, FetchKind, FetchPlan, Plan, RemotePlan, ResolvePlan};
use super::state::ScanEngine;

/// Requests to one server over which its buckets with data are spread, where they don't need one each.
const SPREAD: usize = 4;

/// The due buckets of one server.
#[derive(Default)]
struct Due {
    immediate: Vec<FetchBucket>,
    own: Vec<(FetchBucket, bool)>,
}

impl<C: Chunk> ScanEngine<C> {
    /// Plans the next requests and counts them as in flight. `leader` knows the server that leads a bucket;
    /// `generation` grows whenever what it knows has changed.
    pub(crate) fn plan(
        &mut self,
        now: Instant,
        generation: u64,
        leader: impl Fn(&TableBucket) -> Option<i32>,
    ) -> Plan {
        let mut plan = Plan::default();
        let mut due: BTreeMap<i32, Due> = BTreeMap::new();
        self.plan_is_due = false;
        self.forget_closed();
        self.check_watches(generation, &leader);
        let mut order = std::mem::take(&mut self.order);
        order.rotate_left(usize::from(!order.is_empty()));
        order.retain(|bucket| {
            let stays = self.plan_bucket(bucket, now, &leader, &mut due, &mut plan);
            if !stays && let Some(state) = self.buckets.get_mut(bucket) {
                state.in_order = false;
            }
            stays
        });
        self.order = order;
        for (server, due) in due {
            self.plan_server(server, due, &mut plan);
        }
        self.spread_bytes(&mut plan);
        self.plan_watches(now, &mut plan);
        plan
    }

    /// Plans for one bucket. Returns whether to look at it the next time as well; those at their end are looked after
    /// by their watches.
    fn plan_bucket(
        &mut self,
        bucket: &TableBucket,
        now: Instant,
        leader: impl Fn(&TableBucket) -> Option<i32>,
        due: &mut BTreeMap<i32, Due>,
        plan: &mut Plan,
    ) -> bool {
        let limits = self.limits;
        let Some(state) = self.buckets.get_mut(bucket) else {
            return false;
        };
        if let Phase::Until(until) = state.phase
            && until > now
        {
            plan.wake_by(until);
        }
        let wanted = match &state.source {
            Source::Remote(_) => limits.remote_max_bytes,
            _ => state.wanted_bytes(limits.bucket_max_bytes),
        };
        if !state.is_due(now) || state.buffered_bytes > wanted {
            return true;
        }
        let fetch = FetchBucket {
            bucket: *bucket,
            generation: state.generation,
            offset: state.fetch_offset,
            max_bytes: wanted,
        };
        if state.at_end && !state.unprojected && matches!(state.source, Source::Log) {
            let Some(server) = leader(bucket) else {
                plan.unrouted.push(*bucket);
                return true;
            };
            return match self.watch(server, fetch, now) {
                Ok(()) => false,
                Err(again) => {
                    if let Some(at) = again {
                        plan.wake_by(at);
                    }
                    true
                }
            };
        }
        let shares = matches!(state.source, Source::Log)
            && !state.wants_own_request(limits.bucket_max_bytes);
        // Those that share a request bring about as much as others did; what is left of the bound is given to them in
        // the end.
        let expected = if shares {
            wanted.min(self.usual_bytes)
        } else {
            wanted
        };
        let occupied = self.buffered_bytes + self.reserved_bytes;
        if occupied > 0 && occupied + expected > limits.prefetch_max_bytes {
            return true;
        }
        if let Source::Remote(cursor) = &state.source {
            let cursor = cursor.clone();
            plan.remote.push(RemotePlan {
                bucket: *bucket,
                generation: fetch.generation,
                offset: fetch.offset,
                cursor,
                max_bytes: wanted,
            });
            self.reserved_bytes += state.start(wanted, true);
            return true;
        }
        let Some(server) = leader(bucket) else {
            plan.unrouted.push(*bucket);
            return true;
        };
        if let Source::Resolve(start) = state.source {
            plan.resolve.push(ResolvePlan {
                bucket: *bucket,
                generation: fetch.generation,
                start,
            });
            state.start(0, true);
            return true;
        }
        let server = due.entry(server).or_default();
        self.reserved_bytes += state.start(expected, !shares);
        if shares {
            server.immediate.push(fetch);
        } else {
            server.own.push((fetch, state.unprojected));
        }
        true
    }

    fn plan_server(&mut self, server: i32, due: Due, plan: &mut Plan) {
        let request = |unprojected, buckets: &[FetchBucket], max_bytes| FetchPlan {
            server,
            kind: FetchKind::Immediate,
            unprojected,
            max_bytes,
            buckets: buckets.into(),
            watch: None,
        };
        for (bucket, unprojected) in due.own {
            plan.fetches
                .push(request(unprojected, &[bucket], bucket.max_bytes));
        }
        let share = due.immediate.len().div_ceil(SPREAD).max(1);
        for buckets in due.immediate.chunks(share) {
            if let [alone] = buckets
                && let Some(state) = self.buckets.get_mut(&alone.bucket)
            {
                state.asked_alone = true;
            }
            plan.fetches.push(request(false, buckets, 0));
        }
    }

    /// Sets how much the requests may bring in which buckets share: what was set aside for them, and what is left, up
    /// to what they want.
    fn spread_bytes(&mut self, plan: &mut Plan) {
        let shared = |fetch: &&mut FetchPlan| fetch.max_bytes == 0;
        let mut count = plan.fetches.iter_mut().filter(shared).count();
        for fetch in plan.fetches.iter_mut().filter(shared) {
            let wanted = fetch
                .buckets
                .iter()
                .fold(0, |sum: usize, bucket| sum.saturating_add(bucket.max_bytes))
                .min(self.limits.fetch_max_bytes);
            let reserved: usize = fetch
                .buckets
                .iter()
                .filter_map(|bucket| self.buckets.get(&bucket.bucket))
                .map(|state| state.reserved_bytes)
                .sum();
            let occupied = self.buffered_bytes + self.reserved_bytes;
            let left = self.limits.prefetch_max_bytes.saturating_sub(occupied) / count.max(1);
            let more = wanted.saturating_sub(reserved).min(left);
            count -= 1;
            if let Some(first) = fetch.buckets.first()
                && let Some(state) = self.buckets.get_mut(&first.bucket)
            {
                state.reserved_bytes += more;
                self.reserved_bytes += more;
            }
            fetch.max_bytes = (reserved + more).min(wanted).max(1);
        }
    }
}

impl<C: Chunk> Bucket<C> {
    /// Counts a request as in flight. Returns the bytes reserved for it.
    fn start(&mut self, bytes: usize, alone: bool) -> usize {
        self.phase = Phase::InFlight;
        self.reserved_bytes = bytes;
        self.asked_alone = alone;
        bytes
    }
}
