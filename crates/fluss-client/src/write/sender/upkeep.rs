//! Partitions that were dropped while nobody wrote to them: what is kept of them is given back.
//!
//! Nothing tells a writer that a partition is gone but the failure of its next batch, and of a partition by time there is none. So those
//! that were not written to for a while are looked for, a table at a time, with growing pauses while none is gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fluss_metadata::{PartitionId, TableId, TableInfo};
use fluss_rpc::{Cluster, path_message};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::ListPartitionInfosRequest;
use futures::FutureExt;
use tracing::debug;

use super::{Event, Route, Sender};
use crate::clock::now;
use crate::engine::write::{RouteId, SlotId};
use crate::error::Error;
use crate::write::slot::BucketSlot;

/// How long a partition is not written to before it is looked for, and the first pause between two looks.
const IDLE: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(16 * 60);

/// When partitions are looked for next, and those that were forgotten last.
#[derive(Default)]
pub(super) struct Upkeep {
    due: Option<Instant>,
    pause: Duration,
    /// An appender may have held one when it was forgotten: its rows are still taken.
    retired: Vec<Route>,
    /// Tables whose partitions are being listed.
    asking: BTreeSet<TableId>,
}

impl Upkeep {
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A partition is written to for the first time.
    pub(super) fn on_partition(&mut self, now: Instant) {
        self.pause = IDLE;
        let soon = now + IDLE;
        self.due = Some(self.due.map_or(soon, |due| due.min(soon)));
    }

    /// The buckets of those that were forgotten last.
    pub(super) fn retired(&self) -> impl Iterator<Item = &Arc<BucketSlot>> {
        self.retired
            .iter()
            .flat_map(|route| route.group.slots.iter())
    }
}

impl Sender {
    /// Looks for idle partitions, if it is time.
    pub(super) fn keep_up(&mut self) {
        let Some(due) = self.upkeep.due else { return };
        let now = now();
        if due > now {
            return;
        }
        for route in std::mem::take(&mut self.upkeep.retired) {
            self.let_go(route);
        }
        let over = |route: &Route| route.is_over;
        self.retire(&self.idle(now, over));
        let idle = self.idle(now, |_| true);
        let tables: Vec<_> = idle
            .iter()
            .filter_map(|id| self.route(*id))
            .map(|route| route.table.info().clone())
            .collect();
        for info in tables {
            if self.upkeep.asking.insert(info.table_id()) {
                let table = info.table_id();
                let listed = list(self.cluster.clone(), info);
                self.events.push(Box::pin(
                    listed.map(move |partitions| Event::Listed { table, partitions }),
                ));
            }
        }
        let is_any = |route: &Route| route.group.partition.is_some();
        let is_needed = !self.upkeep.retired.is_empty() || self.routes.iter().flatten().any(is_any);
        self.upkeep.due = is_needed.then(|| now + self.upkeep.pause);
        self.upkeep.pause = (self.upkeep.pause * 2).min(LONGEST);
    }

    pub(super) fn on_listed(&mut self, table: TableId, partitions: Option<&BTreeSet<PartitionId>>) {
        self.upkeep.asking.remove(&table);
        let Some(partitions) = partitions else { return };
        let idle = self.idle(now(), |route| route.table.info().table_id() == table);
        let gone = |id: &RouteId| {
            let partition = self.engine.partition_of(*id);
            partition.filter(|partition| !partitions.contains(partition))
        };
        let gone: Vec<_> = idle
            .into_iter()
            .filter_map(|id| Some((id, gone(&id)?)))
            .collect();
        if gone.is_empty() {
            return;
        }
        debug!(
            table,
            partitions = gone.len(),
            "forgets partitions that are gone"
        );
        let ids = gone.iter().map(|(_, partition)| *partition);
        self.cluster
            .forget_partitions(table, &ids.collect::<Vec<_>>());
        self.retire(&gone.into_iter().map(|(id, _)| id).collect());
    }

    /// The partitions that were not written to for a while, of those that `picks` picks.
    fn idle(&self, now: Instant, picks: impl Fn(&Route) -> bool) -> BTreeSet<RouteId> {
        let is_idle = |id: RouteId, route: &Route| {
            route.group.partition.is_some()
                && picks(route)
                && route.last_used + IDLE <= now
                && self.engine.is_idle(id)
                && route.group.slots.iter().all(|slot| slot.is_empty())
        };
        let routes = self.routes.iter().enumerate();
        routes
            .filter_map(|(id, route)| Some((id, route.as_ref()?)))
            .filter(|(id, route)| is_idle(*id, route))
            .map(|(id, _)| id)
            .collect()
    }

    /// Forgets partitions. Their next rows find or make them anew.
    fn retire(&mut self, ids: &BTreeSet<RouteId>) {
        if ids.is_empty() {
            return;
        }
        for slot in self.engine.remove_routes(ids) {
            if let Some(slot) = self.slots.get_mut(slot).and_then(Option::take) {
                slot.set_id(None);
            }
        }
        for id in ids {
            if let Some(route) = self.routes.get_mut(*id).and_then(Option::take) {
                route.table.forget(&route.group);
                self.upkeep.retired.push(route);
            }
        }
        self.upkeep.on_partition(now());
    }

    /// Lets go of a partition that was forgotten a while ago. Whoever still holds it gets an error: no row may wait where nobody looks.
    fn let_go(&mut self, route: Route) {
        if route.is_over {
            return;
        }
        let text = "the partition was dropped: write the row again";
        let gone = Error::from(ServerError::new(ErrorCode::PARTITION_NOT_EXISTS, text));
        let slots = &route.group.slots;
        if !slots.iter().all(|slot| slot.shut(&gone)) {
            slots.iter().for_each(|slot| slot.reopen());
            self.add_group(route.table, route.group);
        }
    }

    /// Takes a partition in again whose rows came in the moment in which it was forgotten.
    pub(super) fn revive(&mut self, slot: &Arc<BucketSlot>) -> Option<SlotId> {
        let group = slot.group()?;
        let is_of = |route: &Route| Arc::ptr_eq(&route.group, &group);
        let place = self.upkeep.retired.iter().position(is_of)?;
        let route = self.upkeep.retired.swap_remove(place);
        self.add_group(route.table, route.group);
        slot.id()
    }
}

/// The partitions that a table has now; none of one that is gone.
async fn list(cluster: Cluster, info: TableInfo) -> Option<BTreeSet<PartitionId>> {
    let request = ListPartitionInfosRequest {
        table_path: path_message(info.table_path()),
        ..ListPartitionInfosRequest::default()
    };
    match cluster.call_any(&request).await.map_err(Error::from) {
        Ok(answer) => {
            let listed = answer.partitions_info.iter();
            Some(listed.map(|partition| partition.partition_id).collect())
        }
        Err(error) if error.server_code() == Some(ErrorCode::TABLE_NOT_EXIST.value()) => {
            Some(BTreeSet::new())
        }
        Err(error) => {
            debug!(table = %info.table_path(), %error, "partitions cannot be listed");
            None
        }
    }
}
