//! Changes to a table or to the configuration of a cluster. Source: `TableChange.java`, `AlterConfigOpType.java`.

use crate::choice::coded;
use crate::data_type::DataType;
use crate::schema::AggFunction;

coded! {
    /// The kind of change of a configuration entry.
    AlterConfigOp("alter config operation") {
        /// Sets a value.
        Set => "SET" = 0,
        /// Resets it to its default.
        Delete => "DELETE" = 1,
        /// Adds a value to its list.
        Append => "APPEND" = 2,
        /// Removes a value from its list.
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
    /// Creates a change; [`AlterConfigOp::Delete`] needs no value.
    pub fn new(key: impl Into<String>, value: Option<String>, operation: AlterConfigOp) -> Self {
        Self {
            key: key.into(),
            value,
            operation,
        }
    }

    /// Sets the value of the entry.
    pub fn set(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(key, Some(value.into()), AlterConfigOp::Set)
    }

    /// Resets the entry to its default.
    pub fn delete(key: impl Into<String>) -> Self {
        Self::new(key, None, AlterConfigOp::Delete)
    }

    /// Adds a value to the entry's list.
    pub fn append(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(key, Some(value.into()), AlterConfigOp::Append)
    }

    /// Removes a value from the entry's list.
    pub fn subtract(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(key, Some(value.into()), AlterConfigOp::Subtract)
    }

    /// Returns the entry.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the value.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Returns the kind of change.
    pub fn operation(&self) -> AlterConfigOp {
        self.operation
    }
}

/// The position of a column. Servers up to release 1.0 only support the end, and messages cannot contain another
/// column's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ColumnPosition {
    /// After all other columns.
    #[default]
    Last,
    /// Before all other columns.
    First,
    /// After the column with this name.
    After(String),
}

impl ColumnPosition {
    /// Returns the number in messages, if the position has one. Source: `ColumnPositionType.java`.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Last => Some(0),
            Self::First | Self::After(_) => None,
        }
    }
}

/// A change to a table.
///
/// Servers up to release 1.0 add nullable columns at the end, and set and reset properties. They reject other changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableChange {
    /// Sets a property.
    SetOption {
        /// The property, either one of the server's or a custom one.
        key: String,
        /// Its value.
        value: String,
    },
    /// Resets a property to its default.
    ResetOption {
        /// The property.
        key: String,
    },
    /// Adds a value to a list property, or removes it.
    AlterOption(AlterConfig),
    /// Adds a column.
    AddColumn {
        /// Its name.
        name: String,
        /// Its type, which must be nullable.
        data_type: DataType,
        /// Its comment.
        comment: Option<String>,
        /// Its position.
        position: ColumnPosition,
        /// How its values are merged, in a table with the aggregation merge engine. Since release 1.0.
        aggregation: Option<AggFunction>,
    },
    /// Drops a column.
    DropColumn {
        /// Its name.
        name: String,
    },
    /// Renames a column.
    RenameColumn {
        /// Its current name.
        from: String,
        /// Its new name.
        to: String,
    },
    /// Modifies a column.
    ModifyColumn {
        /// Its name.
        name: String,
        /// Its new type, if that changes.
        data_type: Option<DataType>,
        /// Its new comment, if that changes.
        comment: Option<String>,
        /// Its new position, if that changes.
        position: Option<ColumnPosition>,
    },
    /// Changes the number of buckets, for future partitions. Since release 1.0.
    ModifyBucketCount {
        /// The number.
        bucket_count: i32,
    },
}

impl TableChange {
    /// Sets a property.
    pub fn set(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self::SetOption {
            key: key.into(),
            value: value.into(),
        }
    }

    /// Resets a property to its default.
    pub fn reset(key: impl Into<String>) -> Self {
        Self::ResetOption { key: key.into() }
    }

    /// Adds a column after all others.
    pub fn add_column(name: impl Into<String>, data_type: DataType) -> Self {
        Self::AddColumn {
            name: name.into(),
            data_type,
            comment: None,
            position: ColumnPosition::Last,
            aggregation: None,
        }
    }

    /// Returns the same change with another position for the added or modified column. Other changes are returned
    /// unchanged.
    #[must_use]
    pub fn at(mut self, place: ColumnPosition) -> Self {
        match &mut self {
            Self::AddColumn { position, .. } => *position = place,
            Self::ModifyColumn { position, .. } => *position = Some(place),
            _ => {}
        }
        self
    }

    /// Returns the same change with a comment for the added or modified column. Other changes are returned unchanged.
    #[must_use]
    pub fn with_comment(mut self, text: impl Into<String>) -> Self {
        if let Self::AddColumn { comment, .. } | Self::ModifyColumn { comment, .. } = &mut self {
            *comment = Some(text.into());
        }
        self
    }

    /// Returns the same change with an aggregation for the added column. Other changes are returned unchanged.
    #[must_use]
    pub fn with_aggregation(mut self, function: impl Into<AggFunction>) -> Self {
        if let Self::AddColumn { aggregation, .. } = &mut self {
            *aggregation = Some(function.into());
        }
        self
    }

    /// Changes the type of a column.
    pub fn modify_column(name: impl Into<String>, data_type: DataType) -> Self {
        Self::ModifyColumn {
            name: name.into(),
            data_type: Some(data_type),
            comment: None,
            position: None,
        }
    }

    /// Changes the number of buckets.
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
