//! What the sender waited for arrives: answers, leaders, writer ids, sealed batches.

use std::sync::Arc;
use std::time::Instant;

use fluss_wire::error_code::ErrorCode;
use tracing::debug;

use super::state::{Event, Sender};
use crate::clock::now;
use crate::engine::write::{Answer, PartitionNumber, RequestId, Resolution};
use crate::error::Error;
use crate::write::metrics;
use crate::write::partition::Search;
use crate::write::request::{self, Answered};
use crate::write::table::TableWrites;

impl Sender {
    pub(super) fn on_event(&mut self, event: Event) {
        match event {
            Event::Sealed {
                bucket,
                batch,
                result,
            } => {
                self.sealing -= 1;
                self.on_sealed(bucket, batch, result);
                self.seal_next();
            }
            Event::Answered {
                request,
                sent_at,
                result,
            } => self.on_answered(request, sent_at, result),
            Event::Resolved { partition, search } => match search {
                Search::Ended(resolution) => self.on_resolved(partition, resolution),
                Search::OtherBuckets(count) => self.move_rows(partition, count),
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
        for stale in self
            .engine
            .on_answers(request, answered.buckets, &otherwise, now)
        {
            request::invalidate(&self.cluster, &stale, answered.generation);
        }
    }

    fn on_resolved(&mut self, number: PartitionNumber, resolution: Resolution) {
        if let (Resolution::Gone(error), Some(partition)) =
            (&resolution, self.partitions.get(&number))
        {
            let error = error.clone().of_table(&partition.buckets.table_path);
            if error.server_code() == Some(ErrorCode::TABLE_NOT_EXIST.value()) {
                let table = Arc::clone(&partition.table);
                self.fail_table(&table, &error);
            } else if partition.buckets.partition.is_some() {
                self.fail_partition(number, &error);
            } else {
                // Only the existing rows: the next row tries again, because permissions may be granted and servers
                // may recover.
                debug!(table = %partition.buckets.table_path, %error, "rows cannot be written");
                partition.buckets.fail_batches(&error);
            }
        }
        self.engine.on_resolved(number, resolution, now());
    }

    /// Fails all that was written to a table, and all that is from now on.
    fn fail_table(&mut self, table: &Arc<TableWrites>, error: &Error) {
        table.fail(error);
        let of_table = self
            .partitions
            .iter()
            .filter(|(_, partition)| Arc::ptr_eq(&partition.table, table));
        for number in of_table.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.fail_partition(number, error);
            self.engine.fail_partition(number, error);
        }
    }

    /// Fails what appenders hold of a table or partition, and all that is written to these buckets from now on. The
    /// next row of a partition goes to new ones.
    fn fail_partition(&mut self, number: PartitionNumber, error: &Error) {
        let Some(partition) = self.partitions.get_mut(&number) else {
            return;
        };
        partition.is_over = true;
        let buckets = &partition.buckets;
        let name = buckets.partition.as_ref().map(|partition| &*partition.name);
        debug!(table = %buckets.table_path, partition = name, %error, "nothing more can be written");
        partition.table.forget(buckets);
        buckets.fail(error);
        // What is kept of it is released once it is idle.
        self.expect_partitions(now());
    }
}
