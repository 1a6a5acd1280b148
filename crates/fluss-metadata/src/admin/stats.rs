//! The sizes of tables.

use super::record::record;
use crate::ids::TableBucket;

record! {
    /// The size of a bucket.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    BucketStats {
        /// The bucket.
        bucket: TableBucket,
        /// Its rows, if the server counts them.
        row_count: Option<i64>,
    }
}

record! {
    /// How large a table is.
    #[derive(Debug, Clone, PartialEq, Eq)]
    TableStats {
        /// One entry per bucket.
        buckets: Vec<BucketStats> as [&[BucketStats]],
    }
}

impl TableStats {
    /// Returns all rows; none if the server does not count those of some bucket.
    pub fn row_count(&self) -> Option<i64> {
        self.buckets
            .iter()
            .try_fold(0_i64, |sum, bucket| sum.checked_add(bucket.row_count?))
    }
}
