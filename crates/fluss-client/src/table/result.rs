//! What became of a written row.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fluss_metadata::TableBucket;

use crate::engine::write::Wish;
use crate::error::Result;
use crate::write::{Completion, NOT_WAITING, Written, WrittenOffset};

/// Where a row was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteResult {
    bucket: TableBucket,
    offset: Option<i64>,
}

impl WriteResult {
    fn new(written: &Written, index: u32) -> Self {
        let offset = match written.offset {
            WrittenOffset::First(offset) => Some(offset + i64::from(index)),
            WrittenOffset::End(offset) => Some(offset),
            WrittenOffset::Unknown => None,
        };
        Self {
            bucket: written.bucket,
            offset,
        }
    }

    /// The bucket, with its partition if the table has any.
    pub fn bucket(&self) -> TableBucket {
        self.bucket
    }

    /// For an append: the offset of the row. For an upsert or delete: the offset after the last change that the row's batch made to the
    /// changelog, so that a reader who is there has seen the row.
    ///
    /// `None` if the server did not tell, as when the answer to a first attempt was lost.
    pub fn offset(&self) -> Option<i64> {
        self.offset
    }
}

/// The result of writing one row, as a future.
///
/// The row is on its way whether this is awaited or not: dropping it means "fire and forget". Awaiting it makes the row's batch urgent:
/// it goes out as soon as nothing else of its bucket is under way, instead of waiting for more rows. Rows awaited together still share a
/// batch. It may be awaited on any runtime, and costs no allocation.
///
/// # Cancel safety
///
/// Dropping it at any point changes nothing about the row.
pub struct WriteResultFuture {
    batch: Arc<Completion>,
    index: u32,
    /// The place among those who wait for the batch.
    place: u32,
}

impl WriteResultFuture {
    #[inline]
    pub(crate) fn new(batch: Arc<Completion>, index: u32) -> Self {
        Self {
            batch,
            index,
            place: NOT_WAITING,
        }
    }

    /// The result, if it is known already; does not hurry the row.
    pub fn try_result(&self) -> Option<Result<WriteResult>> {
        self.batch.outcome().map(|outcome| self.result(outcome))
    }

    fn result(&self, outcome: &Result<Written>) -> Result<WriteResult> {
        match outcome {
            Ok(written) => Ok(WriteResult::new(written, self.index)),
            Err(error) => Err(error.clone()),
        }
    }
}

impl Future for WriteResultFuture {
    type Output = Result<WriteResult>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match this.batch.poll(Wish::Urgent, &mut this.place, context) {
            Poll::Ready(outcome) => Poll::Ready(this.result(outcome)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for WriteResultFuture {
    #[inline]
    fn drop(&mut self) {
        if self.place != NOT_WAITING {
            self.batch.forget(self.place);
        }
    }
}

impl fmt::Debug for WriteResultFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteResultFuture")
            .field("index", &self.index)
            .field("result", &self.try_result())
            .finish_non_exhaustive()
    }
}

/// The results of an Arrow batch, as a future: one for each piece that it was split into, with the bucket of the piece and the offset of
/// its first row.
///
/// Like a [`WriteResultFuture`], it may be dropped, and awaiting it makes the rows urgent.
///
/// # Cancel safety
///
/// Dropping it at any point changes nothing about the rows.
#[derive(Debug)]
pub struct BatchWriteFuture {
    pieces: Vec<WriteResultFuture>,
    /// Results so far.
    done: Vec<WriteResult>,
}

impl BatchWriteFuture {
    pub(crate) fn new(pieces: Vec<WriteResultFuture>) -> Self {
        Self {
            pieces,
            done: Vec::new(),
        }
    }
}

impl Future for BatchWriteFuture {
    type Output = Result<Vec<WriteResult>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.done.is_empty() {
            // All pieces become urgent, not only the first that is not there yet.
            for piece in &this.pieces {
                piece.batch.want(Wish::Urgent);
            }
        }
        while let Some(piece) = this.pieces.get_mut(this.done.len()) {
            match Pin::new(piece).poll(context) {
                Poll::Ready(Ok(result)) => this.done.push(result),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(std::mem::take(&mut this.done)))
    }
}
