//! Partitions: the values that name them, and time-based names.

mod auto;
mod spec;
mod time_format;
mod value;
mod zone;

pub use auto::{AutoPartitionStrategy, AutoPartitionTimeUnit};
pub use spec::{HISTORICAL_PARTITION_VALUE, PartitionInfo, PartitionSpec, ResolvedPartitionSpec};
pub use value::PartitionValue;
pub use zone::TimeZone;
