//! The list of a bucket's tiered log segments. Source: `RemoteLogManifestJsonSerde.java`,
//! `RemoteLogManifestHandleJsonSerde.java`.

use crate::admin::record::record;
use crate::error::Result;
use crate::ids::TableBucket;
use crate::json::{Json, JsonWriter, parse};
use crate::path::{PhysicalTablePath, TablePath};

record! {
    /// A tiered log segment.
    #[derive(Debug, Clone, PartialEq, Eq)]
    RemoteLogSegment {
        /// Its id, a UUID, which its directory is named after.
        segment_id: String as [&str],
        /// Its first offset, which its file is named after.
        start_offset: i64,
        /// The offset after its last one.
        end_offset: i64,
        /// The first offset that is read from it, where that is not its first one. Since release 1.0.
        logical_start: Option<i64>,
        /// The offset after the last one that is read from it, where that is not its end. Since release 1.0.
        logical_end: Option<i64>,
        /// The latest time at which one of its batches was written, in milliseconds since 1970.
        max_timestamp: i64,
        /// Its size.
        size_in_bytes: i32,
    }
}

impl RemoteLogSegment {
    /// Returns the first offset that is read from it.
    pub fn logical_start_offset(&self) -> i64 {
        self.logical_start.unwrap_or(self.start_offset)
    }

    /// Returns the offset after the last one that is read from it.
    pub fn logical_end_offset(&self) -> i64 {
        self.logical_end.unwrap_or(self.end_offset)
    }

    fn write(&self, json: &mut JsonWriter) {
        json.string_field("segment_id", &self.segment_id);
        json.number_field("start_offset", self.start_offset);
        json.number_field("end_offset", self.end_offset);
        let differing = |value: Option<i64>, from: i64| value.filter(|value| *value != from);
        json.optional_number_field(
            "logical_start_offset",
            differing(self.logical_start, self.start_offset),
        );
        json.optional_number_field(
            "logical_end_offset",
            differing(self.logical_end, self.end_offset),
        );
        json.number_field("max_timestamp", self.max_timestamp);
        json.number_field("size_in_bytes", self.size_in_bytes);
    }

    fn read(json: Json<'_>) -> Result<Self> {
        let [
            id,
            start,
            end,
            logical_start,
            logical_end,
            max_timestamp,
            size,
        ] = json.fields([
            "segment_id",
            "start_offset",
            "end_offset",
            "logical_start_offset",
            "logical_end_offset",
            "max_timestamp",
            "size_in_bytes",
        ])?;
        Ok(Self {
            segment_id: id.string()?.into_owned(),
            start_offset: start.integer()?,
            end_offset: end.integer()?,
            logical_start: logical_start.optional_integer()?,
            logical_end: logical_end.optional_integer()?,
            max_timestamp: max_timestamp.integer()?,
            size_in_bytes: size.integer()?,
        })
    }
}

record! {
    /// The tiered log segments of a bucket.
    #[derive(Debug, Clone, PartialEq, Eq)]
    RemoteLogManifest {
        /// The table or partition.
        path: PhysicalTablePath as [&PhysicalTablePath],
        /// The bucket.
        bucket: TableBucket,
        /// The highest end of any segment that was ever tiered, if that is not the end of the last one. Since release
        /// 1.0.
        highest_copied_end_offset: Option<i64>,
        /// The segments by offset.
        segments: Vec<RemoteLogSegment> as [&[RemoteLogSegment]],
    }
}

impl RemoteLogManifest {
    /// Returns the first tiered offset; `None` without segments.
    pub fn start_offset(&self) -> Option<i64> {
        self.segments
            .iter()
            .map(RemoteLogSegment::logical_start_offset)
            .min()
    }

    /// Returns the offset after the last tiered one; `None` without segments.
    pub fn end_offset(&self) -> Option<i64> {
        self.segments
            .iter()
            .map(RemoteLogSegment::logical_end_offset)
            .max()
    }

    /// Returns the JSON document that the server stores.
    pub fn to_json(&self) -> String {
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            let table = self.path.table_path();
            json.string_field("database", table.database());
            json.string_field("table", table.table());
            if let Some(partition) = self.path.partition_name() {
                json.string_field("partition_name", partition);
            }
            json.number_field("table_id", self.bucket.table_id());
            json.optional_number_field("partition_id", self.bucket.partition_id());
            json.number_field("bucket_id", self.bucket.bucket_id());
            json.optional_number_field("highest_copied_end_offset", self.highest_copied_end_offset);
            json.array_field("remote_log_segments", |json| {
                for segment in &self.segments {
                    json.object(|json| segment.write(json));
                }
            });
        })
    }

    /// Parses the JSON document.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let [
            database,
            table,
            partition_name,
            table_id,
            partition_id,
            bucket_id,
            highest,
            segments,
        ] = parse("remote log manifest", text)?.fields([
            "database",
            "table",
            "partition_name",
            "table_id",
            "partition_id",
            "bucket_id",
            "highest_copied_end_offset",
            "remote_log_segments",
        ])?;
        let table_path = TablePath::new(database.string()?, table.string()?);
        let path = match partition_name.optional_string()? {
            None => PhysicalTablePath::of(table_path),
            Some(partition) => PhysicalTablePath::of_partitioned(table_path, partition),
        };
        Ok(Self {
            path,
            bucket: TableBucket::new_with_partition(
                table_id.integer()?,
                partition_id.optional_integer()?,
                bucket_id.integer()?,
            ),
            highest_copied_end_offset: highest.optional_integer()?,
            segments: segments.required()?.list(RemoteLogSegment::read)?,
        })
    }
}

record! {
    /// The location of the manifest of a bucket.
    #[derive(Debug, Clone, PartialEq, Eq)]
    RemoteLogManifestHandle {
        /// The file.
        manifest_path: String as [&str],
        /// The offset after the last tiered one.
        end_offset: i64,
    }
}

impl RemoteLogManifestHandle {
    /// Returns the JSON document that the server stores.
    pub fn to_json(&self) -> String {
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            json.string_field("remote_log_manifest_path", &self.manifest_path);
            json.number_field("remote_log_end_offset", self.end_offset);
        })
    }

    /// Parses the JSON document.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let [path, end_offset] = parse("remote log manifest handle", text)?
            .fields(["remote_log_manifest_path", "remote_log_end_offset"])?;
        Ok(Self {
            manifest_path: path.string()?.into_owned(),
            end_offset: end_offset.integer()?,
        })
    }
}
