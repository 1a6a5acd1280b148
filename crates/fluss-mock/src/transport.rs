//! Writes responses to a stream, as altered by fault rules.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use fluss_wire::Segments;
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame::RequestFrame;
use tokio::io::{self, AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::fault::{Fault, INJECTED, Mangled, Next, Timing, with_bucket_errors};
use crate::reply::failure;

/// The largest frame that servers accept by default, in bytes.
pub(crate) const MAX_FRAME_BYTES: usize = 100 << 20;
/// The number of responses that may wait for the client to read them; at the limit, its next request is not read.
pub(crate) const WAITING_ANSWERS: usize = 64;

/// What to do with the stream.
pub(crate) enum Outgoing {
    Answer(Segments),
    Mangled(Mangled),
    /// Sends nothing, and nothing after it.
    Next(Next),
}

impl Outgoing {
    /// Whether anything may follow.
    pub(crate) fn continues(&self) -> bool {
        matches!(
            self,
            Self::Answer(_)
                | Self::Mangled(Mangled {
                    next: Next::Continue,
                    ..
                })
        )
    }
}

/// How a rule alters a response.
pub(crate) struct Alteration {
    pub(crate) request: RequestFrame,
    pub(crate) timing: Timing,
    pub(crate) bucket: Option<i32>,
}

impl Alteration {
    /// What is sent instead of the response, if anything.
    pub(crate) fn apply(&self, answer: Segments) -> Option<Outgoing> {
        let fault = match self.timing {
            Timing::Mangle(mangle) => return Some(Outgoing::Mangled(mangle.apply(answer))),
            Timing::Before(fault) | Timing::After(fault) => fault,
        };
        match fault {
            Fault::Error(code) => Some(refusal(&self.request, code)),
            Fault::BucketError(code) => Some(
                with_bucket_errors(&self.request, self.bucket, code, &answer)
                    .map_or_else(|| refusal(&self.request, code), Outgoing::Answer),
            ),
            Fault::Drop => None,
            Fault::Delay(_) => Some(Outgoing::Answer(answer)),
            Fault::Stall => Some(Outgoing::Next(Next::Stall)),
            Fault::Close => Some(Outgoing::Next(Next::Close)),
        }
    }

    pub(crate) fn delay(&self) -> Option<Duration> {
        match self.timing {
            Timing::After(Fault::Delay(time)) => Some(time),
            _ => None,
        }
    }
}

pub(crate) fn refusal(request: &RequestFrame, code: ErrorCode) -> Outgoing {
    let error = ServerError::new(code, INJECTED);
    Outgoing::Answer(failure(request.request_id, &error))
}

/// Returns when the connection is to be closed.
pub(crate) async fn write<S: AsyncWrite>(
    mut writer: WriteHalf<S>,
    mut waiting: mpsc::Receiver<Outgoing>,
) {
    while let Some(outgoing) = waiting.recv().await {
        let (written, next) = match outgoing {
            Outgoing::Answer(mut answer) => {
                (writer.write_all_buf(&mut answer).await, Next::Continue)
            }
            Outgoing::Mangled(mangled) => {
                let written = drip(&mut writer, mangled.bytes, mangled.pace).await;
                (written, mangled.next)
            }
            Outgoing::Next(next) => (Ok(()), next),
        };
        match next {
            _ if written.is_err() => return,
            Next::Continue => {}
            Next::Close => return,
            Next::Stall => return pending().await,
        }
    }
}

async fn drip<S: AsyncWrite>(
    writer: &mut WriteHalf<S>,
    mut bytes: Bytes,
    pace: Option<(usize, Duration)>,
) -> io::Result<()> {
    let Some((piece, every)) = pace else {
        return writer.write_all(&bytes).await;
    };
    while !bytes.is_empty() {
        sleep(every).await;
        let piece = bytes.split_to(piece.clamp(1, bytes.len()));
        writer.write_all(&piece).await?;
        writer.flush().await?;
    }
    Ok(())
}
