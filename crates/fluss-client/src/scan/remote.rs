//! Reading log segments that the servers moved to remote storage, a piece at a time.

use bytes::Bytes;
use tokio::time::Instant;
use tracing::{Instrument, debug, debug_span};

use super::decode::{Begins, split};
use super::deliver::{Decode, decode};
use super::projection::Source;
use super::shared::Shared;
use crate::engine::scan::{Answer, RemotePlan};
use crate::error::{Cause, Error, Result};
use crate::remote::{Location, ReadFault};

/// Bytes in front of a batch's length and those of the length itself: what is needed to know how long a batch is.
const LENGTH_PREFIX: usize = 12;

/// Reads the next piece of a segment and hands over its batches.
pub(super) async fn run(shared: &Shared, plan: RemotePlan) {
    let bucket = plan.bucket;
    shared.metrics.remote_requests.increment(1);
    let outcome = read_batches(shared, &plan)
        .instrument(debug_span!("remote_read", ?bucket, offset = plan.offset))
        .await;
    let now = Instant::now().into_std();
    let (answer, batches) = match outcome {
        Ok(Read::Piece(read, bytes)) => {
            shared.metrics.remote_bytes.increment(bytes as u64);
            let mut batches = split(&read, wanted_offset(&plan), Begins::AtOrBefore);
            let answer = match batches.whole_bytes {
                0 => Answer::Failed(batches.broken.take().map_or_else(
                    || Error::corrupt("a remote segment ends within a batch"),
                    |broken| broken.error,
                )),
                whole => Answer::RemoteRead {
                    bytes: whole,
                    next_offset: batches.next_offset,
                    cursor: plan.cursor.advance(whole as u64),
                },
            };
            (answer, Some(batches))
        }
        // The segment is gone, or cannot be read now: the server knows where its records are by now.
        Ok(Read::NotNow(error)) => {
            shared.metrics.remote_errors.increment(1);
            (shared.retry(&bucket, error), None)
        }
        Err(error) => {
            shared.metrics.remote_errors.increment(1);
            (Answer::Failed(error), None)
        }
    };
    let wanted = {
        let mut engine = shared.engine();
        let ticket = engine.on_answer(&bucket, plan.generation, answer, now);
        ticket
            .zip(batches)
            .map(|(ticket, batches)| (ticket, batches.admitted(&mut engine, &bucket, plan.offset)))
    };
    shared.work.notify_one();
    match wanted {
        Some((ticket, wanted)) => {
            decode(
                shared,
                Decode {
                    bucket,
                    ticket,
                    from: wanted.from,
                    batches: wanted.batches,
                    broken: wanted.broken,
                    source: Source::Whole,
                },
            )
            .await;
        }
        None => shared.data.notify_one(),
    }
}

/// The offset that the batches must hold: where the segment begins, if it is read from the earliest one on.
fn wanted_offset(plan: &RemotePlan) -> i64 {
    match plan.cursor.segments.front() {
        Some(segment) if plan.offset < 0 && plan.cursor.position == 0 => segment.start_offset,
        _ => plan.offset,
    }
}

/// What came of reading a segment.
enum Read {
    /// Bytes, and how many were read for them.
    Piece(Bytes, usize),
    /// The file is not there, or not readable now.
    NotNow(Error),
}

/// At least one whole batch from the cursor on.
async fn read_batches(shared: &Shared, plan: &RemotePlan) -> Result<Read> {
    let Some(segment) = plan.cursor.segments.front() else {
        return Err(Error::corrupt("there is no remote segment left to read"));
    };
    let context = shared.context();
    let location = Location::of(&plan.cursor.dir, &segment.file())?;
    let start = plan.cursor.position;
    let left = usize::try_from(segment.size.saturating_sub(start)).unwrap_or(usize::MAX);
    let most = context.config.scanner_max_batch_bytes;
    let mut wanted = plan.max_bytes.max(LENGTH_PREFIX).min(left);
    loop {
        let range = start..start.saturating_add(wanted as u64);
        let piece = match shared.remote.read(context, &location, range).await {
            Ok(piece) => piece,
            Err(ReadFault::Passing(why)) => {
                debug!(?location, why, "remote segment not read");
                return Ok(Read::NotNow(Error::new(Cause::RemoteSegment {
                    segment: segment.id.clone(),
                    store: plan.cursor.dir.clone(),
                    why,
                })));
            }
            Err(ReadFault::Final(error)) => return Err(error),
        };
        let needed = first_batch_size(&piece);
        if needed <= piece.len() || wanted >= left {
            return Ok(Read::Piece(piece.clone(), piece.len()));
        }
        if needed > most {
            return Err(Error::corrupt(format!(
                "a batch of {needed} bytes at byte {start} of segment {}, at most {most} are read",
                segment.id
            )));
        }
        wanted = needed.min(left);
    }
}

/// Size of the first batch, as far as its first bytes tell.
fn first_batch_size(piece: &[u8]) -> usize {
    let length = piece
        .get(8..LENGTH_PREFIX)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, i32::from_le_bytes);
    LENGTH_PREFIX + usize::try_from(length).unwrap_or(0)
}
