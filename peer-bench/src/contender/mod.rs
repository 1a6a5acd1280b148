//! The clients that are compared.

mod follow;
mod ours;
mod peer;

use std::{
    fmt,
    future::Future,
    ops::Range,
    time::{Duration, Instant},
};

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use crate::{
    Result,
    harness::{Meter, Times},
    workload::{KEYS, Random, Rows, Totals, Width, last_upsert},
};
pub(crate) use follow::{Follow, Reading};
pub(crate) use ours::Ours;
pub(crate) use peer::Peer;

/// Database of all tables of the comparison.
pub(crate) const DATABASE: &str = "peer_bench";
/// Longest time of one `poll`.
pub(crate) const POLL: Duration = Duration::from_secs(1);
/// Property of a table that says how its batches are compressed.
pub(crate) const COMPRESSION: &str = "table.log.arrow.compression.type";

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Name {
    /// This repository's.
    Ours,
    /// `fluss-rs` 1.0.0 from crates.io.
    Peer,
}

impl Name {
    pub(crate) const ALL: [Self; 2] = [Self::Ours, Self::Peer];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Peer => "peer",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The writer's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linger {
    /// As the client comes.
    Default,
    /// Batches wait for no further rows.
    Zero,
}

/// How the batches of a table are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Compression {
    /// Not at all.
    #[serde(rename = "NONE")]
    None,
    /// What a table has unless it is told otherwise: ZSTD at level 3.
    #[serde(rename = "ZSTD")]
    Zstd,
}

impl Compression {
    pub(crate) const ALL: [Self; 2] = [Self::None, Self::Zstd];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Zstd => "ZSTD",
        }
    }
}

/// What tables look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) buckets: i32,
    /// Whether the first `BIGINT` is the primary key.
    pub(crate) keyed: bool,
    pub(crate) width: Width,
    pub(crate) compression: Compression,
}

/// One client. Methods open what they need, start the meter, do the work, stop the meter.
pub(crate) trait Contender: Sized {
    async fn connect(address: &str, linger: Linger) -> Result<Self>;

    async fn create_table(&self, table: &str, shape: Shape) -> Result<()>;

    async fn drop_table(&self, table: &str) -> Result<()>;

    /// Asks the cluster for a table.
    async fn open_table(&self, table: &str) -> Result<()>;

    /// Appends rows 0 to `count` without awaiting each, then flushes.
    async fn append_rows(
        &self,
        table: &str,
        rows: &Rows,
        count: u64,
        meter: &mut Meter,
    ) -> Result<()>;

    /// Appends the batches in turn, `count` in all, then flushes. `None`: this client does not offer it.
    async fn append_batches(
        &self,
        table: &str,
        batches: &[RecordBatch],
        count: u64,
        meter: &mut Meter,
    ) -> Result<Option<()>>;

    /// Appends rows and awaits each, until `count` are done or the time is over.
    async fn append_awaited(
        &self,
        table: &str,
        rows: &Rows,
        bound: Bound,
        times: &Times,
        meter: &mut Meter,
    ) -> Result<()>;

    /// Upserts rows 0 to `count` under the keys 0 to [`KEYS`] in turn, then flushes.
    async fn upsert_rows(
        &self,
        table: &str,
        rows: &Rows,
        count: u64,
        meter: &mut Meter,
    ) -> Result<()>;

    /// Looks up random keys in `work.in_flight` tasks.
    async fn look_up(&self, table: &str, work: &LookupWork, meter: &mut Meter) -> Result<()>;

    /// Offsets behind the last rows of the buckets.
    async fn ends(&self, table: &str, buckets: Range<i32>) -> Result<Vec<i64>>;

    /// Reads `count` rows of the buckets from their start.
    async fn scan_rows(
        &self,
        table: &str,
        buckets: Range<i32>,
        width: Width,
        count: u64,
        meter: &mut Meter,
    ) -> Result<Totals>;

    /// As [`scan_rows`](Self::scan_rows), in Arrow batches.
    async fn scan_batches(
        &self,
        table: &str,
        buckets: Range<i32>,
        width: Width,
        count: u64,
        meter: &mut Meter,
    ) -> Result<Totals>;
}

/// Where a loop ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) count: u64,
    pub(crate) time: Duration,
}

impl Bound {
    /// Row numbers, until either bound is reached.
    pub(crate) fn rows(self) -> impl Iterator<Item = u64> {
        let end = Instant::now() + self.time;
        (0..self.count).take_while(move |_| Instant::now() < end)
    }
}

/// Random keys to look up, and the answers to expect.
#[derive(Debug, Clone)]
pub(crate) struct LookupWork {
    pub(crate) rows: Rows,
    /// Upserts that the table has seen.
    pub(crate) upserts: u64,
    /// Tasks, each with one lookup at a time.
    pub(crate) in_flight: u64,
    /// Of all tasks together.
    pub(crate) bound: Bound,
    /// Where the time of each lookup goes.
    pub(crate) times: Times,
}

/// A looked-up row: `id`, `number`, `half`, `text`.
pub(crate) type Found<'a> = (i64, i32, f64, &'a str);

impl LookupWork {
    /// Keys of the task `task`; ends with the bound.
    pub(crate) fn keys(&self, task: u64) -> impl Iterator<Item = u64> + use<> {
        let mut random = Random::new(task + 1);
        let share = Bound {
            count: self.bound.count.div_ceil(self.in_flight),
            time: self.bound.time,
        };
        let keys = KEYS.min(self.upserts);
        share.rows().map(move |_| random.below(keys))
    }

    /// Refuses any row but the last one written under the key.
    pub(crate) fn check(&self, key: u64, found: Option<Found<'_>>) -> Result<()> {
        let i = last_upsert(key, self.upserts);
        let expected = (
            key as i64,
            Rows::number(i),
            Rows::half(i),
            self.rows.text(i),
        );
        if found == Some(expected) {
            Ok(())
        } else {
            Err(format!("under key {key} there is {found:?}, written was {expected:?}").into())
        }
    }
}

/// Runs all lookup tasks to their end.
pub(crate) async fn run_tasks<T>(tasks: Vec<T>) -> Result<()>
where
    T: Future<Output = Result<()>> + Send + 'static,
{
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    for task in running {
        task.await??;
    }
    Ok(())
}

/// Ends scans that no longer get anywhere.
#[derive(Debug)]
pub(crate) struct Patience {
    deadline: Instant,
    wanted: u64,
}

impl Patience {
    pub(crate) fn for_rows(wanted: u64) -> Self {
        Self {
            deadline: Instant::now() + Duration::from_secs(120),
            wanted,
        }
    }

    /// Whether to poll again, with `seen` rows read.
    pub(crate) fn wants_more(&self, seen: u64) -> Result<bool> {
        if seen < self.wanted && Instant::now() > self.deadline {
            return Err(format!("{seen} of {} rows read in two minutes", self.wanted).into());
        }
        Ok(seen < self.wanted)
    }
}
