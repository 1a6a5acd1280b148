//! Which offset of a log is asked for.

/// An offset described by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OffsetSpec {
    /// The first offset that can still be read.
    Earliest,
    /// The offset after the last one that can be read.
    Latest,
    /// The first offset of the first batch written at or after this time, in milliseconds since 1970.
    Timestamp(i64),
}
