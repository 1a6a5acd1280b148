//! What became of a written row.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fluss_metadata::TableBucket;

use crate::engine::write::Wish;
use crate::error::{Error, Result};
use crate::turn::poll_turn;
use crate::write::{Completion, NOT_WAITING, Outcome, RowPlace, Written, WrittenOffset};

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
        let (result, batch) = self.peek()?;
        if result.is_err() {
            batch.tell();
        }
        Some(result)
    }

    /// The result, and the batch that the row came to.
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
    /// Waits for the end of the batch; `None` if its rows moved to others.
    fn poll_batch(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<WriteResult>>> {
        let index = self.index;
        let batch = &self.batch;
        batch
            .poll(Wish::Urgent, &mut self.place, context)
            .map(|outcome| match outcome {
                Outcome::Written(written) => Some(Ok(WriteResult::new(written, index))),
                Outcome::Failed(error) => {
                    batch.tell();
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
    Error::usage("the batch has no such row")
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
    pieces: VecDeque<Piece>,
    /// Results so far.
    done: Vec<WriteResult>,
}

/// Rows of one batch, one behind the other.
#[derive(Debug)]
struct Piece {
    first: WriteResultFuture,
    rows: u32,
}

impl BatchWriteFuture {
    /// The first row of each piece, and how many rows it has.
    pub(crate) fn new(pieces: impl IntoIterator<Item = (WriteResultFuture, u32)>) -> Self {
        let pieces = pieces.into_iter();
        Self {
            pieces: pieces.map(|(first, rows)| Piece { first, rows }).collect(),
            done: Vec::new(),
        }
    }
}

impl Piece {
    /// The pieces that the rows are in now, if they moved, by the batches they come to.
    fn moved(&self) -> Option<Vec<Self>> {
        let Some(Outcome::Moved(places)) = self.first.batch.outcome() else {
            return None;
        };
        let rows = places.iter().skip(self.first.index as usize);
        let mut pieces: Vec<Self> = Vec::new();
        for place in rows.take(self.rows as usize) {
            let is_in = |piece: &&mut Self| Arc::ptr_eq(&piece.first.batch, &place.batch);
            match pieces.iter_mut().find(is_in) {
                // Rows move in their order, and nothing comes between those of a batch but rows of others: its end is theirs.
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
            // All pieces become urgent, not only the first that is not there yet.
            for piece in &this.pieces {
                piece.first.batch.want(Wish::Urgent);
            }
        }
        let turn = ready!(poll_turn(context));
        while let Some(mut piece) = this.pieces.pop_front() {
            if let Some(moved) = piece.moved() {
                for piece in moved.into_iter().rev() {
                    piece.first.batch.want(Wish::Urgent);
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
