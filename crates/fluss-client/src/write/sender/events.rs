//! What the sender waited for has come: answers, leaders, writer ids, sealed batches.

use std::sync::Arc;
use std::time::Instant;

use fluss_wire::error_code::ErrorCode;
use tracing::debug;

use super::payload::{fail_batches, fail_slot};
use super::{Event, Sender};
use crate::engine::write::{Answer, RequestId, Resolution, RouteId};
use crate::error::Error;
use crate::write::partition::Search;
use crate::write::request::{self, Answered};
use crate::write::table::TableWrites;
use crate::write::{metrics, now};

impl Sender {
    pub(super) fn on_event(&mut self, event: Event) {
        match event {
            Event::Sealed {
                slot,
                batch,
                result,
            } => {
                self.sealing -= 1;
                self.on_sealed(slot, batch, result);
                self.seal_next();
            }
            Event::Answered {
                request,
                sent_at,
                result,
            } => self.on_answered(request, sent_at, result),
            Event::Resolved { route, search } => match search {
                Search::Ended(resolution) => self.on_resolved(route, resolution),
                Search::OtherBuckets(buckets) => self.move_rows(route, buckets),
            },
            Event::WriterId(result) => self.engine.on_writer_id(result, now()),
            Event::Listed { table, partitions } => self.on_listed(table, partitions.as_ref()),
        }
    }

    fn on_answered(&mut self, request: RequestId, sent_at: Instant, answered: Answered) {
        let now = now();
        metrics::on_answer(now.saturating_duration_since(sent_at));
        let otherwise = match answered.error {
            Some(failure) => Answer::Lost {
                error: failure.error,
                sent: failure.sent,
            },
            None => Answer::Lost {
                error: Error::corrupt("the server did not say what became of a batch"),
                sent: true,
            },
        };
        for reroute in self
            .engine
            .on_answers(request, answered.buckets, &otherwise, now)
        {
            request::invalidate(&self.cluster, &reroute, answered.generation);
        }
    }

    fn on_resolved(&mut self, id: RouteId, resolution: Resolution) {
        if let (Resolution::Gone(error), Some(route)) = (&resolution, self.route(id)) {
            let error = error.clone().of_table(&route.group.table_path);
            if error.server_code() == Some(ErrorCode::TABLE_NOT_EXIST.value()) {
                let table = Arc::clone(&route.table);
                self.fail_table(&table, &error);
            } else {
                self.fail_rows(id, &error);
            }
        }
        self.engine.on_resolved(id, resolution, now());
    }

    /// Fails all that was written to a table, and all that is from now on.
    fn fail_table(&mut self, table: &Arc<TableWrites>, error: &Error) {
        table.fail(error);
        let ids: Vec<_> = self
            .routes
            .iter()
            .enumerate()
            .filter_map(|(id, route)| Some((id, route.as_ref()?)))
            .filter(|(_, route)| Arc::ptr_eq(&route.table, table))
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            self.fail_group(id, error);
            self.engine.fail_route(id, error);
        }
    }

    /// Fails what appenders hold of a table or partition. The next row of it tries anew: rights may be given, servers may recover.
    fn fail_rows(&mut self, id: RouteId, error: &Error) {
        let Some(route) = self.route(id) else {
            return;
        };
        if route.group.partition.is_some() {
            return self.fail_group(id, error);
        }
        debug!(table = %route.group.table_path, %error, "rows cannot be written");
        for slot in &route.group.slots {
            fail_batches(slot, error);
        }
    }

    /// Fails what appenders hold of a table or partition, and all that is written to these buckets from now on. The next row of a
    /// partition goes to other ones.
    fn fail_group(&mut self, id: RouteId, error: &Error) {
        let Some(route) = self.route_mut(id) else {
            return;
        };
        route.is_over = true;
        let partition = route
            .group
            .partition
            .as_ref()
            .map(|partition| &*partition.name);
        debug!(table = %route.group.table_path, partition, %error, "nothing more can be written");
        route.table.forget(&route.group);
        for slot in &route.group.slots {
            fail_slot(slot, error);
        }
    }
}
