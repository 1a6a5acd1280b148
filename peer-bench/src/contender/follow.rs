//! Reading at the end of a log, with both clients. Their calls have the same names, so that one text does for both.

use std::{collections::HashMap, future::Future, ops::Range, time::Duration};

use super::{Ours, Peer};
use crate::{
    Result,
    scenario::{Pace, Seen},
    workload::{COLUMNS, Rows},
};

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Rows of a log table.
    Rows,
    /// Its Arrow batches.
    Batches,
    /// Rows of the changelog of a primary-key table.
    Changelog,
}

/// Longest time of one `poll`.
const POLL: Duration = Duration::from_millis(500);

/// Reading at the end of a log, and writing to it in time.
pub(crate) trait Follow: Send + Sync + 'static {
    /// Appends or upserts rows when it is time, and awaits each.
    fn write_paced(
        &self,
        table: &str,
        keyed: bool,
        rows: &Rows,
        pace: &mut Pace,
    ) -> impl Future<Output = Result<()>>;

    /// Reads from the start of the buckets until the reader may stop.
    fn follow(
        &self,
        table: &str,
        buckets: Range<i32>,
        reading: Reading,
        seen: &Seen,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Reads the same buckets of all partitions.
    fn follow_partitions(
        &self,
        table: &str,
        buckets: Range<i32>,
        seen: &Seen,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes a table with so many partitions, each with so many buckets.
    fn create_partitioned(
        &self,
        table: &str,
        partitions: i32,
        buckets: i32,
    ) -> impl Future<Output = Result<()>>;
}

macro_rules! follow {
    ($client:ident, $name:ident, admin: |$connection:ident| $admin:expr, id: |$row:ident| $id:expr, partition: |$info:ident| $partition:expr) => {
        impl Follow for $client {
            async fn write_paced(
                &self,
                table: &str,
                keyed: bool,
                rows: &Rows,
                pace: &mut Pace,
            ) -> Result<()> {
                let table = self
                    .connection
                    .get_table(&super::$name::path(table))
                    .await?;
                let mut row = $name::row::GenericRow::new(COLUMNS.len());
                if keyed {
                    let writer = table.new_upsert()?.create_writer()?;
                    while let Some(i) = pace.next().await? {
                        super::$name::fill(&mut row, rows, i, i);
                        writer.upsert(&row)?.await?;
                    }
                } else {
                    let writer = table.new_append()?.create_writer()?;
                    while let Some(i) = pace.next().await? {
                        super::$name::fill(&mut row, rows, i, i);
                        writer.append(&row)?.await?;
                    }
                }
                Ok(())
            }

            async fn follow(
                &self,
                table: &str,
                buckets: Range<i32>,
                reading: Reading,
                seen: &Seen,
            ) -> Result<()> {
                let table = self
                    .connection
                    .get_table(&super::$name::path(table))
                    .await?;
                let start = $name::client::EARLIEST_OFFSET;
                let offsets: HashMap<i32, i64> = buckets.map(|bucket| (bucket, start)).collect();
                if reading == Reading::Batches {
                    let scanner = table.new_scan().create_record_batch_log_scanner()?;
                    scanner.subscribe_buckets(&offsets).await?;
                    while !seen.is_over() {
                        for batch in scanner.poll(POLL).await? {
                            let ids = batch.batch().column(0);
                            let ids = arrow_array::cast::AsArray::as_primitive::<
                                arrow_array::types::Int64Type,
                            >(ids);
                            ids.values().iter().for_each(|id| seen.see(*id));
                        }
                    }
                    return Ok(());
                }
                let scanner = table.new_scan().create_log_scanner()?;
                scanner.subscribe_buckets(&offsets).await?;
                while !seen.is_over() {
                    let records = scanner.poll(POLL).await?;
                    for records in records.records_by_buckets().values() {
                        for record in records {
                            let $row = record.row();
                            seen.see($id);
                        }
                    }
                }
                Ok(())
            }

            async fn follow_partitions(
                &self,
                table: &str,
                buckets: Range<i32>,
                seen: &Seen,
            ) -> Result<()> {
                let path = super::$name::path(table);
                let table = self.connection.get_table(&path).await?;
                let $connection = &self.connection;
                let partitions = $admin.list_partition_infos(&path).await?;
                let mut offsets = HashMap::new();
                for $info in &partitions {
                    for bucket in buckets.clone() {
                        let start = $name::client::EARLIEST_OFFSET;
                        offsets.insert(($partition, bucket), start);
                    }
                }
                let scanner = table.new_scan().create_log_scanner()?;
                scanner.subscribe_partition_buckets(&offsets).await?;
                while !seen.is_over() {
                    for _ in scanner.poll(POLL).await?.records_by_buckets() {
                        return Err("there is a row in a silent table".into());
                    }
                }
                Ok(())
            }

            async fn create_partitioned(
                &self,
                table: &str,
                partitions: i32,
                buckets: i32,
            ) -> Result<()> {
                super::$name::create_partitioned(&self.connection, table, partitions, buckets).await
            }
        }
    };
}

follow!(Ours, ours, admin: |connection| connection.get_admin().await?, id: |row| row.get_long(0), partition: |info| info.partition_id());
follow!(Peer, peer, admin: |connection| connection.get_admin()?, id: |row| peer::row::DataGetters::get_long(row, 0)?, partition: |info| info.get_partition_id());
