//! Upserts to a primary-key table.

use super::{Job, Measurement, create_tables, drop_tables};
use crate::{
    Result,
    contender::{Bound, Contender, Linger, LookupWork, Shape},
    harness::Times,
    workload::{BUCKETS, Rows, Width},
};

/// Keys looked up afterwards.
const CHECKED_KEYS: u64 = 20_000;

/// Rows by one producer, fire and forget, then flush.
pub(super) async fn rows<C: Contender>(job: &Job) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    let shape = Shape {
        buckets: BUCKETS,
        keyed: true,
        width: Width::Narrow,
        compression: job.compression,
    };
    create_tables(&client, job, shape).await?;
    let rows = Rows::new(Width::Narrow);
    let mut meter = job.meter();
    client
        .upsert_rows(&job.warm_table(), &rows, job.warm_up_rows(), &mut meter)
        .await?;
    client
        .upsert_rows(&job.table, &rows, job.count, &mut meter)
        .await?;
    let measurement = Measurement::of(&meter, job.count, None)?;
    if job.check {
        let work = LookupWork {
            rows,
            upserts: job.count,
            in_flight: 1024,
            bound: Bound {
                count: CHECKED_KEYS,
                time: job.time(),
            },
            times: Times::new()?,
        };
        client.look_up(&job.table, &work, &mut meter).await?;
    }
    drop_tables(&client, job).await?;
    Ok(Some(measurement))
}
