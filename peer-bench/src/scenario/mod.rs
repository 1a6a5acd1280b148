//! What is measured.

mod append;
mod connect;
mod lookup;
mod scan;
mod tail;
mod upsert;

use std::{
    fmt,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

pub(crate) use tail::{Pace, Seen};

use crate::{
    Result,
    contender::{Compression, Contender, Follow, Linger, Name, Ours, Peer, Reading, Shape},
    harness::{Latency, Meter, Times, peak_and_threads},
    workload::{KEYS, Width},
};

/// Rows written or read on another table before anything is measured; a wide row counts as ten.
const WARM_UP_ROWS: u64 = 100_000;

/// One of the things that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    AppendRows,
    AppendBatches,
    ScanRows1,
    ScanRows3,
    ScanBatches,
    WideAppendRows,
    WideAppendBatches,
    WideScanRows,
    WideScanBatches,
    Upsert,
    Lookup1,
    Lookup64,
    Lookup1024,
    Ack,
    AckLinger0,
    Connect,
    Tail2,
    Tail20,
    Tail200,
    TailBatches,
    TailChangelog,
    TailFirst,
    Idle,
}

/// A filled table that scenarios read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A log of this width in so many buckets.
    Log(i32, Width),
    /// A primary-key table.
    Keys,
    /// A log without rows in many buckets.
    Silence,
}

impl Scenario {
    pub(crate) const ALL: [Self; 23] = [
        Self::AppendRows,
        Self::AppendBatches,
        Self::ScanRows1,
        Self::ScanRows3,
        Self::ScanBatches,
        Self::WideAppendRows,
        Self::WideAppendBatches,
        Self::WideScanRows,
        Self::WideScanBatches,
        Self::Upsert,
        Self::Lookup1,
        Self::Lookup64,
        Self::Lookup1024,
        Self::Ack,
        Self::AckLinger0,
        Self::Connect,
        Self::Tail2,
        Self::Tail20,
        Self::Tail200,
        Self::TailBatches,
        Self::TailChangelog,
        Self::TailFirst,
        Self::Idle,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AppendRows => "append-rows",
            Self::AppendBatches => "append-batches",
            Self::ScanRows1 => "scan-rows-1",
            Self::ScanRows3 => "scan-rows-3",
            Self::ScanBatches => "scan-batches",
            Self::WideAppendRows => "wide-append-rows",
            Self::WideAppendBatches => "wide-append-batches",
            Self::WideScanRows => "wide-scan-rows",
            Self::WideScanBatches => "wide-scan-batches",
            Self::Upsert => "upsert",
            Self::Lookup1 => "lookup-1",
            Self::Lookup64 => "lookup-64",
            Self::Lookup1024 => "lookup-1024",
            Self::Ack => "ack",
            Self::AckLinger0 => "ack-linger-0",
            Self::Connect => "connect",
            Self::Tail2 => "tail-2",
            Self::Tail20 => "tail-20",
            Self::Tail200 => "tail-200",
            Self::TailBatches => "tail-batches",
            Self::TailChangelog => "tail-changelog",
            Self::TailFirst => "tail-first",
            Self::Idle => "idle",
        }
    }

    /// What the scenario reads, if it must be written first.
    pub(crate) fn source(self) -> Option<Source> {
        match self {
            Self::ScanRows1 | Self::ScanBatches | Self::WideScanRows | Self::WideScanBatches => {
                Some(Source::Log(1, self.width()))
            }
            Self::ScanRows3 => Some(Source::Log(3, self.width())),
            Self::Lookup1 | Self::Lookup64 | Self::Lookup1024 => Some(Source::Keys),
            Self::Idle => Some(Source::Silence),
            _ => None,
        }
    }

    /// Whether it is about waiting: what counts then is the cost of a second.
    pub(crate) fn is_about_waiting(self) -> bool {
        self.is_about_the_tail() || self == Self::Idle
    }

    fn is_about_the_tail(self) -> bool {
        matches!(
            self,
            Self::Tail2
                | Self::Tail20
                | Self::Tail200
                | Self::TailBatches
                | Self::TailChangelog
                | Self::TailFirst
        )
    }

    /// Scenarios of one name: a scenario, or all of a group (`wide`, `tail`).
    pub(crate) fn named(name: &str) -> Vec<Self> {
        let is_meant = |scenario: &Self| {
            scenario.as_str() == name
                || name == "wide" && scenario.width() == Width::Wide
                || name == "tail" && scenario.is_about_the_tail()
        };
        Self::ALL.into_iter().filter(is_meant).collect()
    }

    /// How many columns its tables have.
    pub(crate) fn width(self) -> Width {
        match self {
            Self::WideAppendRows
            | Self::WideAppendBatches
            | Self::WideScanRows
            | Self::WideScanBatches => Width::Wide,
            _ => Width::Narrow,
        }
    }

    /// With which compression its tables are measured: where much is written to or read from a log, without and with the one that tables have by default.
    pub(crate) fn compressions(self) -> &'static [Compression] {
        match self {
            Self::AppendRows
            | Self::AppendBatches
            | Self::ScanRows1
            | Self::ScanRows3
            | Self::ScanBatches
            | Self::WideAppendRows
            | Self::WideAppendBatches
            | Self::WideScanRows
            | Self::WideScanBatches => &Compression::ALL,
            _ => &[Compression::None],
        }
    }

    /// Whether it is the time of one operation that counts, not how many there are in a second.
    pub(crate) fn is_about_latency(self) -> bool {
        matches!(
            self,
            Self::Lookup1 | Self::Ack | Self::AckLinger0 | Self::Connect
        ) || self.is_about_the_tail()
    }

    /// Most operations, where `rows` are appended.
    pub(crate) fn operations(self, rows: u64) -> u64 {
        match self {
            Self::AppendRows
            | Self::AppendBatches
            | Self::ScanRows1
            | Self::ScanRows3
            | Self::ScanBatches => rows,
            Self::WideAppendRows
            | Self::WideAppendBatches
            | Self::WideScanRows
            | Self::WideScanBatches => self.width().rows_for(rows),
            Self::Upsert => rows / 4,
            // The time ends them.
            Self::Lookup1 | Self::Lookup64 | Self::Lookup1024 => 100_000_000,
            Self::Ack | Self::AckLinger0 => 2_000,
            Self::Connect => 20,
            Self::Tail2
            | Self::Tail20
            | Self::Tail200
            | Self::TailBatches
            | Self::TailChangelog
            | Self::TailFirst
            | Self::Idle => 1,
        }
    }

    /// The smaller number of operations of which instructions are counted.
    pub(crate) fn counted_operations(self) -> u64 {
        match self {
            Self::AppendRows | Self::Upsert => 100_000,
            Self::WideAppendRows => 10_000,
            Self::WideAppendBatches | Self::WideScanRows | Self::WideScanBatches => 40_000,
            Self::AppendBatches | Self::ScanRows1 | Self::ScanRows3 | Self::ScanBatches => 400_000,
            Self::Lookup64 => 6_400,
            Self::Lookup1024 => 40_960,
            Self::Lookup1 | Self::Ack | Self::AckLinger0 => 100,
            Self::Connect => 10,
            Self::Tail2
            | Self::Tail20
            | Self::Tail200
            | Self::TailBatches
            | Self::TailChangelog
            | Self::TailFirst
            | Self::Idle => 1,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) step: Step,
    pub(crate) scenario: Scenario,
    pub(crate) contender: Name,
    pub(crate) compression: Compression,
    /// The cluster, `host:port`.
    pub(crate) address: String,
    /// Table to write or read; the one to warm up with has the same name and `_warm`.
    pub(crate) table: String,
    /// Rows of a filled log table; a wide row counts as ten.
    pub(crate) rows: u64,
    /// Most operations to measure.
    pub(crate) count: u64,
    /// Longest time of lookups and awaited appends; how long is waited where that is measured.
    pub(crate) seconds: f64,
    /// Buckets of a silent table.
    pub(crate) buckets: i32,
    /// Whether to check what was written and read.
    pub(crate) check: bool,
    /// Process of the tablet server.
    pub(crate) server: Option<u32>,
}

/// Scenarios that read have their table filled by another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    Fill,
    Measure,
    Drop,
}

impl Job {
    fn warm_table(&self) -> String {
        format!("{}_warm", self.table)
    }

    fn warm_up_rows(&self) -> u64 {
        self.scenario.width().rows_for(WARM_UP_ROWS)
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    fn meter(&self) -> Meter {
        Meter::new(self.server)
    }
}

/// What one child measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) operations: u64,
    pub(crate) cost: crate::harness::Cost,
    pub(crate) peak_mib: f64,
    pub(crate) threads: u64,
    pub(crate) latency: Option<Latency>,
}

impl Measurement {
    /// To be made before anything is checked, which takes memory too.
    fn of(meter: &Meter, operations: u64, times: Option<&Times>) -> Result<Self> {
        let (peak_mib, threads) = peak_and_threads()?;
        Ok(Self {
            operations,
            cost: meter.cost(),
            peak_mib,
            threads,
            latency: times.and_then(Times::latency),
        })
    }
}

/// Does a job. `None`: the client does not offer it.
pub(crate) async fn perform(job: &Job) -> Result<Option<Measurement>> {
    match job.contender {
        Name::Ours => perform_with::<Ours>(job).await,
        Name::Peer => perform_with::<Peer>(job).await,
    }
}

async fn perform_with<C: Contender + Follow>(job: &Job) -> Result<Option<Measurement>> {
    match (job.step, job.scenario.source()) {
        (Step::Fill, Some(Source::Log(buckets, _))) => scan::fill::<C>(job, buckets).await,
        (Step::Fill, Some(Source::Silence)) => tail::fill::<C>(job).await,
        (Step::Fill, _) => lookup::fill::<C>(job).await,
        (Step::Drop, _) => {
            let client = C::connect(&job.address, Linger::Default).await?;
            drop_tables(&client, job).await?;
            Ok(None)
        }
        (Step::Measure, _) => match job.scenario {
            Scenario::AppendRows | Scenario::WideAppendRows => append::rows::<C>(job).await,
            Scenario::AppendBatches | Scenario::WideAppendBatches => {
                append::batches::<C>(job).await
            }
            Scenario::Ack => append::awaited::<C>(job, Linger::Default).await,
            Scenario::AckLinger0 => append::awaited::<C>(job, Linger::Zero).await,
            Scenario::ScanRows1 | Scenario::WideScanRows => scan::rows::<C>(job, 1).await,
            Scenario::ScanRows3 => scan::rows::<C>(job, 3).await,
            Scenario::ScanBatches | Scenario::WideScanBatches => scan::batches::<C>(job, 1).await,
            Scenario::Upsert => upsert::rows::<C>(job).await,
            Scenario::Lookup1 => lookup::random::<C>(job, 1).await,
            Scenario::Lookup64 => lookup::random::<C>(job, 64).await,
            Scenario::Lookup1024 => lookup::random::<C>(job, 1024).await,
            Scenario::Connect => connect::first_metadata::<C>(job).await,
            Scenario::Tail2 => tail::rows::<C>(job, 2.0, Reading::Rows).await,
            Scenario::Tail20 => tail::rows::<C>(job, 20.0, Reading::Rows).await,
            Scenario::Tail200 => tail::rows::<C>(job, 200.0, Reading::Rows).await,
            Scenario::TailBatches => tail::rows::<C>(job, 20.0, Reading::Batches).await,
            Scenario::TailChangelog => tail::rows::<C>(job, 20.0, Reading::Changelog).await,
            Scenario::TailFirst => tail::first::<C>(job).await,
            Scenario::Idle => tail::idle::<C>(job).await,
        },
    }
}

/// Makes the table of the job and the one to warm up with, and waits until they can be used.
async fn create_tables<C: Contender>(client: &C, job: &Job, shape: Shape) -> Result<()> {
    for table in [&job.warm_table(), &job.table] {
        client.create_table(table, shape).await?;
        let end = Instant::now() + Duration::from_secs(20);
        while let Err(error) = client.ends(table, 0..shape.buckets).await {
            if Instant::now() > end {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

async fn drop_tables<C: Contender>(client: &C, job: &Job) -> Result<()> {
    client.drop_table(&job.warm_table()).await?;
    client.drop_table(&job.table).await
}

/// Keys that a primary-key table holds when it was filled for lookups: each was written once.
const FILLED_KEYS: u64 = KEYS;
