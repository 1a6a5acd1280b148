//! What a subscription names: a bucket, and where to start.

use std::fmt;

use fluss_metadata::{OffsetSpec, PartitionId, TableBucket, TableId};

use super::scanner::Scanner;
use crate::engine::scan::StartOffset as Start;
use crate::error::{Error, Result};

/// Where a subscription starts. Created from an offset, [`EARLIEST_OFFSET`](crate::EARLIEST_OFFSET),
/// [`LATEST_OFFSET`](crate::LATEST_OFFSET) or an [`OffsetSpec`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StartOffset(Place);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Offset(i64),
    Spec(OffsetSpec),
}

impl StartOffset {
    fn resolve(self) -> Result<Start> {
        match self.0 {
            Place::Offset(offset) => Start::from_offset(offset),
            Place::Spec(spec) => Ok(spec.into()),
        }
    }
}

impl From<i64> for StartOffset {
    fn from(offset: i64) -> Self {
        Self(Place::Offset(offset))
    }
}

impl From<&i64> for StartOffset {
    fn from(offset: &i64) -> Self {
        Self::from(*offset)
    }
}

impl From<OffsetSpec> for StartOffset {
    fn from(spec: OffsetSpec) -> Self {
        Self(Place::Spec(spec))
    }
}

impl From<&OffsetSpec> for StartOffset {
    fn from(spec: &OffsetSpec) -> Self {
        Self::from(*spec)
    }
}

impl fmt::Debug for StartOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Place::Offset(offset) => offset.fmt(f),
            Place::Spec(spec) => spec.fmt(f),
        }
    }
}

/// A bucket of the table that a scanner reads: a [`TableBucket`]; the number of a bucket of a table without partitions;
/// or the id of a partition with the number of a bucket. References to these are accepted, too.
///
/// This trait cannot be implemented outside of this crate.
pub trait ScanBucket: sealed::Sealed {}

mod sealed {
    use super::Parts;

    pub trait Sealed {
        fn parts(&self) -> Parts;
    }
}

/// The table, if it is named, the partition and the number of the bucket.
#[derive(Debug, Clone, Copy)]
pub struct Parts(Option<TableId>, Option<PartitionId>, i32);

impl ScanBucket for i32 {}
impl sealed::Sealed for i32 {
    fn parts(&self) -> Parts {
        Parts(None, None, *self)
    }
}

impl ScanBucket for (PartitionId, i32) {}
impl sealed::Sealed for (PartitionId, i32) {
    fn parts(&self) -> Parts {
        Parts(None, Some(self.0), self.1)
    }
}

impl ScanBucket for TableBucket {}
impl sealed::Sealed for TableBucket {
    fn parts(&self) -> Parts {
        let table = self.table_id();
        Parts(Some(table), self.partition_id(), self.bucket_id())
    }
}

impl<T: ScanBucket> ScanBucket for &T {}
impl<T: ScanBucket> sealed::Sealed for &T {
    fn parts(&self) -> Parts {
        (**self).parts()
    }
}

/// A subscription that was not checked yet.
pub(super) struct Wanted(Parts, StartOffset);

impl Wanted {
    pub(super) fn new(bucket: impl ScanBucket, start: impl Into<StartOffset>) -> Self {
        Self(bucket.parts(), start.into())
    }
}

impl Scanner {
    /// Checks and starts subscriptions, all or none.
    pub(super) fn subscribe_all(&self, wanted: impl IntoIterator<Item = Wanted>) -> Result<()> {
        let checked = wanted
            .into_iter()
            .map(|Wanted(parts, start)| {
                let Parts(_, partition, bucket) = self.own(parts)?;
                Ok((partition, bucket, start.resolve()))
            })
            .collect::<Result<Vec<_>>>()
            .map_err(|error| self.shared.error(error).during("subscribe"))?;
        self.subscribe_from(checked)
    }

    pub(super) fn unsubscribe_one(&self, bucket: impl ScanBucket) -> Result<()> {
        let Parts(_, partition, bucket) = self
            .own(bucket.parts())
            .map_err(|error| self.shared.error(error).during("unsubscribe"))?;
        self.unsubscribe(partition, bucket)
    }

    /// Refuses a bucket of another table.
    fn own(&self, parts: Parts) -> Result<Parts> {
        let own = self.projection().table().table_id();
        match parts.0 {
            Some(other) if other != own => Err(Error::usage(format!(
                "the bucket is of table {other}, this is table {own}"
            ))),
            _ => Ok(parts),
        }
    }
}
