//! Reading every live row of a bucket of a primary-key table.

use std::collections::VecDeque;
use std::fmt;
use std::sync::OnceLock;

use arrow_array::RecordBatch;
use bytes::Bytes;
use fluss_metadata::TableBucket;
use tokio::sync::{Mutex, mpsc};

use super::kv_session::{KvSession, Page};
use super::projection::Projection;
use super::records::ScanBatch;
use super::values::ValueRows;
use crate::context::OpenContext;
use crate::error::{Error, ErrorKind, Result};

/// Reads every row that is in a bucket when the first batch is asked for.
pub(super) struct KvScan {
    context: OpenContext,
    values: ValueRows,
    bucket: TableBucket,
    state: Mutex<State>,
    log_offset: OnceLock<i64>,
}

enum State {
    /// No server was asked yet, or in vain.
    New,
    Reading {
        pages: mpsc::Receiver<Result<Page>>,
        /// Taken from there, and not yet read.
        page: Option<Bytes>,
        /// Read of it, and not yet handed out.
        batches: VecDeque<Result<RecordBatch>>,
        last: bool,
        /// Whether any rows were handed out, so that beginning again would repeat them.
        begun: bool,
    },
    Failed(Error),
    Done,
}

impl KvScan {
    pub(super) fn new(
        context: OpenContext,
        projection: Projection,
        bucket: TableBucket,
    ) -> Result<Self> {
        Ok(Self {
            context,
            values: ValueRows::new(projection)?,
            bucket,
            state: Mutex::new(State::New),
            log_offset: OnceLock::new(),
        })
    }

    /// The changelog offset after the rows of the scan, once it is known.
    pub(super) fn log_offset(&self) -> Option<i64> {
        self.log_offset.get().copied()
    }

    /// The next batch, or `None` after the last one.
    pub(super) async fn next_batch(&self) -> Result<Option<ScanBatch>> {
        self.next().await?.transpose()
    }

    /// Like [`next_batch`](Self::next_batch), or returns why a row cannot be read; the scan continues after it.
    pub(super) async fn next(&self) -> Result<Option<Result<ScanBatch>>> {
        let mut state = self.state.lock().await;
        let next = self.advance(&mut state).await;
        let next = next.map_err(|error| self.failed(error))?;
        Ok(next.map(|batch| batch.map_err(|error| self.failed(error))))
    }

    fn failed(&self, error: Error) -> Error {
        let error = if error.kind() == ErrorKind::Unsupported && error.server_code().is_none() {
            // The name of the missing API does not help users.
            Error::too_old(
                "a scan of all rows of a primary-key table needs servers of release 1.0 or later; with a limit, any server reads the first rows of each bucket",
            )
        } else {
            error
        };
        error
            .during("scan_kv")
            .of_table(self.values.projection().table().table_path())
            .of_bucket(self.bucket)
    }

    async fn advance(&self, state: &mut State) -> Result<Option<Result<ScanBatch>>> {
        loop {
            match state {
                State::New => {
                    let session = KvSession {
                        context: self.context.clone(),
                        table: self.values.projection().table().clone(),
                        bucket: self.bucket,
                    };
                    *state = State::Reading {
                        pages: session.start(),
                        page: None,
                        batches: VecDeque::new(),
                        last: false,
                        begun: false,
                    };
                }
                State::Failed(error) => return Err(error.clone()),
                State::Done => return Ok(None),
                State::Reading {
                    pages,
                    page,
                    batches,
                    last,
                    begun,
                } => {
                    if let Some(batch) = batches.pop_front() {
                        *begun = true;
                        let batch = batch.map(|batch| ScanBatch::new(self.bucket, batch, 0, None));
                        return Ok(Some(batch));
                    }
                    if let Some(records) = page {
                        let read = self.values.read(&self.context, records.clone(), usize::MAX);
                        *batches = read.await?;
                        *page = None;
                        continue;
                    }
                    if *last {
                        *state = State::Done;
                        continue;
                    }
                    let taken = pages.recv().await;
                    match taken.unwrap_or_else(|| Err(Error::closed("the connection"))) {
                        Ok(taken) => {
                            *page = taken.records;
                            *last = taken.last;
                            if let Some(offset) = taken.log_offset {
                                let _ = self.log_offset.set(offset);
                            }
                        }
                        Err(error) => {
                            *state = if *begun {
                                State::Failed(error.clone())
                            } else {
                                State::New
                            };
                            return Err(error);
                        }
                    }
                }
            }
        }
    }
}

impl fmt::Debug for KvScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvScan")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}
