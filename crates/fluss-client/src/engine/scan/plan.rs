//! What to ask for next: which buckets, of which servers, how much of each.

use std::collections::BTreeMap;
use std::time::Instant;

use fluss_metadata::TableBucket;

use super::bucket::{Bucket, Chunk, Phase, Source, StartOffset};
use super::remote::RemoteCursor;
use super::state::ScanEngine;

/// Requests to one server that it may hold back at once. Buckets that fall in between wait for the first of them to end.
const MAX_HELD_FETCHES: usize = 8;
/// The part of the bound that all held answers together may exceed it by, as a divisor.
const HELD_SHARE: usize = 4;
/// Requests to one server over which its buckets with data are spread, where they don't need one each.
const SPREAD: usize = 4;

/// Whether the server may hold an answer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FetchKind {
    /// Answered at once, with what there is.
    Immediate,
    /// Answered as soon as there is something: for buckets that are at their end, apart from the others, so that they never hold them
    /// back.
    Held,
}

/// One bucket of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FetchBucket {
    pub(crate) bucket: TableBucket,
    pub(crate) generation: u64,
    pub(crate) offset: i64,
    pub(crate) max_bytes: usize,
}

/// One fetch request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FetchPlan {
    pub(crate) server: i32,
    pub(crate) kind: FetchKind,
    pub(crate) unprojected: bool,
    pub(crate) max_bytes: usize,
    pub(crate) buckets: Vec<FetchBucket>,
}

/// One read of a remote segment.
#[derive(Debug, Clone)]
pub(crate) struct RemotePlan {
    pub(crate) bucket: TableBucket,
    pub(crate) generation: u64,
    pub(crate) offset: i64,
    pub(crate) cursor: RemoteCursor,
    pub(crate) max_bytes: usize,
}

/// One question for an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResolvePlan {
    pub(crate) bucket: TableBucket,
    pub(crate) generation: u64,
    pub(crate) start: StartOffset,
}

/// Everything that can be started now.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) fetches: Vec<FetchPlan>,
    pub(crate) remote: Vec<RemotePlan>,
    pub(crate) resolve: Vec<ResolvePlan>,
    /// Buckets whose leader is not known.
    pub(crate) unrouted: Vec<TableBucket>,
    /// When to plan again at the latest, because pauses end.
    pub(crate) wake_at: Option<Instant>,
}

/// The due buckets of one server.
#[derive(Default)]
struct Due {
    immediate: Vec<FetchBucket>,
    own: Vec<(FetchBucket, bool)>,
    held: Vec<FetchBucket>,
}

impl<C: Chunk> ScanEngine<C> {
    /// Plans the next requests and counts them as under way. `leader` knows the server that leads a bucket.
    pub(crate) fn plan(
        &mut self,
        now: Instant,
        leader: impl Fn(&TableBucket) -> Option<i32>,
    ) -> Plan {
        let mut plan = Plan::default();
        let mut due: BTreeMap<i32, Due> = BTreeMap::new();
        self.plan_is_due = false;
        self.forget_closed();
        self.order.rotate_left(usize::from(!self.order.is_empty()));
        let limits = self.limits;
        for bucket in &self.order {
            let Some(state) = self.buckets.get_mut(bucket) else {
                continue;
            };
            if let Phase::Until(until) = state.phase
                && until > now
            {
                plan.wake_at = Some(plan.wake_at.map_or(until, |at: Instant| at.min(until)));
            }
            let wanted = match &state.source {
                Source::Remote(_) => limits.remote_max_bytes,
                _ => state.wanted_bytes(limits.bucket_max_bytes),
            };
            if !state.is_due(now) || state.buffered_bytes > wanted {
                continue;
            }
            let occupied = self.buffered_bytes + self.reserved_bytes;
            if occupied > 0 && occupied + wanted > limits.prefetch_max_bytes {
                continue;
            }
            let generation = state.generation;
            if let Source::Remote(cursor) = &state.source {
                let cursor = cursor.clone();
                plan.remote.push(RemotePlan {
                    bucket: *bucket,
                    generation,
                    offset: state.fetch_offset,
                    cursor,
                    max_bytes: wanted,
                });
                self.reserved_bytes += state.start(wanted, true);
                continue;
            }
            let Some(server) = leader(bucket) else {
                plan.unrouted.push(*bucket);
                continue;
            };
            if let Source::Resolve(start) = state.source {
                plan.resolve.push(ResolvePlan {
                    bucket: *bucket,
                    generation,
                    start,
                });
                state.start(0, true);
                continue;
            }
            let fetch = FetchBucket {
                bucket: *bucket,
                generation,
                offset: state.fetch_offset,
                max_bytes: wanted,
            };
            let server = due.entry(server).or_default();
            if state.at_end && !state.unprojected {
                server.held.push(fetch);
                continue;
            }
            let own = state.wants_own_request(limits.bucket_max_bytes);
            self.reserved_bytes += state.start(wanted, own);
            if own {
                server.own.push((fetch, state.unprojected));
            } else {
                server.immediate.push(fetch);
            }
        }
        for (server, due) in due {
            self.plan_server(server, due, &mut plan);
        }
        plan
    }

    fn plan_server(&mut self, server: i32, due: Due, plan: &mut Plan) {
        let request = |kind, unprojected, buckets: Vec<FetchBucket>, limit: usize| {
            let wanted = buckets
                .iter()
                .fold(0, |sum: usize, bucket| sum.saturating_add(bucket.max_bytes));
            FetchPlan {
                server,
                kind,
                unprojected,
                max_bytes: wanted.min(limit),
                buckets,
            }
        };
        for (bucket, unprojected) in due.own {
            plan.fetches.push(request(
                FetchKind::Immediate,
                unprojected,
                vec![bucket],
                usize::MAX,
            ));
        }
        let share = due.immediate.len().div_ceil(SPREAD).max(1);
        for buckets in due.immediate.chunks(share) {
            if let [alone] = buckets
                && let Some(state) = self.buckets.get_mut(&alone.bucket)
            {
                state.asked_alone = true;
            }
            plan.fetches.push(request(
                FetchKind::Immediate,
                false,
                buckets.to_vec(),
                self.limits.fetch_max_bytes,
            ));
        }
        let servers = self.held_fetches.len().max(1);
        let held = self.held_fetches.entry(server).or_default();
        // Such an answer holds what came since the last one, and rarely much. A part of the bound, shared by all of them, is enough, and
        // it is not set aside: buckets with data never wait for room that those without have taken, nor the other way round.
        let share = self.limits.prefetch_max_bytes / HELD_SHARE / servers / MAX_HELD_FETCHES;
        let share = share.clamp(1, self.limits.bucket_max_bytes.max(1));
        let fits = self.buffered_bytes == 0
            || self.buffered_bytes + share <= self.limits.prefetch_max_bytes;
        if !due.held.is_empty() && fits && *held < MAX_HELD_FETCHES {
            *held += 1;
            for fetch in &due.held {
                if let Some(state) = self.buckets.get_mut(&fetch.bucket) {
                    state.start(0, due.held.len() == 1);
                }
            }
            plan.fetches
                .push(request(FetchKind::Held, false, due.held, share));
        }
    }

    /// Takes in that a fetch ended, however it ended.
    pub(crate) fn on_fetch_end(&mut self, plan: &FetchPlan) {
        if plan.kind == FetchKind::Held
            && let Some(held) = self.held_fetches.get_mut(&plan.server)
        {
            *held = held.saturating_sub(1);
        }
    }
}

impl<C: Chunk> Bucket<C> {
    /// Counts a request as under way. Returns the bytes set aside for it.
    fn start(&mut self, bytes: usize, alone: bool) -> usize {
        self.phase = Phase::InFlight;
        self.reserved_bytes = bytes;
        self.asked_alone = alone;
        bytes
    }
}
