//! Looking up rows by key.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use bytes::Bytes;
use fluss_metadata::TableInfo;
use fluss_row::InternalRow;
use fluss_row::kv::{LookupRow, ValueRecord};

use super::lookups::Lookups;
use super::plan::LookupPlan;
use super::target::Values;
use crate::context::OpenContext;
use crate::error::{Error, Result};
use crate::turn::take_turn;
use crate::values::{ValueReader, record_batch};

/// Looks up rows by key. Cheap to clone. Any number of lookups can be in flight at once, on one handle or several.
///
/// A lookup is sent immediately if no other is in flight to the same server. Otherwise lookups share the next request.
#[derive(Clone)]
pub struct Lookuper {
    inner: Arc<Inner>,
}

struct Inner {
    context: OpenContext,
    lookups: Lookups,
    info: TableInfo,
    plan: LookupPlan,
    values: ValueReader,
}

impl Lookuper {
    pub(crate) fn new(
        context: OpenContext,
        lookups: Lookups,
        info: &TableInfo,
        plan: LookupPlan,
    ) -> Result<Self> {
        let values = ValueReader::new(info)?;
        Ok(Self {
            inner: Arc::new(Inner {
                context,
                lookups,
                info: info.clone(),
                plan,
                values,
            }),
        })
    }

    /// Looks up the rows for a key.
    ///
    /// `key` contains only the columns of the lookup, in order: the primary key, including partition columns, or the
    /// columns passed to [`lookup_by`](crate::TableLookup::lookup_by). A missing row or partition is not an error; the
    /// result is empty.
    ///
    /// Transient failures are retried with backoff for at most [`Config::call_timeout`](crate::Config::call_timeout).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if the key does not fit the columns;
    /// [`ErrorKind::Timeout`](crate::error::ErrorKind::Timeout) or the last failure when the time is up; or the error
    /// of the server if it rejects the lookup.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the lookup may still be sent and its response is discarded. Other lookups are not
    /// affected.
    pub async fn lookup<R: InternalRow + ?Sized>(&self, key: &R) -> Result<LookupResult> {
        take_turn().await;
        let inner = &*self.inner;
        let resolved = inner.plan.resolve(&inner.context, key).await;
        let Some(key) = resolved.map_err(|error| self.failed(error))? else {
            return Ok(self.nothing());
        };
        let values = inner.lookups.lookup(&inner.plan, key).await?;
        self.read(values).await
    }

    /// Looks up the rows for several keys. The results are in the order of the keys. All lookups run concurrently and
    /// share requests.
    ///
    /// # Errors
    ///
    /// Returns the first error of any of them; see [`lookup`](Self::lookup).
    ///
    /// # Cancel safety
    ///
    /// The same as [`lookup`](Self::lookup).
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
            let resolved = inner.plan.resolve(&inner.context, &key).await;
            answers.push(match resolved.map_err(|error| self.failed(error))? {
                Some(key) => Some(inner.lookups.start(&inner.plan, key).await?),
                None => None,
            });
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

    /// Converts the rows of several results, in order, to one Arrow batch with the columns of the table.
    ///
    /// # Errors
    ///
    /// Returns an error if a value does not fit its column.
    pub fn to_record_batch(&self, results: &[LookupResult]) -> Result<RecordBatch> {
        let rows: Vec<&LookupRow> = results.iter().flat_map(LookupResult::rows).collect();
        record_batch(self.inner.info.row_type(), rows)
    }

    /// Returns the definition of the table.
    pub fn table_info(&self) -> &TableInfo {
        &self.inner.info
    }

    /// Decodes values to rows. Only waits if a schema is not known yet.
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
        // Boxed, because it is rare and would make every lookup larger.
        Box::pin(inner.values.read_record(&inner.context, record))
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

/// The rows found by a lookup.
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
    /// Returns the row for the key, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::error::ErrorKind::Usage) if there are several rows, which is only possible for a
    /// prefix lookup.
    pub fn get_single_row(&self) -> Result<Option<LookupRow>> {
        match self.rows() {
            [] => Ok(None),
            [row] => Ok(Some(row.clone())),
            rows => Err(Self::too_many(rows.len(), "get_single_row")),
        }
    }

    /// Takes the row for the key, or `None` if there is none. Like [`get_single_row`](Self::get_single_row), without
    /// keeping the result.
    ///
    /// # Errors
    ///
    /// The same as [`get_single_row`](Self::get_single_row).
    pub fn into_single_row(self) -> Result<Option<LookupRow>> {
        match self.rows {
            Rows::None => Ok(None),
            Rows::One(row) => Ok(Some(row)),
            Rows::Many(mut rows) if rows.len() < 2 => Ok(rows.pop()),
            Rows::Many(rows) => Err(Self::too_many(rows.len(), "into_single_row")),
        }
    }

    fn too_many(rows: usize, operation: &'static str) -> Error {
        Error::usage(format!("expected at most one row, found {rows}")).during(operation)
    }

    /// Returns all rows found, in key order.
    ///
    /// # Errors
    ///
    /// Currently never fails; rows are validated when they are received.
    pub fn get_rows(&self) -> Result<Vec<LookupRow>> {
        Ok(self.rows().to_vec())
    }

    /// Returns all rows found, in key order.
    pub fn rows(&self) -> &[LookupRow] {
        match &self.rows {
            Rows::None => &[],
            Rows::One(row) => std::slice::from_ref(row),
            Rows::Many(rows) => rows,
        }
    }

    /// Consumes the result and returns all rows found.
    pub fn into_rows(self) -> Vec<LookupRow> {
        match self.rows {
            Rows::None => Vec::new(),
            Rows::One(row) => vec![row],
            Rows::Many(rows) => rows,
        }
    }

    /// Returns the number of rows found.
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Returns whether no row was found.
    pub fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }

    /// Converts the rows to an Arrow batch with the columns of the table. The batch is empty if nothing was found.
    ///
    /// # Errors
    ///
    /// Returns an error if a value does not fit its column.
    pub fn to_record_batch(&self) -> Result<RecordBatch> {
        record_batch(self.lookuper.info.row_type(), self.rows())
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
