//! Names of databases and tables.

use std::fmt;
use std::sync::Arc;

use crate::error::{MetadataError, Result};

/// Maximum length of a name, in characters. Source: `TablePath.java`.
const MAX_NAME_LENGTH: usize = 200;

/// Database and name of a table. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TablePath {
    database: Arc<str>,
    table: Arc<str>,
}

impl TablePath {
    /// Creates the path of a table in a database. The names are not checked: see [`validate`](Self::validate).
    pub fn new(database: impl Into<Arc<str>>, table: impl Into<Arc<str>>) -> Self {
        Self {
            database: database.into(),
            table: table.into(),
        }
    }

    /// Returns the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Returns the name within the database.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Checks both names like the server does before it creates a table.
    pub fn validate(&self) -> Result<()> {
        validate_database_name(&self.database)?;
        validate_name("table name", &self.table)?;
        validate_prefix("table name", &self.table)
    }

    /// Checks that the names are valid for a table. Unlike [`validate`](Self::validate), it accepts names that are
    /// reserved for the server.
    ///
    /// # Errors
    ///
    /// Returns an error with the name and what is wrong with it. For a name such as `orders$changelog`, which only
    /// the Flink connector supports, the error says where to read instead.
    pub fn check_names(&self) -> Result<()> {
        validate_name("database name", &self.database)?;
        let Some((table, kind)) = self
            .table
            .split_once('$')
            .filter(|(table, _)| !table.is_empty())
        else {
            return validate_name("table name", &self.table);
        };
        let instead = match kind {
            "changelog" | "binlog" => format!("to read its changes, scan the log of {table:?}"),
            _ if kind == "lake" || kind.starts_with("lake$") => {
                format!("to read its lake, open the table {table:?} in the lake itself")
            }
            _ => return validate_name("table name", &self.table),
        };
        Err(MetadataError::invalid(
            "table name",
            format!(
                "{:?}, which only the Flink connector supports",
                &*self.table
            ),
            format!("the name of a table: {instead}"),
        ))
    }
}

impl fmt::Display for TablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.database, self.table)
    }
}

impl fmt::Debug for TablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The path of a table or of a partition of a table. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhysicalTablePath {
    table_path: TablePath,
    partition_name: Option<Arc<str>>,
}

impl PhysicalTablePath {
    /// Creates the path of an unpartitioned table.
    pub fn of(table_path: TablePath) -> Self {
        Self {
            table_path,
            partition_name: None,
        }
    }

    /// Creates the path of a partition of a table.
    pub fn of_partitioned(table_path: TablePath, partition_name: impl Into<Arc<str>>) -> Self {
        Self {
            table_path,
            partition_name: Some(partition_name.into()),
        }
    }

    /// Returns the table.
    pub fn table_path(&self) -> &TablePath {
        &self.table_path
    }

    /// Returns the partition, by name.
    pub fn partition_name(&self) -> Option<&str> {
        self.partition_name.as_deref()
    }
}

impl fmt::Display for PhysicalTablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.table_path)?;
        match &self.partition_name {
            Some(partition) => write!(f, "(p={partition})"),
            None => Ok(()),
        }
    }
}

/// Checks the name of a database like the server does.
pub fn validate_database_name(name: &str) -> Result<()> {
    validate_name("database name", name)?;
    validate_prefix("database name", name)
}

pub(crate) fn validate_name(field: &str, name: &str) -> Result<()> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let expected = if name.is_empty() {
        "a name that is not empty".to_owned()
    } else if name == "." || name == ".." {
        "a name other than . and ..".to_owned()
    } else if name.chars().count() > MAX_NAME_LENGTH {
        format!("at most {MAX_NAME_LENGTH} characters")
    } else if let Some(illegal) = name.chars().find(|c| !legal(*c)) {
        format!("ASCII letters, digits, _ and - only, without {illegal:?}")
    } else {
        return Ok(());
    };
    Err(MetadataError::invalid(field, format!("{name:?}"), expected))
}

pub(crate) fn validate_prefix(field: &str, name: &str) -> Result<()> {
    if name.starts_with("__") {
        return Err(MetadataError::invalid(
            field,
            format!("{name:?}"),
            "no __ at the start, which is reserved for the server",
        ));
    }
    Ok(())
}
