//! How a key row becomes a bucket and key bytes.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fluss_metadata::text::Count;
use fluss_metadata::{PartitionId, TableBucket, TableInfo};
use fluss_row::InternalRow;
use fluss_row::key::{KeyEncoding, TableKeys};

use super::entry::{LookupKind, LookupTarget, RoutedKey};
use super::routes::Routes;
use crate::context::Context;
use crate::error::{Error, Result};

/// Keys are pieces of buffers of this size, so that a key costs no allocation of its own.
const KEY_BUFFER_BYTES: usize = 4096;
/// Longest value of a partition key. Source: `TablePath.java: MAX_NAME_LENGTH`.
const MAX_VALUE_LENGTH: usize = 200;
/// Room for a usual key.
const KEY_BYTES: usize = 32;

thread_local! {
    /// Where the next keys are encoded.
    static KEYS: RefCell<BytesMut> = RefCell::default();
}

/// How the key rows of a lookuper are encoded and routed. Compiled once.
#[derive(Debug)]
pub(crate) struct LookupPlan {
    target: Arc<LookupTarget>,
    /// The columns of a key row, in order.
    columns: Vec<String>,
    keys: TableKeys,
    /// How many columns name the partition.
    partition_keys: usize,
}

/// Where a key is to be looked up, but for the number of its partition.
#[derive(Debug)]
pub(crate) struct Place {
    bucket: i32,
    key: Bytes,
    partition: Option<String>,
}

impl LookupPlan {
    /// For key rows with the columns of the primary key.
    pub(crate) fn by_primary_key(info: &TableInfo, kind: LookupKind) -> Result<Self> {
        if kind == LookupKind::InsertIfNotExists {
            check_insertable(info)?;
        }
        Ok(Self::new(
            info,
            kind,
            info.primary_keys().to_vec(),
            TableKeys::of_lookups(info)?,
        ))
    }

    /// For key rows with the partition columns and the columns of the bucket key.
    pub(crate) fn by_prefix(info: &TableInfo, columns: &[String]) -> Result<Self> {
        let keys = TableKeys::of_prefix_lookups(info, columns)?;
        if keys
            .key()
            .is_some_and(|key| key.encoding() != KeyEncoding::Compacted)
        {
            // The server compares the bytes of the prefix with those of the keys.
            return Err(Error::usage(
                "keys of this table are encoded as in its lake, where the key of a prefix is no prefix of the key",
            ));
        }
        Ok(Self::new(info, LookupKind::Prefix, columns.to_vec(), keys))
    }

    fn new(info: &TableInfo, kind: LookupKind, columns: Vec<String>, keys: TableKeys) -> Self {
        let target = LookupTarget {
            path: info.table_path().clone(),
            table_id: info.table_id(),
            kind,
            bucket_count: info.num_buckets(),
            routes: Routes::default(),
        };
        Self {
            target: Arc::new(target),
            columns,
            keys,
            partition_keys: info.partition_keys().len(),
        }
    }

    pub(crate) fn target(&self) -> &Arc<LookupTarget> {
        &self.target
    }

    /// Encodes a key row, and finds its bucket.
    pub(crate) fn place<R: InternalRow + ?Sized>(&self, row: &R) -> Result<Place> {
        if row.field_count() != self.columns.len() {
            let (expected, columns) = (self.columns.len(), self.columns.join(", "));
            return Err(Error::usage(format!(
                "the key has {}, expected {expected}: {columns}",
                Count(row.field_count(), "column")
            )));
        }
        let encoder = self
            .keys
            .key()
            .ok_or_else(|| Error::usage("the table has no primary key"))?;
        let key = KEYS.with_borrow_mut(|buffer| {
            if buffer.capacity() < KEY_BYTES {
                buffer.reserve(KEY_BUFFER_BYTES);
            }
            encoder
                .encode(row, buffer)
                .map(|()| buffer.split().freeze())
        })?;
        let mut scratch = Vec::new();
        let bucket = self
            .keys
            .bucket(row, &key, &mut scratch)?
            .ok_or_else(|| Error::usage("the table has no bucket key"))?;
        let partition = self
            .keys
            .partition()
            .map(|names| names.name(row))
            .transpose()?;
        Ok(Place {
            bucket,
            key,
            partition,
        })
    }

    /// The number of the partition in which to look; `Ok(None)` if there is no such partition.
    pub(crate) async fn partition(
        &self,
        context: &Context,
        place: &Place,
    ) -> Result<Option<Found>> {
        let Some(name) = &place.partition else {
            return Ok(Some(Found::Table));
        };
        let (path, table) = (&self.target.path, self.target.table_id);
        if !could_exist(name, self.partition_keys) {
            return Ok(None);
        }
        let id = context.cluster.partition_of(path, table, name).await?;
        Ok(id.map(Found::Partition))
    }

    /// The key with its bucket. A partition may have another number of buckets than the table.
    pub(crate) fn route<R: InternalRow + ?Sized>(
        &self,
        context: &Context,
        row: &R,
        place: Place,
        found: Found,
    ) -> Result<RoutedKey> {
        let Place {
            mut bucket,
            key,
            partition,
        } = place;
        let table_id = self.target.table_id;
        let Found::Partition(id) = found else {
            return Ok(RoutedKey {
                bucket: TableBucket::new(table_id, bucket),
                partition: None,
                key,
            });
        };
        let told = context.cluster.view().bucket_count(table_id, Some(id));
        if let Some(count) = told.filter(|count| *count != self.target.bucket_count) {
            let mut scratch = Vec::new();
            bucket = self
                .keys
                .bucket_of(row, &key, &mut scratch, count)?
                .unwrap_or(bucket);
        }
        Ok(RoutedKey {
            bucket: TableBucket::new_with_partition(table_id, Some(id), bucket),
            partition: partition.map(Arc::from),
            key,
        })
    }
}

/// Where a key is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found {
    Table,
    Partition(PartitionId),
}

/// Whether a server lets a partition have this name: as many values as there are keys, each a name, with a `$` between them. Servers are
/// not asked for others, as some of them take what they cannot look for as a failure of their own.
fn could_exist(name: &str, keys: usize) -> bool {
    let is_name = |value: &str| {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        (1..=MAX_VALUE_LENGTH).contains(&value.len()) && value.bytes().all(legal)
    };
    name.split('$').count() == keys && name.split('$').all(is_name)
}

/// Rows that the server makes have the key alone.
fn check_insertable(info: &TableInfo) -> Result<()> {
    let automatic = info.schema().auto_increment_column();
    let refused = info.schema().columns().iter().find(|column| {
        !column.data_type().is_nullable()
            && !info.primary_keys().iter().any(|key| key == column.name())
            && automatic != Some(column.name())
    });
    match refused {
        Some(column) => Err(Error::usage(format!(
            "a row with the key alone has a null in column {:?}, which is NOT NULL",
            column.name()
        ))),
        None => Ok(()),
    }
}
