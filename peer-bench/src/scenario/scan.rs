//! Scans of a log table from its start.

use super::{Job, Measurement, create_tables};
use crate::{
    Result,
    contender::{Contender, Linger, Shape},
    workload::Rows,
};

/// Writes the table that all contenders read.
pub(super) async fn fill<C: Contender>(job: &Job, buckets: i32) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    create_tables(
        &client,
        job,
        Shape {
            buckets,
            keyed: false,
            width: job.scenario.width(),
            compression: job.compression,
        },
    )
    .await?;
    let rows = Rows::new(job.scenario.width());
    client
        .append_rows(
            &job.warm_table(),
            &rows,
            job.warm_up_rows(),
            &mut job.meter(),
        )
        .await?;
    client
        .append_rows(
            &job.table,
            &rows,
            rows.width().rows_for(job.rows),
            &mut job.meter(),
        )
        .await?;
    Ok(None)
}

/// Row by row, all columns read.
pub(super) async fn rows<C: Contender>(job: &Job, buckets: i32) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    let mut meter = job.meter();
    let width = job.scenario.width();
    client
        .scan_rows(
            &job.warm_table(),
            0..buckets,
            width,
            job.warm_up_rows(),
            &mut meter,
        )
        .await?;
    let totals = client
        .scan_rows(&job.table, 0..buckets, width, job.count, &mut meter)
        .await?;
    let measurement = Measurement::of(&meter, totals.rows, None)?;
    if job.check {
        totals.expect(&Rows::new(job.scenario.width()).totals(job.count))?;
    }
    Ok(Some(measurement))
}

/// In Arrow batches, all columns read.
pub(super) async fn batches<C: Contender>(job: &Job, buckets: i32) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    let mut meter = job.meter();
    let width = job.scenario.width();
    client
        .scan_batches(
            &job.warm_table(),
            0..buckets,
            width,
            job.warm_up_rows(),
            &mut meter,
        )
        .await?;
    let totals = client
        .scan_batches(&job.table, 0..buckets, width, job.count, &mut meter)
        .await?;
    let measurement = Measurement::of(&meter, totals.rows, None)?;
    if job.check {
        totals.expect(&Rows::new(job.scenario.width()).totals(job.count))?;
    }
    Ok(Some(measurement))
}
