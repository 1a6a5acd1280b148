//! Streams of rows and batches.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fluss_metadata::TableBucket;
use futures::Stream;
use tokio::time::Instant;

use super::batches::RecordBatchLogScanner;
use super::batches::batch;
use super::decode::LogChunk;
use super::records::{ScanBatch, ScanRecord};
use super::rows::LogScanner;
use super::scanner::Scanner;
use crate::clock::FAR_AWAY;
use crate::engine::scan::Taken;
use crate::error::{Error, Result};
use crate::turn::poll_turn;

/// A stream of the rows of a scan, with their buckets. Created by [`LogScanner::into_stream`].
///
/// It ends when every bucket was read to its end ([`LogScanner::read_until`]) or failed. An unbounded stream never
/// ends. A bucket's error is returned once; the other buckets keep going. Transient failures are also returned if
/// they last longer than [`Config::call_timeout`](crate::Config::call_timeout), while retries continue.
///
/// # Cancel safety
///
/// `next` is cancel safe: a row leaves the stream only when it is returned.
pub struct RecordStream {
    scanner: LogScanner,
    source: Source,
    /// The bucket, the batch and its remaining rows.
    current: Option<Taken<LogChunk>>,
}

/// A stream of the Arrow batches of a scan. Created by [`RecordBatchLogScanner::into_stream`]. It ends, fails and can
/// be canceled like [`RecordStream`].
pub struct ScanBatchStream {
    scanner: RecordBatchLogScanner,
    source: Source,
}

/// What was taken out of a scanner, and the wait for more.
#[derive(Default)]
struct Source {
    taken: VecDeque<Taken<LogChunk>>,
    wait: Option<Pin<Box<dyn Future<Output = Woken> + Send>>>,
    over: bool,
}

/// Why a wait ended.
enum Woken {
    Data,
    TimedOut,
    Closed,
}

impl Source {
    /// The next run of rows.
    fn poll_taken(
        &mut self,
        scanner: &Scanner,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Taken<LogChunk>>>> {
        loop {
            if let Some(taken) = self.taken.pop_front() {
                return Poll::Ready(Some(Ok(taken)));
            }
            if self.over {
                return Poll::Ready(None);
            }
            match scanner.take("stream") {
                Ok(Some(polled)) => {
                    scanner.shared.metrics.on_poll();
                    self.taken = polled.taken.into();
                    continue;
                }
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
            let (over, unused) = {
                let engine = scanner.shared.engine();
                (engine.is_over(), engine.is_empty() && !engine.is_finished())
            };
            if over {
                self.over = true;
                let nothing = unused.then(|| {
                    let error = Error::usage("no bucket is subscribed").during("stream");
                    Err(scanner.shared.error(error))
                });
                return Poll::Ready(nothing);
            }
            let wait = self.wait.get_or_insert_with(|| wait(scanner));
            let woken = ready!(wait.as_mut().poll(cx));
            self.wait = None;
            if matches!(woken, Woken::Closed) {
                if let Some(polled) = scanner.take("stream")? {
                    self.taken = polled.taken.into();
                    continue;
                }
                self.over = true;
                let closed = Error::closed("the connection").during("stream");
                return Poll::Ready(Some(Err(scanner.shared.error(closed))));
            }
            if matches!(woken, Woken::TimedOut)
                && let Some(error) = scanner.passing_failure()
            {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }

    /// The offset of the next row of a bucket among those that were taken out.
    fn next_offset(&self, bucket: &TableBucket) -> Option<i64> {
        let taken = self.taken.iter().find(|taken| taken.bucket == *bucket)?;
        Some(taken.chunk.offset(taken.rows.start))
    }
}

/// Waits until there may be something to take, or a failure has lasted for long.
fn wait(scanner: &Scanner) -> Pin<Box<dyn Future<Output = Woken> + Send>> {
    let shared = Arc::clone(&scanner.shared);
    let patience = shared.context().config.call_timeout.min(FAR_AWAY);
    let sleep = shared.sleep_until(Instant::now() + patience);
    Box::pin(async move {
        tokio::select! {
            biased;
            () = shared.data.notified() => Woken::Data,
            slept = sleep => slept.map_or(Woken::Closed, |()| Woken::TimedOut),
        }
    })
}

impl LogScanner {
    /// Turns the scanner into a stream of rows, in the order in which polls would return them.
    pub fn into_stream(self) -> RecordStream {
        RecordStream::new(self)
    }
}

impl RecordStream {
    pub(super) fn new(scanner: LogScanner) -> Self {
        Self {
            scanner,
            source: Source::default(),
            current: None,
        }
    }

    /// Returns the scanner, so that you can subscribe and unsubscribe while the stream is running. After you
    /// unsubscribe from a bucket, rows that were already taken from the scanner are still returned, at most
    /// [`Config::scanner_max_poll_records`](crate::Config::scanner_max_poll_records).
    pub fn scanner(&self) -> &LogScanner {
        &self.scanner
    }

    /// Returns the offset after the last row of a bucket that this stream returned, including empty batches, or
    /// `None` if you are not subscribed to the bucket.
    pub fn position(&self, bucket: &TableBucket) -> Option<i64> {
        let current = self
            .current
            .as_ref()
            .filter(|taken| taken.bucket == *bucket && !taken.rows.is_empty())
            .map(|taken| taken.chunk.offset(taken.rows.start));
        current
            .or_else(|| self.source.next_offset(bucket))
            .or_else(|| self.scanner.scanner.position_of(bucket))
    }
}

impl Stream for RecordStream {
    type Item = Result<(TableBucket, ScanRecord)>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let turn = ready!(poll_turn(cx));
        let this = self.get_mut();
        loop {
            if let Some(taken) = &mut this.current
                && let Some(row) = taken.rows.next()
            {
                let chunk = &taken.chunk;
                let record = ScanRecord::new(
                    chunk.row(row),
                    chunk.offset(row),
                    chunk.timestamp(),
                    chunk.change_type(row),
                );
                turn.made_progress();
                return Poll::Ready(Some(Ok((taken.bucket, record))));
            }
            this.current = None;
            let taken = ready!(this.source.poll_taken(&this.scanner.scanner, cx));
            turn.made_progress();
            match taken {
                Some(Ok(taken)) => this.current = Some(taken),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl RecordBatchLogScanner {
    /// Turns the scanner into a stream of batches, in the order in which polls would return them.
    pub fn into_stream(self) -> ScanBatchStream {
        ScanBatchStream::new(self)
    }
}

impl ScanBatchStream {
    pub(super) fn new(scanner: RecordBatchLogScanner) -> Self {
        Self {
            scanner,
            source: Source::default(),
        }
    }

    /// Returns the scanner, so that you can subscribe and unsubscribe while the stream is running. After you
    /// unsubscribe from a bucket, batches that were already taken from the scanner are still returned.
    pub fn scanner(&self) -> &RecordBatchLogScanner {
        &self.scanner
    }

    /// Returns the offset after the last row of a bucket that this stream returned, including empty batches, or
    /// `None` if you are not subscribed to the bucket.
    pub fn position(&self, bucket: &TableBucket) -> Option<i64> {
        self.source
            .next_offset(bucket)
            .or_else(|| self.scanner.scanner.position_of(bucket))
    }
}

impl Stream for ScanBatchStream {
    type Item = Result<ScanBatch>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let turn = ready!(poll_turn(cx));
        let this = self.get_mut();
        let taken = ready!(this.source.poll_taken(&this.scanner.scanner, cx));
        turn.made_progress();
        Poll::Ready(taken.map(|taken| batch(taken?)))
    }
}

impl fmt::Debug for RecordStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordStream")
            .field("scanner", &self.scanner)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ScanBatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanBatchStream")
            .field("scanner", &self.scanner)
            .finish_non_exhaustive()
    }
}
