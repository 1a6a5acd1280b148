//! Tables: definitions, tables as stored by servers, and changes.

mod change;
mod descriptor;
mod format;
mod info;
mod json;
mod options;
pub mod property;
mod validate;

pub use change::{AlterConfig, AlterConfigOp, ColumnPosition, TableChange};
pub use descriptor::{TableDescriptor, TableDescriptorBuilder, TableDistribution};
pub use format::{
    ArrowCompression, ArrowCompressionType, ChangelogImage, DataLakeFormat, DeleteBehavior,
    KvFormat, LogFormat, MergeEngine,
};
pub use info::TableInfo;
pub use options::StatisticsColumns;
