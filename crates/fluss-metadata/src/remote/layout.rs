//! The locations of the files of tables. Source: `FlussPaths.java`.

use super::FsPath;
use crate::error::{MetadataError, Result};
use crate::ids::{SnapshotId, TableBucket, TableId};
use crate::path::{PhysicalTablePath, TablePath};

/// The tiered files below one remote data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteLayout {
    root: FsPath,
}

/// The name of a log file without its ending: the offset of its first row, in 20 digits.
pub fn file_name_prefix(base_offset: i64) -> String {
    let sign = if base_offset < 0 { "-" } else { "" };
    format!("{sign}{:020}", base_offset.unsigned_abs())
}

fn table_dir(path: &TablePath, table_id: TableId) -> String {
    format!("{}/{}-{table_id}", path.database(), path.table())
}

/// `database/table-id`, followed by `/partition-pid` for a partition.
fn tablet_parent(path: &PhysicalTablePath, bucket: &TableBucket) -> Result<String> {
    let table = table_dir(path.table_path(), bucket.table_id());
    match (path.partition_name(), bucket.partition_id()) {
        (None, _) => Ok(table),
        (Some(name), Some(id)) => Ok(format!("{table}/{name}-p{id}")),
        (Some(name), None) => Err(MetadataError::invalid(
            "bucket",
            "no partition id",
            format!("the id of the partition {name:?}"),
        )),
    }
}

/// Returns where a tablet server stores the log of a bucket, in its data directory.
///
/// # Errors
///
/// Returns an error for a partition if `bucket` has no partition id.
pub fn local_log_dir(
    data_dir: &str,
    path: &PhysicalTablePath,
    bucket: &TableBucket,
) -> Result<String> {
    let parent = tablet_parent(path, bucket)?;
    Ok(format!("{data_dir}/{parent}/log-{}", bucket.bucket_id()))
}

impl RemoteLayout {
    /// Creates the layout below `root`, which is the servers' `remote.data.dir` or the directory that the table names.
    pub fn new(root: FsPath) -> Self {
        Self { root }
    }

    /// Returns the remote data directory.
    pub fn root(&self) -> &FsPath {
        &self.root
    }

    /// Returns the tiered logs.
    pub fn log_dir(&self) -> FsPath {
        self.root.child("log")
    }

    /// Returns the snapshots of primary-key tables.
    pub fn kv_dir(&self) -> FsPath {
        self.root.child("kv")
    }

    /// Returns the tiered log of a bucket.
    ///
    /// # Errors
    ///
    /// Returns an error for a partition if `bucket` has no partition id.
    pub fn log_tablet_dir(&self, path: &PhysicalTablePath, bucket: &TableBucket) -> Result<FsPath> {
        let parent = tablet_parent(path, bucket)?;
        Ok(self
            .log_dir()
            .child(&format!("{parent}/{}", bucket.bucket_id())))
    }

    /// Returns the snapshots of a bucket.
    ///
    /// # Errors
    ///
    /// Returns an error for a partition if `bucket` has no partition id.
    pub fn kv_tablet_dir(&self, path: &PhysicalTablePath, bucket: &TableBucket) -> Result<FsPath> {
        let parent = tablet_parent(path, bucket)?;
        Ok(self
            .kv_dir()
            .child(&format!("{parent}/{}", bucket.bucket_id())))
    }

    /// Returns the directory that describes the lake's snapshots of a table.
    pub fn lake_snapshot_dir(&self, path: &TablePath, table_id: TableId) -> FsPath {
        self.root.child("lake").child(&table_dir(path, table_id))
    }
}

/// Files below the directory of a bucket's tiered log, see [`RemoteLayout::log_tablet_dir`].
impl FsPath {
    /// A manifest of the tiered log, in the log's directory.
    #[must_use]
    pub fn log_manifest_file(&self, manifest_id: &str) -> Self {
        self.child(&format!("metadata/{manifest_id}.manifest"))
    }

    /// Returns the directory of a segment, in the log's directory.
    #[must_use]
    pub fn log_segment_dir(&self, segment_id: &str) -> Self {
        self.child(segment_id)
    }

    /// Returns the rows of a segment, in the segment's directory.
    #[must_use]
    pub fn segment_file(&self, base_offset: i64) -> Self {
        self.child(&format!("{}.log", file_name_prefix(base_offset)))
    }

    /// Returns the index by offset of a segment, in the segment's directory.
    #[must_use]
    pub fn offset_index_file(&self, base_offset: i64) -> Self {
        self.child(&format!("{}.index", file_name_prefix(base_offset)))
    }

    /// Returns the index by time of a segment, in the segment's directory.
    #[must_use]
    pub fn time_index_file(&self, base_offset: i64) -> Self {
        self.child(&format!("{}.timeindex", file_name_prefix(base_offset)))
    }

    /// Returns the state of the writers at the end of a segment, in the segment's directory.
    #[must_use]
    pub fn writer_snapshot_file(&self, end_offset: i64) -> Self {
        self.child(&format!("{}.writer_snapshot", file_name_prefix(end_offset)))
    }

    /// A snapshot, in the directory of a bucket's snapshots.
    #[must_use]
    pub fn kv_snapshot_dir(&self, snapshot_id: SnapshotId) -> Self {
        self.child(&format!("snap-{snapshot_id}"))
    }

    /// Returns the files that several snapshots share, in the directory of a bucket's snapshots.
    #[must_use]
    pub fn kv_shared_dir(&self) -> Self {
        self.child("shared")
    }
}
