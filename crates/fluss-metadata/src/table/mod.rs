//! Tables: what defines one, what the server knows of one.

mod descriptor;
mod format;
mod info;
mod json;
mod options;

pub use descriptor::{TableDescriptor, TableDescriptorBuilder, TableDistribution};
pub use format::{
    ArrowCompression, ArrowCompressionType, ChangelogImage, DataLakeFormat, DeleteBehavior,
    KvFormat, LogFormat, MergeEngine,
};
pub use info::TableInfo;
