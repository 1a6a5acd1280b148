//! Change types of log records.

use std::fmt;

/// What happened to a row. Source: `ChangeType.java`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeType {
    /// Appended to a log table.
    AppendOnly,
    /// Inserted into a primary-key table.
    Insert,
    /// The row before an update.
    UpdateBefore,
    /// The row after an update.
    UpdateAfter,
    /// Deleted: the row before.
    Delete,
}

impl ChangeType {
    /// Returns the change type for a byte in a batch.
    #[inline]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::AppendOnly),
            1 => Some(Self::Insert),
            2 => Some(Self::UpdateBefore),
            3 => Some(Self::UpdateAfter),
            4 => Some(Self::Delete),
            _ => None,
        }
    }

    /// Returns the byte for it in batches.
    #[inline]
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::AppendOnly => 0,
            Self::Insert => 1,
            Self::UpdateBefore => 2,
            Self::UpdateAfter => 3,
            Self::Delete => 4,
        }
    }

    /// Returns the short form: `+A`, `+I`, `-U`, `+U`, `-D`.
    pub const fn short_string(self) -> &'static str {
        match self {
            Self::AppendOnly => "+A",
            Self::Insert => "+I",
            Self::UpdateBefore => "-U",
            Self::UpdateAfter => "+U",
            Self::Delete => "-D",
        }
    }

    /// Returns the name in changelog tables: `insert`, `update_before`, `update_after`, `delete`. Appended rows count as
    /// inserted.
    pub const fn changelog_name(self) -> &'static str {
        match self {
            Self::AppendOnly | Self::Insert => "insert",
            Self::UpdateBefore => "update_before",
            Self::UpdateAfter => "update_after",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for ChangeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short_string())
    }
}
