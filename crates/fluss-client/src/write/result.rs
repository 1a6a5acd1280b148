//! The results of writes.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fluss_metadata::TableBucket;

use super::completion::{Completion, NOT_WAITING, Outcome, RowPlace, Written, WrittenOffset};
use crate::engine::write::Urgency;
use crate::error::{Error, Result};
use crate::turn::poll_turn;

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

    /// Returns the bucket, with its partition if the table is partitioned.
    pub fn bucket(&self) -> TableBucket {
        self.bucket
    }

    /// For an append, returns the offset of the row. For an upsert or delete, returns the changelog offset just past
    /// this row's batch; a reader at that offset has seen the row.
    ///
    /// `None` if the server did not report it, for example because the response to a first attempt was lost.
    pub fn offset(&self) -> Option<i64> {
        self.offset
    }
}

/// The result of writing one row, as a future.
///
/// The row is sent whether or not you await this; drop it to "fire and forget". Awaiting it makes the batch of the
/// row urgent: it is sent as soon as no other batch of its bucket is in flight, instead of waiting for more rows.
/// Rows awaited together still share a batch. You can await it on any runtime, and it costs no allocation.
///
/// # Cancel safety
///
/// Cancel safe: dropping it does not affect the row.
pub struct WriteResultFuture {
    batch: Arc<Completion>,
    index: u32,
    /// The position in the batch's list of waiters.
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

    /// Returns the result if it is known already. Does not make the row urgent.
    pub fn try_result(&self) -> Option<Result<WriteResult>> {
        let (result, batch) = self.peek()?;
        if result.is_err() {
            batch.set_reported();
        }
        Some(result)
    }

    /// The result, and the batch that contains the row.
    fn peek(&self) -> Option<(Result<WriteResult>, &Completion)> {
        let (mut batch, mut index) = (&self.batch, self.index);
        loop {
            match batch.outcome()? {
                Outcome::Written(written) => {
                    return Some((Ok(WriteResult::new(written, index)), batch));
                }
                Outcome::Failed(error) => return Some((Err(error.clone()), batch)),
                Outcome::Moved(places) => match places.get(index as usize) {
                    Some(place) => (batch, index) = (&place.batch, place.index),
                    None => return Some((Err(lost()), batch)),
                },
            }
        }
    }
}

impl WriteResultFuture {
    /// Waits for the batch to complete; `None` if its rows moved to other batches.
    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<WriteResult>>> {
        let index = self.index;
        let batch = &self.batch;
        batch
            .poll(Urgency::Urgent, &mut self.place, context)
            .map(|outcome| match outcome {
                Outcome::Written(written) => Some(Ok(WriteResult::new(written, index))),
                Outcome::Failed(error) => {
                    batch.set_reported();
                    Some(Err(error.clone()))
                }
                Outcome::Moved(places) if places.len() <= index as usize => Some(Err(lost())),
                Outcome::Moved(_) => None,
            })
    }

    /// Waits for the batch that the row has moved to, if it has.
    #[cold]
    fn follow(&mut self) {
        if let Some(Outcome::Moved(places)) = self.batch.outcome()
            && let Some(RowPlace { batch, index }) = places.get(self.index as usize).cloned()
        {
            *self = Self::new(batch, index);
        }
    }
}

#[cold]
fn lost() -> Error {
    Error::internal("the batch does not contain the row")
}

impl Future for WriteResultFuture {
    type Output = Result<WriteResult>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let turn = ready!(poll_turn(context));
        let this = &mut *self;
        loop {
            match this.poll_batch(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(result)) => {
                    turn.made_progress();
                    return Poll::Ready(result);
                }
                Poll::Ready(None) => this.follow(),
            }
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
            .field("result", &self.peek().map(|(result, _)| result))
            .finish_non_exhaustive()
    }
}

/// The results of writing an Arrow batch, as a future: one per piece that the batch was split into, with the bucket
/// of the piece and the offset of its first row.
///
/// Like a [`WriteResultFuture`], you can drop it, and awaiting it makes the rows urgent.
///
/// # Cancel safety
///
/// Cancel safe: dropping it does not affect the rows.
#[derive(Debug)]
pub struct BatchWriteFuture {
    pieces: VecDeque<Piece>,
    /// Results so far.
    done: Vec<WriteResult>,
}

/// Consecutive rows of one batch.
#[derive(Debug)]
struct Piece {
    first: WriteResultFuture,
    rows: u32,
}

impl BatchWriteFuture {
    /// Takes the first row of each piece and its number of rows.
    pub(crate) fn new(pieces: impl IntoIterator<Item = (WriteResultFuture, u32)>) -> Self {
        let pieces = pieces.into_iter();
        Self {
            pieces: pieces.map(|(first, rows)| Piece { first, rows }).collect(),
            done: Vec::new(),
        }
    }
}

impl Piece {
    /// If the rows moved, returns the pieces that contain them now, one per batch.
    fn moved(&self) -> Option<Vec<Self>> {
        let Some(Outcome::Moved(places)) = self.first.batch.outcome() else {
            return None;
        };
        let rows = places.iter().skip(self.first.index as usize);
        let mut pieces: Vec<Self> = Vec::new();
        for place in rows.take(self.rows as usize) {
            let is_in = |piece: &&mut Self| Arc::ptr_eq(&piece.first.batch, &place.batch);
            match pieces.iter_mut().find(is_in) {
                // Rows keep their order when they move, and only rows of other pieces come between them, so the
                // batch's completion is theirs.
                Some(piece) => piece.rows = place.index - piece.first.index + 1,
                None => pieces.push(Self {
                    first: WriteResultFuture::new(Arc::clone(&place.batch), place.index),
                    rows: 1,
                }),
            }
        }
        Some(pieces)
    }
}

impl Future for BatchWriteFuture {
    type Output = Result<Vec<WriteResult>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.done.is_empty() {
            // All pieces become urgent, not only the first incomplete one.
            for piece in &this.pieces {
                piece.first.batch.want(Urgency::Urgent);
            }
        }
        let turn = ready!(poll_turn(context));
        while let Some(mut piece) = this.pieces.pop_front() {
            if let Some(moved) = piece.moved() {
                for piece in moved.into_iter().rev() {
                    piece.first.batch.want(Urgency::Urgent);
                    this.pieces.push_front(piece);
                }
                continue;
            }
            match piece.first.poll_batch(context) {
                Poll::Ready(Some(result)) => {
                    turn.made_progress();
                    this.done.push(result?);
                }
                // It moved.
                Poll::Ready(None) => this.pieces.push_front(piece),
                Poll::Pending => {
                    this.pieces.push_front(piece);
                    return Poll::Pending;
                }
            }
        }
        turn.made_progress();
        Poll::Ready(Ok(std::mem::take(&mut this.done)))
    }
}
