//! The properties that clients interpret, typed.

use super::{
    ArrowCompression, ArrowCompressionType, ChangelogImage, DataLakeFormat, DeleteBehavior,
    KvFormat, LogFormat, MergeEngine, TableDescriptor,
};
use crate::error::{MetadataError, Result};

impl TableDescriptor {
    fn choice<T>(&self, key: &str, parse: fn(&str) -> Result<T>) -> Result<Option<T>> {
        self.property(key)
            .map(|text| {
                parse(text).map_err(|error| match error {
                    MetadataError::Invalid { got, expected, .. } => {
                        MetadataError::invalid(format!("property {key}"), got, expected)
                    }
                    other => other,
                })
            })
            .transpose()
    }

    /// `table.log.format`.
    pub fn log_format(&self) -> Result<LogFormat> {
        Ok(self
            .choice("table.log.format", LogFormat::parse)?
            .unwrap_or(LogFormat::Arrow))
    }

    /// `table.kv.format`.
    pub fn kv_format(&self) -> Result<KvFormat> {
        Ok(self
            .choice("table.kv.format", KvFormat::parse)?
            .unwrap_or(KvFormat::Compacted))
    }

    /// `table.kv.format-version`, 1 where it is absent.
    pub fn kv_format_version(&self) -> Result<i32> {
        self.choice("table.kv.format-version", |text| {
            text.trim()
                .parse()
                .map_err(|_| MetadataError::invalid("", format!("{text:?}"), "a number"))
        })
        .map(|version| version.unwrap_or(1))
    }

    /// `table.datalake.format`, which decides how keys are encoded and hashed even while `table.datalake.enabled` is false.
    pub fn data_lake_format(&self) -> Result<Option<DataLakeFormat>> {
        self.choice("table.datalake.format", DataLakeFormat::parse)
    }

    /// `table.merge-engine`.
    pub fn merge_engine(&self) -> Result<Option<MergeEngine>> {
        self.choice("table.merge-engine", MergeEngine::parse)
    }

    /// `table.delete.behavior`.
    pub fn delete_behavior(&self) -> Result<DeleteBehavior> {
        Ok(self
            .choice("table.delete.behavior", DeleteBehavior::parse)?
            .unwrap_or(DeleteBehavior::Allow))
    }

    /// `table.changelog.image`.
    pub fn changelog_image(&self) -> Result<ChangelogImage> {
        Ok(self
            .choice("table.changelog.image", ChangelogImage::parse)?
            .unwrap_or(ChangelogImage::Full))
    }

    /// `table.log.arrow.compression.type` and `table.log.arrow.compression.zstd.level`.
    pub fn arrow_compression(&self) -> Result<ArrowCompression> {
        let kind = self
            .choice(
                "table.log.arrow.compression.type",
                ArrowCompressionType::parse,
            )?
            .unwrap_or(ArrowCompressionType::Zstd);
        let level = self.choice("table.log.arrow.compression.zstd.level", |text| {
            text.trim()
                .parse()
                .ok()
                .filter(|level| (1..=22).contains(level))
                .ok_or_else(|| MetadataError::invalid("", format!("{text:?}"), "1 to 22"))
        })?;
        Ok(ArrowCompression {
            kind,
            level: level.unwrap_or(ArrowCompression::ZSTD.level),
        })
    }

    /// `table.auto-partition.enabled`.
    pub fn is_auto_partitioned(&self) -> bool {
        self.property("table.auto-partition.enabled")
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// `table.replication.factor`, once it is set.
    pub fn replication_factor(&self) -> Result<Option<i32>> {
        self.choice("table.replication.factor", |text| {
            text.trim()
                .parse()
                .map_err(|_| MetadataError::invalid("", format!("{text:?}"), "a number"))
        })
    }
}
