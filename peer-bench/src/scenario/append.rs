//! Appends to a log table.

use super::{Job, Measurement, WARM_UP_ROWS, create_tables, drop_tables};
use crate::{
    Result,
    contender::{Bound, Contender, Linger, Shape},
    harness::Times,
    workload::{BATCH_ROWS, BUCKETS, Rows, Totals},
};

const SHAPE: Shape = Shape {
    buckets: BUCKETS,
    keyed: false,
};
/// Awaited appends before those that are measured.
const WARM_UP_ACKS: u64 = 10;

/// Rows by one producer, fire and forget, then flush.
pub(super) async fn rows<C: Contender>(job: &Job) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    create_tables(&client, job, SHAPE).await?;
    let rows = Rows::new();
    let mut meter = job.meter();
    client
        .append_rows(&job.warm_table(), &rows, WARM_UP_ROWS, &mut meter)
        .await?;
    client
        .append_rows(&job.table, &rows, job.count, &mut meter)
        .await?;
    let measurement = Measurement::of(&meter, job.count, None)?;
    if job.check {
        written(&client, job)
            .await?
            .expect(&rows.totals(job.count))?;
    }
    drop_tables(&client, job).await?;
    Ok(Some(measurement))
}

/// The same in Arrow batches, made beforehand.
pub(super) async fn batches<C: Contender>(job: &Job) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    create_tables(&client, job, SHAPE).await?;
    let rows = Rows::new();
    let batches = rows.batches()?;
    let mut meter = job.meter();
    let count = job.count / BATCH_ROWS;
    client
        .append_batches(
            &job.warm_table(),
            &batches,
            WARM_UP_ROWS / BATCH_ROWS,
            &mut meter,
        )
        .await?;
    let offered = client
        .append_batches(&job.table, &batches, count, &mut meter)
        .await?;
    let measurement = Measurement::of(&meter, count * BATCH_ROWS, None)?;
    if job.check && offered.is_some() {
        written(&client, job)
            .await?
            .expect(&rows.totals_of_batches(count * BATCH_ROWS))?;
    }
    drop_tables(&client, job).await?;
    Ok(offered.map(|()| measurement))
}

/// One row at a time, each awaited.
pub(super) async fn awaited<C: Contender>(
    job: &Job,
    linger: Linger,
) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, linger).await?;
    create_tables(&client, job, SHAPE).await?;
    let rows = Rows::new();
    let mut meter = job.meter();
    let warm_up = Bound {
        count: WARM_UP_ACKS,
        time: job.time(),
    };
    client
        .append_awaited(
            &job.warm_table(),
            &rows,
            warm_up,
            &Times::new()?,
            &mut meter,
        )
        .await?;
    let bound = Bound {
        count: job.count,
        time: job.time(),
    };
    let times = Times::new()?;
    client
        .append_awaited(&job.table, &rows, bound, &times, &mut meter)
        .await?;
    let done = times.count();
    let measurement = Measurement::of(&meter, done, Some(&times))?;
    if job.check {
        written(&client, job).await?.expect(&rows.totals(done))?;
    }
    drop_tables(&client, job).await?;
    Ok(Some(measurement))
}

/// What the table holds, read bucket by bucket.
async fn written<C: Contender>(client: &C, job: &Job) -> Result<Totals> {
    let ends = client.ends(&job.table, 0..BUCKETS).await?;
    let mut totals = Totals::default();
    for (bucket, end) in (0..).zip(ends) {
        let read = client
            .scan_batches(&job.table, bucket..bucket + 1, end as u64, &mut job.meter())
            .await?;
        totals.merge(&read);
    }
    Ok(totals)
}
