//! Fetches for buckets at the end of their log, and what their answers mean for their watch.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fluss_metadata::TableBucket;

use super::bucket::{Bucket, Chunk, Phase, Source};
use super::request::{FetchBucket, FetchEnd, FetchKind, FetchPlan, Plan, WatchPlan};
use super::state::ScanEngine;
use super::tail::{LEAST_PERIOD, Warmth, cooled};
use super::waking::Waking;
use super::watch::{MAX_WATCHES, Pace, Server, State, Watch};

/// The answers of all watches together may exceed the limit for prefetched bytes by this fraction of it.
const WATCHED_SHARE: usize = 4;

impl<C: Chunk> ScanEngine<C> {
    /// Takes a bucket that is at its end into a watch. Returns whether it is in one now, and else when to try again
    /// at the latest.
    pub(super) fn watch(
        &mut self,
        server: i32,
        bucket: FetchBucket,
        now: Instant,
    ) -> Result<(), Option<Instant>> {
        let tail = self.limits.tail;
        let Some(state) = self.buckets.get_mut(&bucket.bucket) else {
            return Ok(());
        };
        let warmth = *state.warmth.get_or_insert_with(|| Warmth::new(now));
        let watches = &mut self.watches;
        let server = watches.servers.entry(server).or_insert_with(|| Server {
            waking: Waking::new(tail.replicated),
            watches: Vec::new(),
        });
        server.join(bucket, warmth, &mut watches.next_id, &tail, now)?;
        state.phase = Phase::Watched;
        Ok(())
    }

    /// Asks for the watches that are due.
    pub(super) fn plan_watches(&mut self, now: Instant, plan: &mut Plan) {
        let (tail, limits) = (self.limits.tail, self.limits);
        // Such an answer brings what came since the last one, which is rarely much. A part of the bound, shared by
        // all of them, is enough, and it is not set aside: buckets with data never wait for room that those without
        // have taken, nor the other way round.
        let servers = self.watches.servers.len().max(1);
        let share = limits.prefetch_max_bytes / WATCHED_SHARE / servers / MAX_WATCHES;
        let share = share.clamp(1, limits.bucket_max_bytes.max(1));
        let fits =
            self.buffered_bytes == 0 || self.buffered_bytes + share <= limits.prefetch_max_bytes;
        for (&id, server) in &mut self.watches.servers {
            server.merge(&tail, now);
            for index in 0..server.watches.len() {
                let due = match server.watches.get(index) {
                    Some(Watch {
                        state: State::Resting(due),
                        ..
                    }) if *due > now => Err(*due),
                    Some(watch) if watch.is_resting() => server.manner(index, &tail, now),
                    _ => continue,
                };
                let kind = match due {
                    Ok(kind) => kind,
                    Err(due) => {
                        plan.wake_by(due);
                        continue;
                    }
                };
                let Some(watch) = server.watches.get_mut(index) else {
                    continue;
                };
                if !fits {
                    continue;
                }
                watch.settle();
                watch.asked += 1;
                let wait = match kind {
                    FetchKind::Held(wait) => wait,
                    FetchKind::Immediate => Duration::ZERO,
                };
                watch.state = State::Asked { at: now, wait };
                plan.fetches.push(FetchPlan {
                    server: id,
                    kind,
                    unprojected: false,
                    max_bytes: share,
                    buckets: Arc::clone(&watch.members),
                    watch: Some(WatchPlan {
                        id: watch.id,
                        message: Arc::clone(&watch.message),
                        nothing: watch.nothing.clone(),
                    }),
                });
            }
        }
    }

    /// Takes in that a fetch ended, however it ended, after the answers for its buckets. Nothing need be taken in for
    /// the buckets of a watch if the answer is the same as the last one that brought nothing.
    pub(crate) fn on_fetch_end(&mut self, plan: &FetchPlan, end: FetchEnd, now: Instant) {
        let Some(WatchPlan { id, .. }) = plan.watch else {
            return;
        };
        let tail = self.limits.tail;
        let Some(server) = self.watches.servers.get_mut(&plan.server) else {
            return;
        };
        let Some(index) = server.watches.iter().position(|watch| watch.id == id) else {
            return;
        };
        let held = server.is_held(&tail);
        let Some(watch) = server.watches.get_mut(index) else {
            return;
        };
        let State::Asked { at, wait } = watch.state else {
            return;
        };
        let took = now.saturating_duration_since(at);
        let mut news = false;
        if end != FetchEnd::Same {
            let (buckets, order) = (&mut self.buckets, &mut self.order);
            let kept: Vec<_> = watch
                .members
                .iter()
                .filter(|member| {
                    let state = buckets.get_mut(&member.bucket);
                    let Some(state) = state.filter(|state| state.generation == member.generation)
                    else {
                        return false;
                    };
                    news |= state.fetch_offset > member.offset && member.offset >= 0;
                    let stays = state.stays(member);
                    if stays {
                        state.phase = Phase::Watched;
                    } else {
                        state.unwatch(member.bucket, order);
                    }
                    stays
                })
                .copied()
                .collect();
            if kept.len() < watch.members.len() {
                watch.set_members(kept.into());
            } else if let FetchEnd::Answer(answer) = end {
                watch.nothing = answer;
            }
        }
        if !wait.is_zero() && news {
            server.waking.on_news(wait, took);
        }
        let period = watch.period(&tail, now);
        let due = if held && (news || took >= wait / 2) {
            now
        } else {
            // Never without a pause as long as the answer took, so that a slow server has time for others.
            (at + period).max(now + took.saturating_sub(wait).max(LEAST_PERIOD))
        };
        watch.state = State::Resting(due);
        if watch.pace == Pace::Lively && watch.cools_at <= now {
            self.cool(plan.server, index, now);
        }
        self.drop_empty_watches(plan.server);
    }

    /// Lets the members of a lively watch go that had no news for long: they will join those that are quiet.
    fn cool(&mut self, server: i32, index: usize, now: Instant) {
        let tail = self.limits.tail;
        let Some(server) = self.watches.servers.get_mut(&server) else {
            return;
        };
        let quiet = server
            .watches
            .iter()
            .filter(|watch| watch.pace == Pace::Quiet);
        let cooled = cooled(&tail, quiet.map(Watch::count).sum::<usize>() + 1);
        let Some(watch) = server.watches.get_mut(index) else {
            return;
        };
        watch.settle();
        let (buckets, order) = (&mut self.buckets, &mut self.order);
        let mut first = None::<Instant>;
        let mut latest = None::<Warmth>;
        let kept: Vec<_> = watch
            .members
            .iter()
            .filter(|member| {
                let Some(state) = buckets.get_mut(&member.bucket) else {
                    return false;
                };
                if state.generation != member.generation {
                    return false;
                }
                let warmth = *state.warmth.get_or_insert_with(|| Warmth::new(now));
                if warmth.period(now) >= cooled {
                    state.unwatch(member.bucket, order);
                    self.plan_is_due = true;
                    return false;
                }
                let at = warmth.reaches(cooled);
                first = Some(first.map_or(at, |first| first.min(at)));
                if latest.is_none_or(|latest| warmth.period(now) < latest.period(now)) {
                    latest = Some(warmth);
                }
                true
            })
            .copied()
            .collect();
        if kept.len() < watch.members.len() {
            watch.set_members(kept.into());
        }
        watch.cools_at = first.unwrap_or(now);
        watch.warmth = latest.unwrap_or(watch.warmth);
    }

    /// Checks the members of idle watches: removes those that are no longer read or now have another leader.
    pub(super) fn check_watches(
        &mut self,
        generation: u64,
        leader: impl Fn(&TableBucket) -> Option<i32>,
    ) {
        if !self.watches.changed && self.watches.generation == generation {
            return;
        }
        let mut unchecked = false;
        let (buckets, order) = (&mut self.buckets, &mut self.order);
        for (&id, server) in &mut self.watches.servers {
            for watch in &mut server.watches {
                if !watch.is_resting() {
                    unchecked = true;
                    continue;
                }
                watch.settle();
                let kept: Vec<_> = watch
                    .members
                    .iter()
                    .filter(|member| {
                        let state = buckets.get_mut(&member.bucket);
                        let Some(state) =
                            state.filter(|state| state.generation == member.generation)
                        else {
                            return false;
                        };
                        let stays = state.phase == Phase::Watched
                            && !state.is_ended()
                            && leader(&member.bucket) == Some(id);
                        if !stays {
                            state.unwatch(member.bucket, order);
                        }
                        stays
                    })
                    .copied()
                    .collect();
                // Also where none goes: what is said of a bucket in a request may be another thing now.
                watch.set_members(kept.into());
            }
        }
        self.watches.changed = unchecked;
        self.watches.generation = generation;
        self.watches.servers.retain(|_, server| {
            server.watches.retain(|watch| watch.count() > 0);
            !server.watches.is_empty()
        });
    }

    fn drop_empty_watches(&mut self, server: i32) {
        if let Some(server) = self.watches.servers.get_mut(&server) {
            server.watches.retain(|watch| watch.count() > 0);
        }
    }

    /// Watches of a server that are asked for now.
    #[cfg(test)]
    pub(super) fn asked_watches(&self, server: i32) -> usize {
        self.watches.servers.get(&server).map_or(0, |server| {
            let asked = server.watches.iter().filter(|watch| !watch.is_resting());
            asked.count()
        })
    }
}

impl<C: Chunk> Bucket<C> {
    /// Whether it can stay in its watch as it is, after an answer.
    fn stays(&self, member: &FetchBucket) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Watched)
            && self.at_end
            && !self.unprojected
            && matches!(self.source, Source::Log)
            && self.fetch_offset == member.offset
            && !self.is_ended()
    }

    /// Lets it be planned for again.
    fn unwatch(&mut self, bucket: TableBucket, order: &mut VecDeque<TableBucket>) {
        if self.phase == Phase::Watched {
            self.phase = Phase::Idle;
        }
        if !self.in_order {
            self.in_order = true;
            order.push_back(bucket);
        }
    }
}
