//! Appends to a log table.

use super::{Job, Measurement, create_tables, drop_tables};
use crate::{
    Result,
    contender::{Bound, Contender, Linger, Shape},
    harness::Times,
    workload::{BUCKETS, Rows, Totals},
};

/// Awaited appends before those that are measured.
const WARM_UP_ACKS: u64 = 10;

fn shape(job: &Job) -> Shape {
    Shape {
        buckets: BUCKETS,
        keyed: false,
        width: job.scenario.width(),
        compression: job.compression,
    }
}

/// Rows by one producer, fire and forget, then flush.
pub(super) async fn rows<C: Contender>(job: &Job) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    create_tables(&client, job, shape(job)).await?;
    let rows = Rows::new(job.scenario.width());
    let mut meter = job.meter();
    client
        .append_rows(&job.warm_table(), &rows, job.warm_up_rows(), &mut meter)
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
    create_tables(&client, job, shape(job)).await?;
    let rows = Rows::new(job.scenario.width());
    let batches = rows.batches()?;
    let mut meter = job.meter();
    let batch_rows = rows.width().batch_rows();
    let count = job.count / batch_rows;
    client
        .append_batches(
            &job.warm_table(),
            &batches,
            job.warm_up_rows() / batch_rows,
            &mut meter,
        )
        .await?;
    let offered = client
        .append_batches(&job.table, &batches, count, &mut meter)
        .await?;
    let measurement = Measurement::of(&meter, count * batch_rows, None)?;
    if job.check && offered.is_some() {
        written(&client, job)
            .await?
            .expect(&rows.totals_of_batches(count * batch_rows))?;
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
    create_tables(&client, job, shape(job)).await?;
    let rows = Rows::new(job.scenario.width());
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
            .scan_batches(
                &job.table,
                bucket..bucket + 1,
                job.scenario.width(),
                end as u64,
                &mut job.meter(),
            )
            .await?;
        totals.merge(&read);
    }
    Ok(totals)
}
