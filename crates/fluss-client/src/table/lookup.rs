//! Looking rows up by their key.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use bytes::Bytes;
use fluss_metadata::TableInfo;
use fluss_row::InternalRow;
pub use fluss_row::kv::LookupRow;
use fluss_row::kv::ValueRecord;

use crate::connection::ConnectionInner;
use crate::error::{Error, Result};
use crate::lookup::{LookupKind, LookupPlan, ValueReader, Values};
use crate::turn::take_turn;

/// Makes lookups: made by [`FlussTable::new_lookup`](crate::FlussTable::new_lookup).
#[derive(Clone)]
pub struct TableLookup {
    connection: Arc<ConnectionInner>,
    info: TableInfo,
    insert: bool,
}

impl TableLookup {
    pub(crate) fn new(connection: Arc<ConnectionInner>, info: TableInfo) -> Self {
        Self {
            connection,
            info,
            insert: false,
        }
    }

    /// Looks up by the first columns of the key instead of the whole key. `columns` are all partition columns, anywhere, and the
    /// columns of the bucket key, in order.
    pub fn lookup_by(&self, columns: Vec<String>) -> TablePrefixLookup {
        TablePrefixLookup {
            connection: Arc::clone(&self.connection),
            info: self.info.clone(),
            columns,
        }
    }

    /// Has the server insert a row with the key alone, and with the automatic column if there is one, where a lookup finds none.
    #[must_use]
    pub fn insert_if_not_exists(mut self) -> Self {
        self.insert = true;
        self
    }

    /// Looks up by the whole primary key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a key of a type that cannot be encoded, and where rows are to be inserted
    /// that would have a null in a column which may not be null.
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
        Lookuper::new(Arc::clone(&self.connection), &self.info, plan)
    }
}

/// Makes lookups by a part of the key: made by [`TableLookup::lookup_by`].
#[derive(Clone)]
pub struct TablePrefixLookup {
    connection: Arc<ConnectionInner>,
    info: TableInfo,
    columns: Vec<String>,
}

impl TablePrefixLookup {
    /// Looks up by the columns chosen.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if the columns are not all partition columns and the bucket key, in order, or
    /// the bucket key is not the beginning of the primary key.
    pub fn create_lookuper(&self) -> Result<Lookuper> {
        let plan = LookupPlan::by_prefix(&self.info, &self.columns);
        let plan = plan.map_err(|error| {
            error
                .during("create_lookuper")
                .of_table(self.info.table_path())
        })?;
        Lookuper::new(Arc::clone(&self.connection), &self.info, plan)
    }
}

/// Looks rows up. Cheap to clone; any number of lookups may be under way at once, on one handle or several.
///
/// A lookup goes out at once when no other is under way to the same server. While one is, those that come share the next request.
#[derive(Clone)]
pub struct Lookuper {
    inner: Arc<Inner>,
}

struct Inner {
    connection: Arc<ConnectionInner>,
    info: TableInfo,
    plan: LookupPlan,
    values: ValueReader,
}

impl Lookuper {
    fn new(connection: Arc<ConnectionInner>, info: &TableInfo, plan: LookupPlan) -> Result<Self> {
        let values = ValueReader::new(info)?;
        Ok(Self {
            inner: Arc::new(Inner {
                connection,
                info: info.clone(),
                plan,
                values,
            }),
        })
    }

    /// The rows under a key.
    ///
    /// `key` has the columns of the lookup only, in order: those of the primary key, partition columns included; or those given to
    /// [`lookup_by`](TableLookup::lookup_by). What does not exist is no error: neither a missing row nor a missing partition.
    ///
    /// Failures that pass are repeated, after growing pauses, for at most [`Config::call_timeout`](crate::Config::call_timeout).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) for a key that does not fit the columns;
    /// [`ErrorKind::Timeout`](crate::error::ErrorKind::Timeout) and others when the time is over; what the server refuses.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the lookup may still be sent; its answer is thrown away. Other lookups are not disturbed.
    pub async fn lookup<R: InternalRow + ?Sized>(&self, key: &R) -> Result<LookupResult> {
        take_turn().await;
        let inner = &*self.inner;
        let place = inner.plan.place(key).map_err(|error| self.failed(error))?;
        let Some(found) = inner
            .plan
            .partition(&inner.connection, &place)
            .await
            .map_err(|error| self.failed(error))?
        else {
            return Ok(self.nothing());
        };
        let key = inner
            .plan
            .route(&inner.connection, key, place, found)
            .map_err(|error| self.failed(error))?;
        let values = inner
            .connection
            .lookups()
            .lookup(inner.plan.target(), key)
            .await?;
        self.read(values).await
    }

    /// The rows under each of several keys, in the order of the keys. All are under way at once, and share requests.
    ///
    /// # Errors
    ///
    /// The first error of any of them; see [`lookup`](Self::lookup).
    ///
    /// # Cancel safety
    ///
    /// As [`lookup`](Self::lookup).
    pub async fn lookup_many<R: InternalRow>(
        &self,
        keys: impl IntoIterator<Item = R>,
    ) -> Result<Vec<LookupResult>> {
        let inner = &*self.inner;
        let mut answers = Vec::new();
        let keys = keys.into_iter();
        take_turn().await;
        for key in keys {
            take_turn().await;
            let place = inner.plan.place(&key).map_err(|error| self.failed(error))?;
            let found = inner
                .plan
                .partition(&inner.connection, &place)
                .await
                .map_err(|error| self.failed(error))?;
            let Some(found) = found else {
                answers.push(None);
                continue;
            };
            let key = inner
                .plan
                .route(&inner.connection, &key, place, found)
                .map_err(|error| self.failed(error))?;
            let lookups = inner.connection.lookups();
            answers.push(Some(lookups.start(inner.plan.target(), key).await?));
        }
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.push(match answer {
                Some(answer) => {
                    self.read(
                        answer
                            .await
                            .unwrap_or_else(|_| Err(Error::closed("the connection")))?,
                    )
                    .await?
                }
                None => self.nothing(),
            });
        }
        Ok(results)
    }

    /// The rows of several results, in their order, as one Arrow batch with the columns of the table.
    ///
    /// # Errors
    ///
    /// A value that does not fit its column.
    pub fn to_record_batch(&self, results: &[LookupResult]) -> Result<RecordBatch> {
        let rows: Vec<&LookupRow> = results.iter().flat_map(LookupResult::rows).collect();
        crate::lookup::record_batch(self.inner.info.row_type(), rows)
    }

    /// The definition of the table.
    pub fn table_info(&self) -> &TableInfo {
        &self.inner.info
    }

    /// The rows of values. Only those of a schema that is not known yet are waited for.
    async fn read(&self, values: Values) -> Result<LookupResult> {
        let rows = match values {
            Values::One(None) => Rows::None,
            Values::One(Some(value)) => match self.read_current(value)? {
                Ok(row) => Rows::One(row),
                Err(record) => Rows::One(self.read_other(record).await?),
            },
            Values::Many(values) => {
                let mut rows = Vec::with_capacity(values.len());
                for value in values {
                    rows.push(match self.read_current(value)? {
                        Ok(row) => row,
                        Err(record) => self.read_other(record).await?,
                    });
                }
                Rows::Many(rows)
            }
        };
        Ok(LookupResult {
            rows,
            lookuper: Arc::clone(&self.inner),
        })
    }

    fn read_current(&self, value: Bytes) -> Result<Result<LookupRow, ValueRecord>> {
        let read = self.inner.values.read_current(value);
        read.map_err(|error| self.failed(error))
    }

    async fn read_other(&self, record: ValueRecord) -> Result<LookupRow> {
        let inner = &*self.inner;
        // In a box, as it is rare and would make every lookup larger.
        Box::pin(inner.values.read_record(&inner.connection, record))
            .await
            .map_err(|error| self.failed(error))
    }

    fn nothing(&self) -> LookupResult {
        LookupResult {
            rows: Rows::None,
            lookuper: Arc::clone(&self.inner),
        }
    }

    fn failed(&self, error: Error) -> Error {
        error
            .during("lookup")
            .of_table(self.inner.info.table_path())
    }
}

/// The rows that a lookup found.
#[derive(Clone)]
pub struct LookupResult {
    rows: Rows,
    lookuper: Arc<Inner>,
}

/// One row needs no allocation.
#[derive(Clone)]
enum Rows {
    None,
    One(LookupRow),
    Many(Vec<LookupRow>),
}

impl LookupResult {
    /// The row under the key, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if there are several, which only a lookup by a part of the key finds.
    pub fn get_single_row(&self) -> Result<Option<LookupRow>> {
        match self.rows() {
            [] => Ok(None),
            [row] => Ok(Some(row.clone())),
            rows => Err(Error::usage(format!(
                "{} rows were found where one is asked for",
                rows.len()
            ))
            .during("get_single_row")),
        }
    }

    /// All rows found, in the order of their keys.
    ///
    /// # Errors
    ///
    /// None today; rows are checked when they come.
    pub fn get_rows(&self) -> Result<Vec<LookupRow>> {
        Ok(self.rows().to_vec())
    }

    /// All rows found, in the order of their keys.
    pub fn rows(&self) -> &[LookupRow] {
        match &self.rows {
            Rows::None => &[],
            Rows::One(row) => std::slice::from_ref(row),
            Rows::Many(rows) => rows,
        }
    }

    /// All rows found, taken out.
    pub fn into_rows(self) -> Vec<LookupRow> {
        match self.rows {
            Rows::None => Vec::new(),
            Rows::One(row) => vec![row],
            Rows::Many(rows) => rows,
        }
    }

    /// How many rows were found.
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }

    /// The rows as an Arrow batch with the columns of the table; one without rows if nothing was found.
    ///
    /// # Errors
    ///
    /// A value that does not fit its column.
    pub fn to_record_batch(&self) -> Result<RecordBatch> {
        crate::lookup::record_batch(self.lookuper.info.row_type(), self.rows())
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

impl fmt::Debug for Lookuper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookuper")
            .field("table", self.inner.info.table_path())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LookupResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rows()).finish()
    }
}
