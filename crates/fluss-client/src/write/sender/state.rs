//! What the sender owns.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Instant;

use fluss_metadata::{PartitionId, TableId};
use fluss_rpc::Cluster;
use futures::stream::FuturesUnordered;

use super::copies::Copies;
use super::pending::PendingBatch;
use crate::config::Config;
use crate::engine::write::{BatchId, BucketNumber, Engine, Limits, PartitionNumber, RequestId};
use crate::error::Result;
use crate::write::buckets::PartitionBuckets;
use crate::write::doorbell::Doorbell;
use crate::write::encoder::{Encoder, Sealed};
use crate::write::memory::Memory;
use crate::write::metrics::WriterMetrics;
use crate::write::partition::Search;
use crate::write::request::Answered;
use crate::write::shared::Shared;
use crate::write::table::{Arrivals, TableWrites};

pub(in crate::write) struct Sender {
    pub(super) engine: Engine,
    /// The batches that the engine decides about.
    pub(super) batches: HashMap<BatchId, PendingBatch>,
    pub(super) cluster: Cluster,
    pub(super) config: Arc<Config>,
    pub(super) memory: Arc<Memory>,
    pub(super) metrics: Arc<WriterMetrics>,
    pub(super) doorbell: Arc<Doorbell>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) partitions: BTreeMap<PartitionNumber, Partition>,
    pub(super) upkeep: Upkeep,
    pub(super) events: FuturesUnordered<Pin<Box<dyn Future<Output = Event> + Send>>>,
    pub(super) to_seal: VecDeque<(BucketNumber, BatchId, Encoder)>,
    pub(super) copies: Copies,
    pub(super) sealing: usize,
    pub(super) max_sealing: usize,
}

/// A table or partition that is written to.
pub(super) struct Partition {
    pub(super) table: Arc<TableWrites>,
    pub(super) buckets: Arc<PartitionBuckets>,
    /// Its rows are about to move to other buckets: no further batches are sealed until then.
    pub(super) is_moving: bool,
    /// No more rows come: they fail, or went to other buckets.
    pub(super) is_over: bool,
    /// When an appender last had something for it.
    pub(super) last_used: Instant,
}

/// When partitions are looked for next, and those that were forgotten last.
#[derive(Default)]
pub(super) struct Upkeep {
    pub(super) due: Option<Instant>,
    pub(super) pause: std::time::Duration,
    /// An appender may have held one when it was forgotten: its rows are still taken.
    pub(super) retired: Vec<Partition>,
    /// Tables whose partitions are being listed.
    pub(super) asking: BTreeSet<TableId>,
}

/// What the sender waited for.
pub(super) enum Event {
    Sealed {
        bucket: BucketNumber,
        batch: BatchId,
        result: Result<(Sealed, Option<Encoder>)>,
    },
    Answered {
        request: RequestId,
        sent_at: Instant,
        result: Answered,
    },
    Resolved {
        partition: PartitionNumber,
        search: Search,
    },
    WriterId(Result<i64>),
    /// The partitions that a table has now, if they could be listed.
    Listed {
        table: TableId,
        partitions: Option<BTreeSet<PartitionId>>,
    },
}

/// Part of the write buffer that there has to be for each batch that is sealed at the same time: a codec takes some MiB while it works.
const BUFFER_PER_SEALING: usize = 8 * 1024 * 1024;

/// How many batches may be sealed at once: one on each processor, if the write buffer is large enough.
fn max_sealing(processors: usize, buffer: usize) -> usize {
    processors.min(buffer / BUFFER_PER_SEALING).max(1)
}

impl Sender {
    pub(in crate::write) fn new(shared: &Shared) -> Self {
        let config = &shared.config;
        let limits = Limits {
            linger: config.writer_batch_timeout,
            max_in_flight_per_bucket: config.writer_max_inflight_requests_per_bucket,
            connections_per_server: config.connections_per_server,
            request_max_size: config.writer_request_max_size,
            retries: config.writer_retries,
            delivery_timeout: config.writer_delivery_timeout,
            max_throttle: config.writer_kv_backpressure_max_throttle,
            idempotence: config.writer_enable_idempotence,
        };
        let processors = available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            engine: Engine::new(limits, shared.cluster.config().chance.clone()),
            batches: HashMap::new(),
            cluster: shared.cluster.clone(),
            config: Arc::clone(config),
            memory: Arc::clone(&shared.memory),
            metrics: Arc::clone(&shared.metrics),
            doorbell: Arc::clone(&shared.doorbell),
            arrivals: Arc::clone(&shared.arrivals),
            partitions: BTreeMap::new(),
            upkeep: Upkeep::default(),
            events: FuturesUnordered::new(),
            to_seal: VecDeque::new(),
            copies: Copies::new(config.writer_buffer_memory_size),
            sealing: 0,
            max_sealing: max_sealing(processors, config.writer_buffer_memory_size),
        }
    }

    /// The table or partition of a bucket, and the index of the bucket in it.
    pub(super) fn partition_of(&self, bucket: BucketNumber) -> Option<(&Partition, u32)> {
        let (first, partition) = self.partitions.range(..=bucket).next_back()?;
        let index = (bucket - first) as u32;
        (index < partition.buckets.count()).then_some((partition, index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_batches_are_sealed_at_once_as_processor_and_buffer_allow() {
        const MIB: usize = 1 << 20;
        for (processors, buffer, expected) in [
            (2, 64 * MIB, 2),
            (64, 64 * MIB, 8),
            (64, 1024 * MIB, 64),
            (4, 1000, 1),
        ] {
            assert_eq!(max_sealing(processors, buffer), expected);
        }
    }
}
