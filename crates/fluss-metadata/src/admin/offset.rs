//! Which offset of a log is asked for.

/// An offset described by what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OffsetSpec {
    /// The first offset that can still be read.
    Earliest,
    /// The offset after the last one that can be read.
    Latest,
    /// The first batch that the server took in at or after this time, in milliseconds since 1970, which may not lie in the future. Without
    /// such a batch, as [`Latest`](Self::Latest).
    ///
    /// Scanners find exactly that batch. An administrative call returns what the server answers: exactly its first offset while the log is on
    /// the server's disks only; once segments were copied to remote storage, an offset that is up to some kilobytes of the log too early, and
    /// may lie inside a batch. It is never too late.
    Timestamp(i64),
}
