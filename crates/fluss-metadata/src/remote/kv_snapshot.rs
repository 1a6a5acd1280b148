//! Documents that describe snapshots of buckets. Source: `CompletedSnapshotJsonSerde.java`,
//! `BucketSnapshotJsonSerde.java`.

use super::FsPath;
use crate::admin::record::record;
use crate::error::Result;
use crate::ids::{SnapshotId, TableBucket};
use crate::json::{Json, JsonWriter, parse};

/// The file in a snapshot's directory that describes it.
const METADATA_FILE: &str = "_METADATA";

record! {
    /// A file of a snapshot.
    #[derive(Debug, Clone, PartialEq, Eq)]
    KvFile {
        /// Its location.
        path: String as [&str],
        /// Its size in bytes.
        size: i64,
        /// The name it must have locally.
        local_path: String as [&str],
    }
}

impl KvFile {
    fn write(&self, json: &mut JsonWriter) {
        json.object_field("kv_file_handle", |json| {
            json.string_field("path", &self.path);
            json.number_field("size", self.size);
        });
        json.string_field("local_path", &self.local_path);
    }

    fn read(json: Json<'_>) -> Result<Self> {
        let [handle, local_path] = json.fields(["kv_file_handle", "local_path"])?;
        let [path, size] = handle.required()?.fields(["path", "size"])?;
        Ok(Self {
            path: path.string()?.into_owned(),
            size: size.integer()?,
            local_path: local_path.string()?.into_owned(),
        })
    }
}

record! {
    /// The numbers that a bucket may still assign to an auto-increment column. Since release 1.0.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    AutoIncrementRange {
        /// Id of the column.
        column_id: i32,
        /// The first number.
        start: i64,
        /// The last number.
        end: i64,
    }
}

impl AutoIncrementRange {
    fn write(self, json: &mut JsonWriter) {
        json.number_field("column_id", self.column_id);
        json.number_field("start", self.start);
        json.number_field("end", self.end);
    }

    fn read(json: Json<'_>) -> Result<Self> {
        let [column_id, start, end] = json.fields(["column_id", "start", "end"])?;
        Ok(Self {
            column_id: column_id.integer()?,
            start: start.integer()?,
            end: end.integer()?,
        })
    }
}

record! {
    /// A snapshot of a bucket, as its own document describes it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    CompletedSnapshot {
        /// The bucket.
        bucket: TableBucket,
        /// The snapshot.
        snapshot_id: SnapshotId,
        /// The directory of the files that it does not share with other snapshots.
        location: FsPath as [&FsPath],
        /// Files that other snapshots may share.
        shared_files: Vec<KvFile> as [&[KvFile]],
        /// Files that only this snapshot has.
        private_files: Vec<KvFile> as [&[KvFile]],
        /// Bytes that were new in it.
        incremental_size: i64,
        /// The log offset at which the snapshot was taken.
        log_offset: i64,
        /// Its rows, if the server counts them.
        row_count: Option<i64>,
        /// The numbers that may still be assigned to auto-increment columns, if there are any.
        auto_increment_ranges: Option<Vec<AutoIncrementRange>> as [&Option<Vec<AutoIncrementRange>>],
    }
}

impl CompletedSnapshot {
    /// Returns the file of this document.
    pub fn metadata_file(&self) -> FsPath {
        self.location.child(METADATA_FILE)
    }

    /// Returns the JSON document that the server stores.
    pub fn to_json(&self) -> String {
        let files = |json: &mut JsonWriter, key: &str, files: &[KvFile]| {
            json.array_field(key, |json| {
                for file in files {
                    json.object(|json| file.write(json));
                }
            });
        };
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            json.number_field("table_id", self.bucket.table_id());
            json.optional_number_field("partition_id", self.bucket.partition_id());
            json.number_field("bucket_id", self.bucket.bucket_id());
            json.number_field("snapshot_id", self.snapshot_id);
            json.string_field("snapshot_location", &self.location.to_string());
            json.object_field("kv_snapshot_handle", |json| {
                files(json, "shared_file_handles", &self.shared_files);
                files(json, "private_file_handles", &self.private_files);
                json.number_field("snapshot_incremental_size", self.incremental_size);
            });
            json.number_field("log_offset", self.log_offset);
            json.optional_number_field("row_count", self.row_count);
            if let Some(ranges) = &self.auto_increment_ranges {
                json.array_field("auto_inc_id_range", |json| {
                    for range in ranges {
                        json.object(|json| range.write(json));
                    }
                });
            }
        })
    }

    /// Parses the JSON document.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let [
            table_id,
            partition_id,
            bucket_id,
            snapshot_id,
            location,
            handle,
            log_offset,
            row_count,
            ranges,
        ] = parse("completed snapshot", text)?.fields([
            "table_id",
            "partition_id",
            "bucket_id",
            "snapshot_id",
            "snapshot_location",
            "kv_snapshot_handle",
            "log_offset",
            "row_count",
            "auto_inc_id_range",
        ])?;
        let [shared, private, size] = handle.required()?.fields([
            "shared_file_handles",
            "private_file_handles",
            "snapshot_incremental_size",
        ])?;
        Ok(Self {
            bucket: TableBucket::new_with_partition(
                table_id.integer()?,
                partition_id.optional_integer()?,
                bucket_id.integer()?,
            ),
            snapshot_id: snapshot_id.integer()?,
            location: FsPath::parse(&location.string()?)?,
            shared_files: shared.required()?.list(KvFile::read)?,
            private_files: private.required()?.list(KvFile::read)?,
            incremental_size: size.integer()?,
            log_offset: log_offset.integer()?,
            row_count: row_count.optional_integer()?,
            auto_increment_ranges: ranges
                .optional()
                .map(|ranges| ranges.list(AutoIncrementRange::read))
                .transpose()?,
        })
    }
}

record! {
    /// The location of the document of a bucket's snapshot.
    #[derive(Debug, Clone, PartialEq, Eq)]
    BucketSnapshot {
        /// The snapshot.
        snapshot_id: SnapshotId,
        /// The log offset at which the snapshot was taken.
        log_offset: i64,
        /// The file, which you can read with [`CompletedSnapshot`].
        metadata_path: String as [&str],
    }
}

impl BucketSnapshot {
    /// Returns the JSON document that the server stores.
    pub fn to_json(&self) -> String {
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            json.number_field("snapshot_id", self.snapshot_id);
            json.number_field("log_offset", self.log_offset);
            json.string_field("metadata_path", &self.metadata_path);
        })
    }

    /// Parses the JSON document.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let [snapshot_id, log_offset, path] = parse("bucket snapshot", text)?.fields([
            "snapshot_id",
            "log_offset",
            "metadata_path",
        ])?;
        Ok(Self {
            snapshot_id: snapshot_id.integer()?,
            log_offset: log_offset.integer()?,
            metadata_path: path.string()?.into_owned(),
        })
    }
}
