//! How soon a new row is seen by a reader at the end of the log, and what it costs to wait for it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Job, Measurement, create_tables, drop_tables};
use crate::{
    Result,
    contender::{Compression, Contender, Follow, Linger, Reading, Shape},
    harness::{Meter, Times},
    workload::{BUCKETS, Rows, Width},
};

/// Rows before those that are measured.
const WARM_UP: u64 = 10;
/// Rows of which each is the first after a silence.
const FIRST_ROWS: f64 = 5.0;
/// Partitions of a silent table.
pub(super) const PARTITIONS: i32 = 16;
/// Longest time until the last row must have been seen.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long silent buckets are left alone before anything is measured.
const SETTLE: Duration = Duration::from_secs(30);

/// Rows that are appended in time, one after the other. Each is known by its number, which is the column `id`.
#[derive(Debug)]
pub(crate) struct Pace {
    pause: Duration,
    count: u64,
    next: u64,
    due: Instant,
    meter: Meter,
    seen: Seen,
}

impl Pace {
    /// The number of the next row, when it is time for it.
    pub(crate) async fn next(&mut self) -> Result<Option<u64>> {
        if self.next == self.count {
            self.meter.stop()?;
            return Ok(None);
        }
        // In no step with anything: a little later each time.
        let swing = self.next.wrapping_mul(0x9E37_79B9) % 64;
        let due = self.due + self.pause.mul_f64(swing as f64 / 640.0);
        tokio::time::sleep_until(due.into()).await;
        self.due += self.pause;
        if self.next == self.seen.warm_up {
            self.meter.start()?;
        }
        self.next += 1;
        self.seen.state().appended.push(Instant::now());
        Ok(Some(self.next - 1))
    }
}

/// When rows were appended, and how many of them were seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Rows that are not measured.
    warm_up: u64,
    state: Arc<Mutex<State>>,
    times: Times,
    over: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct State {
    appended: Vec<Instant>,
    seen: u64,
}

impl Seen {
    fn new(warm_up: u64) -> Result<Self> {
        Ok(Self {
            warm_up,
            state: Arc::default(),
            times: Times::new()?,
            over: Arc::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A reader has a row in its hands.
    pub(crate) fn see(&self, id: i64) {
        let mut state = self.state();
        state.seen += 1;
        if id as u64 >= self.warm_up
            && let Some(at) = state.appended.get(id as usize)
        {
            self.times.record(0, *at);
        }
    }

    /// Whether the reader may stop.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// Rows appended and awaited one by one, so many a second, and read by a scanner of the same connection.
pub(super) async fn rows<C: Contender + Follow>(
    job: &Job,
    rate: f64,
    reading: Reading,
) -> Result<Option<Measurement>> {
    paced::<C>(job, rate, WARM_UP, reading).await
}

async fn paced<C: Contender + Follow>(
    job: &Job,
    rate: f64,
    warm_up: u64,
    reading: Reading,
) -> Result<Option<Measurement>> {
    let client = Arc::new(C::connect(&job.address, Linger::Zero).await?);
    let keyed = reading == Reading::Changelog;
    let shape = Shape {
        buckets: BUCKETS,
        keyed,
        width: Width::Narrow,
        compression: Compression::None,
    };
    create_tables(&*client, job, shape).await?;
    let seen = Seen::new(warm_up)?;
    let reader = {
        let (client, table, seen) = (Arc::clone(&client), job.table.clone(), seen.clone());
        tokio::spawn(async move { client.follow(&table, 0..BUCKETS, reading, &seen).await })
    };
    let count = warm_up + (job.seconds * rate).ceil() as u64;
    let mut pace = Pace {
        pause: Duration::from_secs_f64(1.0 / rate),
        count,
        next: 0,
        due: Instant::now()
            + Duration::from_secs(1).max(
                Duration::from_secs_f64(1.0 / rate).mul_f64(f64::from(u8::from(warm_up == 0))),
            ),
        meter: job.meter(),
        seen: seen.clone(),
    };
    client
        .write_paced(&job.table, keyed, &Rows::new(Width::Narrow), &mut pace)
        .await?;
    let end = Instant::now() + PATIENCE;
    while seen.state().seen < count {
        if Instant::now() > end {
            return Err(format!("{} of {count} rows seen", seen.state().seen).into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    seen.over.store(true, Ordering::Relaxed);
    let measurement = Measurement::of(&pace.meter, seen.times.count(), Some(&seen.times))?;
    reader.await??;
    drop_tables(&*client, job).await?;
    Ok(Some(measurement))
}

/// The first row after a silence as long as the job is to last, [`FIRST_ROWS`] times.
pub(super) async fn first<C: Contender + Follow>(job: &Job) -> Result<Option<Measurement>> {
    let job = Job {
        seconds: job.seconds * FIRST_ROWS,
        ..job.clone()
    };
    paced::<C>(&job, 1.0 / (job.seconds / FIRST_ROWS), 0, Reading::Rows).await
}

/// Makes a table of many buckets.
pub(super) async fn fill<C: Contender + Follow>(job: &Job) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    client
        .create_partitioned(&job.table, PARTITIONS, job.buckets / PARTITIONS)
        .await?;
    Ok(None)
}

/// A scanner of many buckets, into which nothing is written.
pub(super) async fn idle<C: Contender + Follow>(job: &Job) -> Result<Option<Measurement>> {
    let client = Arc::new(C::connect(&job.address, Linger::Default).await?);
    let seen = Seen::new(0)?;
    let reader = {
        let (client, table, seen) = (Arc::clone(&client), job.table.clone(), seen.clone());
        let buckets = 0..job.buckets / PARTITIONS;
        tokio::spawn(async move { client.follow_partitions(&table, buckets, &seen).await })
    };
    tokio::time::sleep(SETTLE).await;
    let mut meter = job.meter();
    meter.start()?;
    tokio::time::sleep(job.time()).await;
    meter.stop()?;
    let measurement = Measurement::of(&meter, 1, None)?;
    seen.over.store(true, Ordering::Relaxed);
    reader.await??;
    Ok(Some(measurement))
}
