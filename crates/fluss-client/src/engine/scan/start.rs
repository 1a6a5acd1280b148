//! Where reading starts.

use fluss_metadata::OffsetSpec;

use crate::error::{Error, Result};

/// Start at the earliest offset that the server has.
pub const EARLIEST_OFFSET: i64 = -2;
/// Start after the latest committed record at the time of the subscription.
pub const LATEST_OFFSET: i64 = -1;

/// What to do when a requested offset is not in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OffsetReset {
    /// `poll` returns an error with the bucket and offset.
    #[default]
    Error,
    /// Reading continues at the earliest offset.
    Earliest,
    /// Reading continues after the latest record.
    Latest,
}

/// Where a subscription starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartOffset {
    /// At an offset, or at the earliest with the server's own sign for it.
    At(i64),
    /// Where the server says that the latest record ends.
    Latest,
    /// At the first batch that was written at or after this time, in milliseconds since the epoch. The server's
    /// answer is at or before it.
    Timestamp(i64),
    /// At the earliest offset, asked for by its own request.
    EarliestResolved,
}

impl StartOffset {
    /// From an offset, or one of the signs [`EARLIEST_OFFSET`] and [`LATEST_OFFSET`].
    pub(crate) fn from_offset(offset: i64) -> Result<Self> {
        match offset {
            EARLIEST_OFFSET | 0.. => Ok(Self::At(offset)),
            LATEST_OFFSET => Ok(Self::Latest),
            _ => Err(Error::usage(format!(
                "offset {offset} is not an offset, EARLIEST_OFFSET or LATEST_OFFSET"
            ))),
        }
    }
}

impl From<OffsetSpec> for StartOffset {
    fn from(spec: OffsetSpec) -> Self {
        match spec {
            OffsetSpec::Earliest => Self::At(EARLIEST_OFFSET),
            OffsetSpec::Latest => Self::Latest,
            OffsetSpec::Timestamp(millis) => Self::Timestamp(millis),
        }
    }
}
