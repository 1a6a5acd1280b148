//! `fluss-rs` 1.0.0, the official client.

use std::{ops::Range, time::Instant};

use arrow_array::RecordBatch;
use peer::{
    client::{EARLIEST_OFFSET, FlussConnection, Lookuper},
    config::Config,
    metadata::{DataTypes, Schema, TableDescriptor, TablePath},
    row::{DataGetters, GenericRow},
    rpc::message::OffsetSpec,
};

use super::{
    Bound, COMPRESSION, Contender, DATABASE, Linger, LookupWork, POLL, Patience, Shape, run_tasks,
};
use crate::{
    Result,
    harness::{Meter, Times},
    workload::{COLUMNS, KEYS, Rows, Totals, Width},
};

/// A connection of the official client.
pub(crate) struct Peer {
    pub(super) connection: FlussConnection,
}

pub(super) fn path(table: &str) -> TablePath {
    TablePath::new(DATABASE, table)
}

/// Sets the fields of row `i` under the key `id`.
#[inline]
pub(super) fn fill<'a>(row: &mut GenericRow<'a>, rows: &'a Rows, id: u64, i: u64) {
    row.set_field(0, id as i64);
    row.set_field(1, Rows::number(i));
    row.set_field(2, Rows::half(i));
    row.set_field(3, rows.text(i));
}

/// Sets the fields of the wide row `i`: those of the rows that it stands for, one beside the other.
#[inline]
fn fill_wide<'a>(row: &mut GenericRow<'a>, rows: &'a Rows, i: u64) {
    for (group, i) in Width::Wide.rows_of(i).enumerate() {
        let first = group * COLUMNS.len();
        row.set_field(first, i as i64);
        row.set_field(first + 1, Rows::number(i));
        row.set_field(first + 2, Rows::half(i));
        row.set_field(first + 3, rows.text(i));
    }
}

impl Contender for Peer {
    async fn connect(address: &str, linger: Linger) -> Result<Self> {
        let mut config = Config {
            bootstrap_servers: address.to_owned(),
            ..Config::default()
        };
        if linger == Linger::Zero {
            config.writer_batch_timeout_ms = 0;
        }
        let connection = FlussConnection::new(config).await?;
        Ok(Self { connection })
    }

    async fn create_table(&self, table: &str, shape: Shape) -> Result<()> {
        let mut schema = Schema::builder();
        for (position, name) in shape.width.columns().into_iter().enumerate() {
            let data_type = match position % COLUMNS.len() {
                0 => DataTypes::bigint(),
                1 => DataTypes::int(),
                2 => DataTypes::double(),
                _ => DataTypes::string(),
            };
            schema = schema.column(&name, data_type);
        }
        if shape.keyed {
            schema = schema.primary_key(vec![COLUMNS[0]])?;
        }
        let descriptor = TableDescriptor::builder()
            .schema(schema.build()?)
            .distributed_by(Some(shape.buckets), Vec::new())
            .property(COMPRESSION, shape.compression.as_str())
            .build()?;
        let admin = self.connection.get_admin()?;
        admin.create_database(DATABASE, None, true).await?;
        Ok(admin.create_table(&path(table), &descriptor, false).await?)
    }

    async fn drop_table(&self, table: &str) -> Result<()> {
        Ok(self
            .connection
            .get_admin()?
            .drop_table(&path(table), true)
            .await?)
    }

    async fn open_table(&self, table: &str) -> Result<()> {
        self.connection.get_table(&path(table)).await?;
        Ok(())
    }

    async fn append_rows(
        &self,
        table: &str,
        rows: &Rows,
        count: u64,
        meter: &mut Meter,
    ) -> Result<()> {
        let table = self.connection.get_table(&path(table)).await?;
        let writer = table.new_append()?.create_writer()?;
        let mut row = GenericRow::new(rows.width().columns().len());
        meter.start()?;
        match rows.width() {
            Width::Narrow => {
                for i in 0..count {
                    fill(&mut row, rows, i, i);
                    drop(writer.append(&row)?);
                }
            }
            Width::Wide => {
                for i in 0..count {
                    fill_wide(&mut row, rows, i);
                    drop(writer.append(&row)?);
                }
            }
        }
        writer.flush().await?;
        meter.stop()
    }

    async fn append_batches(
        &self,
        table: &str,
        batches: &[RecordBatch],
        count: u64,
        meter: &mut Meter,
    ) -> Result<Option<()>> {
        let table = self.connection.get_table(&path(table)).await?;
        let writer = table.new_append()?.create_writer()?;
        meter.start()?;
        for batch in batches.iter().cycle().take(count as usize) {
            drop(writer.append_arrow_batch(batch.clone())?);
        }
        writer.flush().await?;
        meter.stop()?;
        Ok(Some(()))
    }

    async fn append_awaited(
        &self,
        table: &str,
        rows: &Rows,
        bound: Bound,
        times: &Times,
        meter: &mut Meter,
    ) -> Result<()> {
        let table = self.connection.get_table(&path(table)).await?;
        let writer = table.new_append()?.create_writer()?;
        let mut row = GenericRow::new(COLUMNS.len());
        meter.start()?;
        for i in bound.rows() {
            fill(&mut row, rows, i, i);
            let started = Instant::now();
            writer.append(&row)?.await?;
            times.record(0, started);
        }
        meter.stop()
    }

    async fn upsert_rows(
        &self,
        table: &str,
        rows: &Rows,
        count: u64,
        meter: &mut Meter,
    ) -> Result<()> {
        let table = self.connection.get_table(&path(table)).await?;
        let writer = table.new_upsert()?.create_writer()?;
        let mut row = GenericRow::new(COLUMNS.len());
        meter.start()?;
        for i in 0..count {
            fill(&mut row, rows, i % KEYS, i);
            drop(writer.upsert(&row)?);
        }
        writer.flush().await?;
        meter.stop()
    }

    async fn look_up(&self, table: &str, work: &LookupWork, meter: &mut Meter) -> Result<()> {
        let table = self.connection.get_table(&path(table)).await?;
        let mut lookupers = Vec::new();
        for _ in 0..work.in_flight {
            lookupers.push(table.new_lookup()?.create_lookuper()?);
        }
        meter.start()?;
        let tasks = (0..)
            .zip(lookupers)
            .map(|(task, lookuper)| look_up_in_turn(lookuper, work.clone(), task));
        run_tasks(tasks.collect()).await?;
        meter.stop()
    }

    async fn ends(&self, table: &str, buckets: Range<i32>) -> Result<Vec<i64>> {
        // The official client asks the leader that it knows, and knows none before a table was opened.
        let path = path(table);
        self.connection.get_table(&path).await?;
        let buckets: Vec<i32> = buckets.collect();
        let admin = self.connection.get_admin()?;
        let ends = admin
            .list_offsets(&path, &buckets, OffsetSpec::Latest)
            .await?;
        Ok(buckets
            .iter()
            .filter_map(|bucket| ends.get(bucket).copied())
            .collect())
    }

    async fn scan_rows(
        &self,
        table: &str,
        buckets: Range<i32>,
        width: Width,
        count: u64,
        meter: &mut Meter,
    ) -> Result<Totals> {
        let table = self.connection.get_table(&path(table)).await?;
        let scanner = table.new_scan().create_log_scanner()?;
        let mut totals = Totals::default();
        let patience = Patience::for_rows(count);
        meter.start()?;
        for bucket in buckets {
            scanner.subscribe(bucket, EARLIEST_OFFSET).await?;
        }
        while patience.wants_more(totals.rows)? {
            let records = scanner.poll(POLL).await?;
            for records in records.records_by_buckets().values() {
                if width == Width::Wide {
                    for record in records {
                        let row = record.row();
                        totals.rows += 1;
                        for first in (0..Width::GROUPS).map(|group| group * COLUMNS.len()) {
                            totals.add_values(
                                row.get_long(first)?,
                                row.get_int(first + 1)?,
                                row.get_double(first + 2)?,
                                row.get_string(first + 3)?,
                            );
                        }
                    }
                    continue;
                }
                for record in records {
                    let row = record.row();
                    totals.add(
                        row.get_long(0)?,
                        row.get_int(1)?,
                        row.get_double(2)?,
                        row.get_string(3)?,
                    );
                }
            }
        }
        meter.stop()?;
        Ok(totals)
    }

    async fn scan_batches(
        &self,
        table: &str,
        buckets: Range<i32>,
        width: Width,
        count: u64,
        meter: &mut Meter,
    ) -> Result<Totals> {
        let table = self.connection.get_table(&path(table)).await?;
        let scanner = table.new_scan().create_record_batch_log_scanner()?;
        let mut totals = Totals::default();
        let patience = Patience::for_rows(count);
        meter.start()?;
        for bucket in buckets {
            scanner.subscribe(bucket, EARLIEST_OFFSET).await?;
        }
        while patience.wants_more(totals.rows)? {
            for batch in scanner.poll(POLL).await? {
                totals.add_batch(batch.batch(), width);
            }
        }
        meter.stop()?;
        Ok(totals)
    }
}

/// The other client makes silent tables.
pub(super) async fn create_partitioned(_: &FlussConnection, _: &str, _: i32, _: i32) -> Result<()> {
    Err("not made by this client".into())
}

/// One task's lookups, one after the other.
async fn look_up_in_turn(mut lookuper: Lookuper, work: LookupWork, task: u64) -> Result<()> {
    let mut row = GenericRow::new(1);
    for key in work.keys(task) {
        row.set_field(0, key as i64);
        let started = Instant::now();
        let result = lookuper.lookup(&row).await?;
        work.times.record(task, started);
        match result.get_single_row()? {
            Some(row) => work.check(
                key,
                Some((
                    row.get_long(0)?,
                    row.get_int(1)?,
                    row.get_double(2)?,
                    row.get_string(3)?,
                )),
            )?,
            None => work.check(key, None)?,
        }
    }
    Ok(())
}
