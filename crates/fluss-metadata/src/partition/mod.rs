//! Partitions: which values name one.

mod spec;
mod value;

pub use spec::{PartitionInfo, PartitionSpec, ResolvedPartitionSpec};
pub use value::PartitionValue;
