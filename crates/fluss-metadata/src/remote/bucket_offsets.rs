//! Offsets by bucket, and partitions by id. Source: `TableBucketOffsetsJsonSerde.java`, `TablePartitionJsonSerde.java`.

use std::collections::BTreeMap;

use crate::admin::record::record;
use crate::error::{MetadataError, Result};
use crate::ids::{BucketId, PartitionId, TableBucket, TableId};
use crate::json::{Json, JsonWriter, parse};

/// The value for a bucket without an offset.
const UNKNOWN_OFFSET: i64 = -1;

/// Offsets of some buckets of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableBucketOffsets {
    table_id: TableId,
    offsets: BTreeMap<TableBucket, i64>,
}

impl TableBucketOffsets {
    /// Maximum number of buckets of a table or partition here; servers allow far fewer.
    pub const MAX_BUCKETS: BucketId = 1 << 20;

    /// Creates the value from offsets by bucket.
    ///
    /// # Errors
    ///
    /// Returns an error for buckets of another table, for a mix of buckets with and without partitions, or for
    /// invalid bucket numbers.
    pub fn new(
        table_id: TableId,
        offsets: impl IntoIterator<Item = (TableBucket, i64)>,
    ) -> Result<Self> {
        let offsets = offsets.into_iter().collect::<BTreeMap<_, _>>();
        let partitioned = |bucket: &TableBucket| bucket.partition_id().is_some();
        let first = offsets.keys().next().map(partitioned);
        for bucket in offsets.keys() {
            let expected = if bucket.table_id() != table_id {
                format!("a bucket of table {table_id}")
            } else if !(0..Self::MAX_BUCKETS).contains(&bucket.bucket_id()) {
                format!("a bucket number from 0 and below {}", Self::MAX_BUCKETS)
            } else if Some(partitioned(bucket)) != first {
                "all buckets or none with a partition".to_owned()
            } else {
                continue;
            };
            return Err(MetadataError::invalid(
                "bucket",
                bucket.to_string(),
                expected,
            ));
        }
        Ok(Self { table_id, offsets })
    }

    /// Returns the table.
    pub fn table_id(&self) -> TableId {
        self.table_id
    }

    /// Iterates over the buckets that have an offset, and their offsets.
    pub fn iter(&self) -> impl Iterator<Item = (TableBucket, i64)> {
        self.offsets
            .iter()
            .map(|(bucket, offset)| (*bucket, *offset))
            .filter(|(_, offset)| *offset != UNKNOWN_OFFSET)
    }

    /// Returns the JSON document that the server keeps: offsets by bucket number, with −1 for buckets without an offset.
    pub fn to_json(&self) -> String {
        let mut partitions = self
            .offsets
            .keys()
            .map(TableBucket::partition_id)
            .collect::<Vec<_>>();
        partitions.dedup();
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            json.number_field("table_id", self.table_id);
            match partitions.as_slice() {
                [] => {}
                [None] => self.write_list(None, json),
                _ => json.array_field("partition_offsets", |json| {
                    for partition in partitions {
                        json.object(|json| {
                            json.optional_number_field("partition_id", partition);
                            self.write_list(partition, json);
                        });
                    }
                }),
            }
        })
    }

    fn write_list(&self, partition: Option<PartitionId>, json: &mut JsonWriter) {
        let bucket = |number| TableBucket::new_with_partition(self.table_id, partition, number);
        let of_partition = self.offsets.range(bucket(0)..=bucket(BucketId::MAX));
        json.array_field("bucket_offsets", |json| {
            let mut next = 0;
            for (bucket, offset) in of_partition {
                for _ in next..bucket.bucket_id() {
                    json.number(UNKNOWN_OFFSET);
                }
                json.number(*offset);
                next = bucket.bucket_id() + 1;
            }
        });
    }

    /// Parses the JSON document.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document, or is one of a later version.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let json = parse("bucket offsets", text)?;
        let [version, table_id, offsets, partitions] =
            json.fields(["version", "table_id", "bucket_offsets", "partition_offsets"])?;
        if version.integer::<i32>()? != 1 {
            return Err(version.required()?.wrong("version 1"));
        }
        let mut read = Self {
            table_id: table_id.integer()?,
            offsets: BTreeMap::new(),
        };
        match (offsets.optional(), partitions.optional()) {
            (None, None) => {}
            (Some(offsets), None) => read.read_list(None, offsets)?,
            (None, Some(partitions)) => {
                for partition in partitions.elements()?.1 {
                    let [id, offsets] = partition.fields(["partition_id", "bucket_offsets"])?;
                    read.read_list(Some(id.integer()?), offsets.required()?)?;
                }
            }
            (Some(_), Some(_)) => {
                return Err(json.wrong("either bucket_offsets or partition_offsets"));
            }
        }
        Ok(read)
    }

    fn read_list(&mut self, partition: Option<PartitionId>, json: Json<'_>) -> Result<()> {
        let mut numbers = 0..Self::MAX_BUCKETS;
        for offset in json.elements()?.1 {
            let Some(number) = numbers.next() else {
                return Err(json.wrong("fewer buckets"));
            };
            let bucket = TableBucket::new_with_partition(self.table_id, partition, number);
            self.offsets.insert(bucket, offset.integer()?);
        }
        Ok(())
    }
}

record! {
    /// A partition by id.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    TablePartition {
        /// The table.
        table_id: TableId,
        /// The partition.
        partition_id: PartitionId,
    }
}

impl TablePartition {
    /// Returns the JSON document that the server stores.
    pub fn to_json(&self) -> String {
        JsonWriter::document(|json| {
            json.number_field("version", 1);
            json.number_field("table_id", self.table_id);
            json.number_field("partition_id", self.partition_id);
        })
    }

    /// Parses the JSON document.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not such a document.
    pub fn from_json(text: &[u8]) -> Result<Self> {
        let [table_id, partition_id] =
            parse("table partition", text)?.fields(["table_id", "partition_id"])?;
        Ok(Self {
            table_id: table_id.integer()?,
            partition_id: partition_id.integer()?,
        })
    }
}
