//! What to look up by.

use std::fmt;
use std::sync::Arc;

use fluss_metadata::TableInfo;
pub use fluss_row::kv::LookupRow;

use crate::error::Result;
use crate::lookup::{LookupKind, LookupPlan};
pub use crate::lookup::{LookupResult, Lookuper};
use crate::session::Session;

/// Configures lookups. Created by [`FlussTable::new_lookup`](crate::FlussTable::new_lookup).
#[derive(Clone)]
pub struct TableLookup {
    session: Arc<Session>,
    info: TableInfo,
    insert: bool,
}

impl TableLookup {
    pub(crate) fn new(session: Arc<Session>, info: TableInfo) -> Self {
        Self {
            session,
            info,
            insert: false,
        }
    }

    /// Looks up by the first columns of the key instead of the whole key. `columns` must contain the columns of the
    /// bucket key, in order, and all partition columns, in any position.
    pub fn lookup_by(&self, columns: Vec<String>) -> TablePrefixLookup {
        TablePrefixLookup {
            session: Arc::clone(&self.session),
            info: self.info.clone(),
            columns,
        }
    }

    /// Asks the server to insert a row if a lookup finds none. The row has only the key, and the auto-increment
    /// column if there is one.
    #[must_use]
    pub fn insert_if_not_exists(mut self) -> Self {
        self.insert = true;
        self
    }

    /// Creates a [`Lookuper`] for the whole primary key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if the key has a type that cannot be encoded, or if rows
    /// to be inserted would have a null in a NOT NULL column.
    pub fn create_lookuper(&self) -> Result<Lookuper> {
        let kind = if self.insert {
            LookupKind::InsertIfNotExists
        } else {
            LookupKind::Point
        };
        let plan = LookupPlan::by_primary_key(&self.info, kind);
        let plan = plan.map_err(|error| {
            error
                .during("create_lookuper")
                .of_table(self.info.table_path())
        })?;
        let (context, lookups) = (self.session.open_context(), self.session.lookups());
        Lookuper::new(context, lookups.clone(), &self.info, plan)
    }
}

/// Configures lookups by a prefix of the key. Created by [`TableLookup::lookup_by`].
#[derive(Clone)]
pub struct TablePrefixLookup {
    session: Arc<Session>,
    info: TableInfo,
    columns: Vec<String>,
}

impl TablePrefixLookup {
    /// Creates a [`Lookuper`] for the chosen columns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if the columns are not all partition columns and the
    /// bucket key in order, or if the bucket key is not a prefix of the primary key.
    pub fn create_lookuper(&self) -> Result<Lookuper> {
        let plan = LookupPlan::by_prefix(&self.info, &self.columns);
        let plan = plan.map_err(|error| {
            error
                .during("create_lookuper")
                .of_table(self.info.table_path())
        })?;
        let (context, lookups) = (self.session.open_context(), self.session.lookups());
        Lookuper::new(context, lookups.clone(), &self.info, plan)
    }
}

impl fmt::Debug for TableLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableLookup")
            .field("table", self.info.table_path())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TablePrefixLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TablePrefixLookup")
            .field("table", self.info.table_path())
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
