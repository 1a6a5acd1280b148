//! How a key row becomes key bytes and a bucket.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fluss_metadata::text::Count;
use fluss_metadata::{TableBucket, TableInfo};
use fluss_row::InternalRow;
use fluss_row::key::{KeyEncoding, TableKeys};

use super::lane_cache::LaneCache;
use super::target::{LookupKind, LookupTarget, RoutedKey};
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
    lanes: LaneCache,
    /// The columns of a key row, in order.
    columns: Vec<String>,
    keys: TableKeys,
    /// How many columns name the partition.
    partition_keys: usize,
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
        };
        Self {
            target: Arc::new(target),
            lanes: LaneCache::default(),
            columns,
            keys,
            partition_keys: info.partition_keys().len(),
        }
    }

    pub(super) fn target(&self) -> &Arc<LookupTarget> {
        &self.target
    }

    pub(super) fn lanes(&self) -> &LaneCache {
        &self.lanes
    }

    /// The key of a key row with its bucket; `None` if its partition does not exist.
    pub(super) async fn resolve<R: InternalRow + ?Sized>(
        &self,
        context: &Context,
        row: &R,
    ) -> Result<Option<RoutedKey>> {
        let (key, mut bucket) = self.encode(row)?;
        let (path, table) = (&self.target.path, self.target.table_id);
        let Some(names) = self.keys.partition() else {
            let bucket = TableBucket::new(table, bucket);
            return Ok(Some(RoutedKey {
                bucket,
                partition: None,
                key,
            }));
        };
        let name = names.name(row)?;
        if !could_exist(&name, self.partition_keys) {
            return Ok(None);
        }
        let found = context.cluster.partition_of(path, table, &name).await?;
        let Some(id) = found else { return Ok(None) };
        // A partition may have another number of buckets than the table.
        let count = context.cluster.view().bucket_count(table, Some(id));
        if let Some(count) = count.filter(|count| *count != self.target.bucket_count) {
            let mut scratch = Vec::new();
            let rehashed = self.keys.bucket_of(row, &key, &mut scratch, count)?;
            bucket = rehashed.unwrap_or(bucket);
        }
        Ok(Some(RoutedKey {
            bucket: TableBucket::new_with_partition(table, Some(id), bucket),
            partition: Some(Arc::from(name)),
            key,
        }))
    }

    /// The key bytes of a key row, and the bucket that they are hashed to by the table's number of buckets.
    fn encode<R: InternalRow + ?Sized>(&self, row: &R) -> Result<(Bytes, i32)> {
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
        let bucket = self.keys.bucket(row, &key, &mut scratch)?;
        let bucket = bucket.ok_or_else(|| Error::usage("the table has no bucket key"))?;
        Ok((key, bucket))
    }
}

/// Whether a server allows a partition of this name: as many values as there are keys, each a name, joined by `$`. Servers are not asked
/// for others, as some answer with a failure of their own.
fn could_exist(name: &str, keys: usize) -> bool {
    let is_name = |value: &str| {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        (1..=MAX_VALUE_LENGTH).contains(&value.len()) && value.bytes().all(legal)
    };
    name.split('$').count() == keys && name.split('$').all(is_name)
}

/// Rows that the server inserts have only the key.
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
