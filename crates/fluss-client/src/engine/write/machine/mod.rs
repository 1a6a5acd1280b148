//! The write engine: decides what is sent where and when. Time and answers go in, actions come out.
//!
//! ```text
//! open batch (its rows are with the driver) ─ Close ─► sealing ─ Send ─► in flight ─► finished
//!                                                        ▲                   │
//!                                                        └───── retry ───────┘
//! ```
//!
//! A *partition* is what leaders are looked up for: a table without partitions, or one partition, which may have to be created first. The
//! engine knows batches by their ids only; their rows and bytes stay with the driver. The driver calls the `on_*` methods, then
//! [`Engine::poll`] until it returns nothing, then sleeps until [`Engine::next_wakeup`].

mod input;
mod pack;
mod plan;
mod retire;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::time::Instant;

use fluss_metadata::{PartitionId, TableBucket, TableId};
use fluss_rpc::{Chance, Lane};

use super::bucket::{BatchId, BucketQueue, Stamp};
use super::limits::Limits;
use crate::error::Error;

/// Number of a bucket, unique for the connection. The buckets of a partition have consecutive numbers.
pub(crate) type BucketNumber = usize;
/// Number of a table or partition: that of its first bucket.
pub(crate) type PartitionNumber = usize;
/// Id of a tablet server.
pub(crate) type ServerId = i32;

/// Id of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RequestId(u64);

/// How soon an open batch is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// When it is full or its linger is over.
    Linger,
    /// As soon as no batch of its bucket is in flight.
    Urgent,
    /// As soon as its bucket may send.
    Flush,
}

/// One connection to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Connection {
    pub(crate) server: ServerId,
    pub(crate) lane: Lane,
}

/// A batch within a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) bucket: BucketNumber,
    pub(crate) batch: BatchId,
    pub(crate) table_bucket: TableBucket,
    pub(crate) stamp: Stamp,
    /// 1 for the first attempt.
    pub(crate) attempt: u32,
}

/// A request to send: batches of one format, at most one for each bucket.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) connection: Connection,
    pub(crate) parts: Vec<Part>,
    pub(crate) bytes: usize,
    /// When the last of its batches runs out of time.
    pub(crate) deadline: Instant,
}

/// What the driver has to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// Close the open batch of the bucket and push it.
    Close(BucketNumber),
    /// Look up the leaders of the partition, or find or create it; then call [`Engine::on_resolved`].
    Resolve(PartitionNumber),
    /// Get a writer id for writing to these tables; then call [`Engine::on_writer_id`].
    InitWriter(Vec<TableId>),
    /// Send, then call [`Engine::on_answers`].
    Send(Request),
}

/// How the search for a partition's leaders ended.
#[derive(Debug)]
pub(crate) enum Resolution {
    /// The cluster was asked; a partition has this id.
    Known(Option<PartitionId>),
    /// It could not be asked (with the reason), or does not know yet.
    NotYet(Option<Error>),
    /// There is no such table or partition, and there will not be.
    Gone(Error),
}

/// A bucket that is no longer served where a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StaleLeader {
    pub(crate) bucket: TableBucket,
    /// The server does not even know the bucket: its partition may be gone.
    pub(crate) is_unknown: bool,
}

/// A batch that was written or failed.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) bucket: BucketNumber,
    pub(crate) batch: BatchId,
    pub(crate) table_bucket: TableBucket,
    /// The offset that the server answered with.
    pub(crate) result: Result<Option<i64>, Error>,
}

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent marks of what is queued already"
)]
struct Bucket {
    partition: PartitionNumber,
    queue: BucketQueue,
    open: Option<Open>,
    has_attention: bool,
    /// It had no leader when it was last looked at.
    is_leaderless: bool,
    is_sendable: bool,
    /// When its linger timer fires.
    linger_due: Option<Instant>,
    expiry_armed: bool,
}

/// What is known about the open batch of a bucket.
#[derive(Debug, Clone, Copy)]
struct Open {
    since: Instant,
    urgency: Urgency,
}

#[derive(Debug)]
struct Partition {
    table: TableId,
    id: Option<PartitionId>,
    /// False for a partition whose id is not known yet.
    is_known: bool,
    buckets: Range<BucketNumber>,
    is_wanted: bool,
    is_resolving: bool,
    failures: u32,
    not_before: Option<Instant>,
    /// Why the last search failed.
    last_error: Option<Error>,
}

#[derive(Debug, Default)]
struct ConnectionState {
    in_flight: usize,
    /// A request was answered since the last failure: several may be in flight.
    is_proven: bool,
    blocked: BTreeSet<BucketNumber>,
}

#[derive(Debug, Default)]
struct WriterIds {
    current: Option<i64>,
    is_asking: bool,
    failures: u32,
    not_before: Option<Instant>,
    /// Why the last request for one failed.
    last_error: Option<Error>,
    waiting: BTreeSet<BucketNumber>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Linger(BucketNumber),
    Resume(BucketNumber),
    Expiry(BucketNumber),
    Partition(PartitionNumber),
    WriterId,
}

/// The state of all writers of a connection, without the rows.
#[derive(Debug)]
pub(crate) struct Engine {
    limits: Limits,
    chance: Chance,
    buckets: BTreeMap<BucketNumber, Bucket>,
    partitions: BTreeMap<PartitionNumber, Partition>,
    attention: VecDeque<BucketNumber>,
    sendable: Vec<BucketNumber>,
    wanted_partitions: VecDeque<PartitionNumber>,
    timers: BTreeSet<(Instant, Timer)>,
    open: BTreeSet<BucketNumber>,
    connections: HashMap<Connection, ConnectionState>,
    requests: HashMap<RequestId, (Connection, Vec<Part>)>,
    outbox: VecDeque<Request>,
    writer_ids: WriterIds,
    finished: Vec<Finished>,
    next_batch: u64,
    next_request: u64,
    in_flight: usize,
}

impl Engine {
    /// `chance` spreads the pauses between retries.
    pub(crate) fn new(limits: Limits, chance: Chance) -> Self {
        Self {
            limits,
            chance,
            buckets: BTreeMap::new(),
            partitions: BTreeMap::new(),
            attention: VecDeque::new(),
            sendable: Vec::new(),
            wanted_partitions: VecDeque::new(),
            timers: BTreeSet::new(),
            open: BTreeSet::new(),
            connections: HashMap::new(),
            requests: HashMap::new(),
            outbox: VecDeque::new(),
            writer_ids: WriterIds::default(),
            finished: Vec::new(),
            next_batch: 0,
            next_request: 0,
            in_flight: 0,
        }
    }

    /// Adds a table, or a partition (`is_known` false) that has to be found or created, of `count` buckets.
    pub(crate) fn add_partition(
        &mut self,
        number: PartitionNumber,
        table: TableId,
        is_known: bool,
        count: usize,
    ) {
        let buckets = number..number + count;
        for bucket in buckets.clone() {
            let new = Bucket {
                partition: number,
                ..Bucket::default()
            };
            self.buckets.insert(bucket, new);
        }
        let partition = Partition {
            table,
            id: None,
            is_known,
            buckets,
            is_wanted: false,
            is_resolving: false,
            failures: 0,
            not_before: None,
            last_error: None,
        };
        self.partitions.insert(number, partition);
        if !is_known {
            self.want_partition(number);
        }
    }

    /// The first `count` batches of a bucket, those in flight included.
    pub(crate) fn first_batches(&self, number: BucketNumber, count: usize) -> Vec<BatchId> {
        let bucket = self.buckets.get(&number);
        bucket.map_or_else(Vec::new, |bucket| bucket.queue.first(count))
    }

    /// The name of a bucket in the protocol; its partition is missing until it is known.
    pub(super) fn table_bucket(&self, number: BucketNumber) -> Option<TableBucket> {
        let first = self.buckets.get(&number)?.partition;
        let partition = self.partitions.get(&first)?;
        Some(TableBucket::new_with_partition(
            partition.table,
            partition.id,
            (number - first) as i32,
        ))
    }

    /// The batches that ended since the last call.
    pub(crate) fn take_finished(&mut self) -> Vec<Finished> {
        std::mem::take(&mut self.finished)
    }

    /// The buckets of a table or partition.
    fn buckets_of(&self, number: PartitionNumber) -> Range<BucketNumber> {
        let partition = self.partitions.get(&number);
        partition.map_or(0..0, |partition| partition.buckets.clone())
    }

    fn fail_bucket(&mut self, number: BucketNumber, error: &Error) {
        let Some(bucket) = self.buckets.get_mut(&number) else {
            return;
        };
        for batch in bucket.queue.take_all() {
            self.finish(number, batch, Err(error.clone()));
        }
    }

    fn finish(&mut self, bucket: BucketNumber, batch: BatchId, result: Result<Option<i64>, Error>) {
        if let Some(table_bucket) = self.table_bucket(bucket) {
            self.finished.push(Finished {
                bucket,
                batch,
                table_bucket,
                result,
            });
        }
    }
}
