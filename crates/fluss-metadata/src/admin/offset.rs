//! Which offset of a log to look up.

/// An offset, described by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OffsetSpec {
    /// The first offset that can still be read.
    Earliest,
    /// The offset after the last one that can be read.
    Latest,
    /// The first batch that the server received at or after this time, in milliseconds since 1970. The time must not
    /// be in the future. If there is no such batch, the same as [`Latest`](Self::Latest).
    ///
    /// Scanners find exactly that batch. An administrative call returns the server's response. While the log is only
    /// on the server's disks, that is exactly the first offset of the batch. Once segments were copied to remote
    /// storage, the offset can be some kilobytes of the log too early, and inside a batch. It is never too late.
    Timestamp(i64),
}
