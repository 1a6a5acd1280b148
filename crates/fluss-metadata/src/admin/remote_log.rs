//! Tiered logs as the cluster lists them. Since release 1.0.

use super::record::record;
use crate::ids::TableBucket;

record! {
    /// Where the manifest of a bucket's tiered log lies.
    #[derive(Debug, Clone, PartialEq, Eq)]
    RemoteLogManifestEntry {
        /// The bucket.
        bucket: TableBucket,
        /// The file, which [`RemoteLogManifest`](crate::RemoteLogManifest) reads.
        manifest_path: String as [&str],
        /// The offset behind the last one that is tiered.
        end_offset: i64,
    }
}
