//! Changes to a table or to the configuration of a cluster. Source: `TableChange.java`, `AlterConfigOpType.java`.

use crate::choice::coded;
use crate::data_type::DataType;
use crate::schema::AggFunction;

coded! {
    /// What happens to a configuration entry.
    AlterConfigOp("alter config operation") {
        /// It gets a value.
        Set => "SET" = 0,
        /// It goes back to its default.
        Delete => "DELETE" = 1,
        /// A value is added to its list.
        Append => "APPEND" = 2,
        /// A value is taken from its list.
        Subtract => "SUBTRACT" = 3,
    }
}

/// A change of one configuration entry: of a table, a database or the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AlterConfig {
    key: String,
    value: Option<String>,
    operation: AlterConfigOp,
}

impl AlterConfig {
    /// A change; [`AlterConfigOp::Delete`] needs no value.
    pub fn new(key: impl Into<String>, value: Option<String>, operation: AlterConfigOp) -> Self {
        Self {
            key: key.into(),
            value,
            operation,
        }
    }

    /// Gives the entry a value.
    pub fn set(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(key, Some(value.into()), AlterConfigOp::Set)
    }

    /// Brings the entry back to its default.
    pub fn delete(key: impl Into<String>) -> Self {
        Self::new(key, None, AlterConfigOp::Delete)
    }

    /// Adds a value to the entry's list.
    pub fn append(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(key, Some(value.into()), AlterConfigOp::Append)
    }

    /// Takes a value from the entry's list.
    pub fn subtract(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(key, Some(value.into()), AlterConfigOp::Subtract)
    }

    /// The entry.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// What happens to the entry.
    pub fn operation(&self) -> AlterConfigOp {
        self.operation
    }
}

/// Where a column comes to stand. Servers up to release 1.0 take the end only, and messages have no place for another column's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ColumnPosition {
    /// Behind all others.
    #[default]
    Last,
    /// Before all others.
    First,
    /// Behind the column of this name.
    After(String),
}

impl ColumnPosition {
    /// The number in messages, of the positions that have one. Source: `ColumnPositionType.java`.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Last => Some(0),
            Self::First | Self::After(_) => None,
        }
    }
}

/// A change to a table.
///
/// Servers up to release 1.0 add columns, at the end and allowing null, and set and reset properties; other changes they refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableChange {
    /// A property gets a value.
    SetOption {
        /// The property, one of the server's or of the user's own.
        key: String,
        /// Its value.
        value: String,
    },
    /// A property goes back to its default.
    ResetOption {
        /// The property.
        key: String,
    },
    /// A value is added to, or taken from, the list that a property is.
    AlterOption(AlterConfig),
    /// A new column.
    AddColumn {
        /// Its name.
        name: String,
        /// Its type, which must allow null.
        data_type: DataType,
        /// Its comment.
        comment: Option<String>,
        /// Where it comes to stand.
        position: ColumnPosition,
        /// How its values are merged, in a table of the aggregation engine. Since release 1.0.
        aggregation: Option<AggFunction>,
    },
    /// A column goes.
    DropColumn {
        /// Its name.
        name: String,
    },
    /// A column gets another name.
    RenameColumn {
        /// Its name so far.
        from: String,
        /// Its new name.
        to: String,
    },
    /// A column changes.
    ModifyColumn {
        /// Its name.
        name: String,
        /// Its new type, if that changes.
        data_type: Option<DataType>,
        /// Its new comment, if that changes.
        comment: Option<String>,
        /// Where it comes to stand, if that changes.
        position: Option<ColumnPosition>,
    },
    /// Another number of buckets, for partitions still to come. Since release 1.0.
    ModifyBucketCount {
        /// The number.
        bucket_count: i32,
    },
}

impl TableChange {
    /// Gives a property a value.
    pub fn set(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::SetOption {
            key: key.into(),
            value: value.into(),
        }
    }

    /// Brings a property back to its default.
    pub fn reset(key: impl Into<String>) -> Self {
        Self::ResetOption { key: key.into() }
    }

    /// Adds a column behind all others.
    pub fn add_column(name: impl Into<String>, data_type: DataType) -> Self {
        Self::AddColumn {
            name: name.into(),
            data_type,
            comment: None,
            position: ColumnPosition::Last,
            aggregation: None,
        }
    }

    /// The same, with another place for the column that is added or modified; other changes stay as they are.
    #[must_use]
    pub fn at(mut self, place: ColumnPosition) -> Self {
        match &mut self {
            Self::AddColumn { position, .. } => *position = place,
            Self::ModifyColumn { position, .. } => *position = Some(place),
            _ => {}
        }
        self
    }

    /// The same, with a comment on the column that is added or modified; other changes stay as they are.
    #[must_use]
    pub fn with_comment(mut self, text: impl Into<String>) -> Self {
        if let Self::AddColumn { comment, .. } | Self::ModifyColumn { comment, .. } = &mut self {
            *comment = Some(text.into());
        }
        self
    }

    /// The same, with a function that merges the values of the column that is added; other changes stay as they are.
    #[must_use]
    pub fn with_aggregation(mut self, function: impl Into<AggFunction>) -> Self {
        if let Self::AddColumn { aggregation, .. } = &mut self {
            *aggregation = Some(function.into());
        }
        self
    }

    /// Gives a column another type.
    pub fn modify_column(name: impl Into<String>, data_type: DataType) -> Self {
        Self::ModifyColumn {
            name: name.into(),
            data_type: Some(data_type),
            comment: None,
            position: None,
        }
    }

    /// Another number of buckets.
    pub fn modify_bucket_count(bucket_count: i32) -> Self {
        Self::ModifyBucketCount { bucket_count }
    }

    /// Drops a column.
    pub fn drop_column(name: impl Into<String>) -> Self {
        Self::DropColumn { name: name.into() }
    }

    /// Renames a column.
    pub fn rename_column(from: impl Into<String>, to: impl Into<String>) -> Self {
        Self::RenameColumn {
            from: from.into(),
            to: to.into(),
        }
    }
}
