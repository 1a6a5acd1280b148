//! Scans of a log table from its start.

use super::{Job, Measurement, WARM_UP_ROWS, create_tables};
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
        },
    )
    .await?;
    let rows = Rows::new();
    client
        .append_rows(&job.warm_table(), &rows, WARM_UP_ROWS, &mut job.meter())
        .await?;
    client
        .append_rows(&job.table, &rows, job.rows, &mut job.meter())
        .await?;
    Ok(None)
}

/// Row by row, all columns read.
pub(super) async fn rows<C: Contender>(job: &Job, buckets: i32) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    let mut meter = job.meter();
    client
        .scan_rows(&job.warm_table(), 0..buckets, WARM_UP_ROWS, &mut meter)
        .await?;
    let totals = client
        .scan_rows(&job.table, 0..buckets, job.count, &mut meter)
        .await?;
    let measurement = Measurement::of(&meter, totals.rows, None)?;
    if job.check {
        totals.expect(&Rows::new().totals(job.count))?;
    }
    Ok(Some(measurement))
}

/// In Arrow batches, all columns read.
pub(super) async fn batches<C: Contender>(job: &Job, buckets: i32) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    let mut meter = job.meter();
    client
        .scan_batches(&job.warm_table(), 0..buckets, WARM_UP_ROWS, &mut meter)
        .await?;
    let totals = client
        .scan_batches(&job.table, 0..buckets, job.count, &mut meter)
        .await?;
    let measurement = Measurement::of(&meter, totals.rows, None)?;
    if job.check {
        totals.expect(&Rows::new().totals(job.count))?;
    }
    Ok(Some(measurement))
}
