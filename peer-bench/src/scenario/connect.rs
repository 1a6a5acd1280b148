//! From nothing to the first metadata of a table.

use std::time::Instant;

use super::{Job, Measurement, create_tables, drop_tables};
use crate::{
    Result,
    contender::{Contender, Linger, Shape},
    harness::Times,
    workload::{BUCKETS, Width},
};

/// Connects and opens a table, again and again, one connection at a time.
pub(super) async fn first_metadata<C: Contender>(job: &Job) -> Result<Option<Measurement>> {
    let shape = Shape {
        buckets: BUCKETS,
        keyed: false,
        width: Width::Narrow,
        compression: job.compression,
    };
    let client = C::connect(&job.address, Linger::Default).await?;
    create_tables(&client, job, shape).await?;
    let mut meter = job.meter();
    let times = Times::new()?;
    meter.start()?;
    for _ in 0..job.count {
        let started = Instant::now();
        let client = C::connect(&job.address, Linger::Default).await?;
        client.open_table(&job.table).await?;
        times.record(0, started);
    }
    meter.stop()?;
    let measurement = Measurement::of(&meter, job.count, Some(&times))?;
    drop_tables(&client, job).await?;
    Ok(Some(measurement))
}
