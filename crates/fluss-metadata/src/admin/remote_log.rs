//! Tiered logs, as listed by the cluster. Since release 1.0.

use super::record::record;
use crate::ids::TableBucket;

record! {
    /// The location of the manifest of a bucket's tiered log.
    #[derive(Debug, Clone, PartialEq, Eq)]
    RemoteLogManifestEntry {
        /// The bucket.
        bucket: TableBucket,
        /// The file, which you can read with [`RemoteLogManifest`](crate::RemoteLogManifest).
        manifest_path: String as [&str],
        /// The offset after the last tiered one.
        end_offset: i64,
    }
}
