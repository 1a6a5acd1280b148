//! Enums for the properties of tables.

use std::fmt;

use crate::choice::choices;
use crate::error::{MetadataError, Result};

choices! {
    /// How a log stores its rows.
    LogFormat("log format") {
        /// Arrow record batches, the default.
        Arrow => "ARROW",
        /// Rows with a list of the lengths of variable-length values.
        Indexed => "INDEXED",
        /// Compact rows.
        Compacted => "COMPACTED",
    }
    /// How a primary-key table stores its rows.
    KvFormat("kv format") {
        /// Compact rows, the default.
        Compacted => "COMPACTED",
        /// Rows with a list of the lengths of variable-length values.
        Indexed => "INDEXED",
    }
    /// The lake that a table is tiered to. Decides how keys are encoded and hashed.
    DataLakeFormat("data lake format") {
        /// Apache Paimon.
        Paimon => "paimon",
        /// Lance.
        Lance => "lance",
        /// Apache Iceberg.
        Iceberg => "iceberg",
        /// Apache Hudi, from release 1.0.
        Hudi => "hudi",
    }
    /// How a primary-key table merges a row with the stored one.
    MergeEngine("merge engine") {
        /// Keeps the first row.
        FirstRow => "FIRST_ROW",
        /// Keeps the row with the higher version.
        Versioned => "VERSIONED",
        /// Aggregates each column.
        Aggregation => "AGGREGATION",
    }
    /// What a primary-key table does with deletes.
    DeleteBehavior("delete behavior") {
        /// Deletes, the default.
        Allow => "ALLOW",
        /// Ignores them.
        Ignore => "IGNORE",
        /// Rejects them.
        Disable => "DISABLE",
    }
    /// What the changelog of a primary-key table contains.
    ChangelogImage("changelog image") {
        /// Rows before and after each change, the default.
        Full => "FULL",
        /// Rows after each change.
        Wal => "WAL",
    }
    /// Codec of Arrow batches.
    ArrowCompressionType("arrow compression") {
        /// None.
        None => "NONE",
        /// LZ4 frames.
        Lz4Frame => "LZ4_FRAME",
        /// Zstandard, the default.
        Zstd => "ZSTD",
    }
}

/// Codec of Arrow batches with its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ArrowCompression {
    /// The codec.
    pub kind: ArrowCompressionType,
    /// The ZSTD level, 1 to 22; other codecs ignore it.
    pub level: i32,
}

/// The default ZSTD level.
const DEFAULT_ZSTD_LEVEL: i32 = 3;

impl ArrowCompression {
    /// No compression.
    pub const NONE: Self = Self {
        kind: ArrowCompressionType::None,
        level: DEFAULT_ZSTD_LEVEL,
    };
    /// LZ4 frames.
    pub const LZ4_FRAME: Self = Self {
        kind: ArrowCompressionType::Lz4Frame,
        level: DEFAULT_ZSTD_LEVEL,
    };
    /// ZSTD at the default level.
    pub const ZSTD: Self = Self {
        kind: ArrowCompressionType::Zstd,
        level: DEFAULT_ZSTD_LEVEL,
    };

    /// ZSTD with a level of 1 to 22.
    pub fn zstd(level: i32) -> Result<Self> {
        if !(1..=22).contains(&level) {
            return Err(MetadataError::invalid(
                "zstd level",
                level.to_string(),
                "1 to 22",
            ));
        }
        Ok(Self {
            kind: ArrowCompressionType::Zstd,
            level,
        })
    }
}

impl From<ArrowCompressionType> for ArrowCompression {
    /// The codec at its default level.
    fn from(kind: ArrowCompressionType) -> Self {
        Self {
            kind,
            level: DEFAULT_ZSTD_LEVEL,
        }
    }
}

impl fmt::Display for ArrowCompression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            ArrowCompressionType::Zstd => write!(f, "{}-{}", self.kind, self.level),
            ArrowCompressionType::None | ArrowCompressionType::Lz4Frame => self.kind.fmt(f),
        }
    }
}
