//! Lookups of random keys that exist.

use super::{FILLED_KEYS, Job, Measurement, create_tables};
use crate::{
    Result,
    contender::{Bound, Contender, Linger, LookupWork, Shape},
    harness::Times,
    workload::{BUCKETS, Rows, Width},
};

/// Lookups of each task before those that are measured.
const WARM_UP_LOOKUPS: u64 = 5;

/// Writes the table that this contender looks up. Another one may put keys in other buckets.
pub(super) async fn fill<C: Contender>(job: &Job) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    let shape = Shape {
        buckets: BUCKETS,
        keyed: true,
        width: Width::Narrow,
        compression: job.compression,
    };
    create_tables(&client, job, shape).await?;
    let rows = Rows::new(Width::Narrow);
    for table in [&job.warm_table(), &job.table] {
        client
            .upsert_rows(table, &rows, FILLED_KEYS, &mut job.meter())
            .await?;
    }
    Ok(None)
}

/// `in_flight` tasks, each with one lookup at a time. Each answer is checked.
pub(super) async fn random<C: Contender>(job: &Job, in_flight: u64) -> Result<Option<Measurement>> {
    let client = C::connect(&job.address, Linger::Default).await?;
    let mut meter = job.meter();
    let work = |count, times: &Times| LookupWork {
        rows: Rows::new(Width::Narrow),
        upserts: FILLED_KEYS,
        in_flight,
        bound: Bound {
            count,
            time: job.time(),
        },
        times: times.clone(),
    };
    client
        .look_up(
            &job.warm_table(),
            &work(in_flight * WARM_UP_LOOKUPS, &Times::new()?),
            &mut meter,
        )
        .await?;
    let times = Times::new()?;
    client
        .look_up(&job.table, &work(job.count, &times), &mut meter)
        .await?;
    Ok(Some(Measurement::of(&meter, times.count(), Some(&times))?))
}
