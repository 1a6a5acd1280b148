//! What goes out on a connection in place of an answer, and how.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use fluss_wire::Segments;
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame::RequestFrame;
use tokio::io::{self, AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::fault::{Fault, INJECTED, Mangled, Then, What, into_answer};
use crate::reply::failure;

/// What is to be done with the stream.
pub(crate) enum Outgoing {
    Answer(Segments),
    Mangled(Mangled),
    /// Nothing, and nothing behind it.
    Then(Then),
}

impl Outgoing {
    /// Whether anything comes behind it.
    pub(crate) fn goes_on(&self) -> bool {
        matches!(
            self,
            Self::Answer(_)
                | Self::Mangled(Mangled {
                    then: Then::GoOn,
                    ..
                })
        )
    }
}

/// What becomes of an answer.
pub(crate) struct Change {
    pub(crate) request: RequestFrame,
    pub(crate) what: What,
    pub(crate) bucket: Option<i32>,
}

impl Change {
    /// What is sent in place of an answer, if anything is.
    pub(crate) fn apply(&self, answer: Segments) -> Option<Outgoing> {
        let fault = match self.what {
            What::Mangle(mangle) => return Some(Outgoing::Mangled(mangle.apply(answer))),
            What::Before(fault) | What::After(fault) => fault,
        };
        match fault {
            Fault::Error(code) => Some(refusal(&self.request, code)),
            Fault::BucketError(code) => Some(
                into_answer(&self.request, self.bucket, code, &answer)
                    .map_or_else(|| refusal(&self.request, code), Outgoing::Answer),
            ),
            Fault::Drop => None,
            Fault::Delay(_) => Some(Outgoing::Answer(answer)),
            Fault::Stall => Some(Outgoing::Then(Then::Stall)),
            Fault::Close => Some(Outgoing::Then(Then::Close)),
        }
    }

    pub(crate) fn delay(&self) -> Option<Duration> {
        match self.what {
            What::After(Fault::Delay(time)) => Some(time),
            _ => None,
        }
    }
}

pub(crate) fn refusal(request: &RequestFrame, code: ErrorCode) -> Outgoing {
    let error = ServerError::new(code, INJECTED);
    Outgoing::Answer(failure(request.request_id, &error))
}

/// Ends when the connection is to be closed.
pub(crate) async fn write<S: AsyncWrite>(
    mut writer: WriteHalf<S>,
    mut waiting: mpsc::Receiver<Outgoing>,
) {
    while let Some(outgoing) = waiting.recv().await {
        let (written, then) = match outgoing {
            Outgoing::Answer(mut answer) => (writer.write_all_buf(&mut answer).await, Then::GoOn),
            Outgoing::Mangled(mangled) => {
                let written = drip(&mut writer, mangled.bytes, mangled.pace).await;
                (written, mangled.then)
            }
            Outgoing::Then(then) => (Ok(()), then),
        };
        match then {
            _ if written.is_err() => return,
            Then::GoOn => {}
            Then::Close => return,
            Then::Stall => return pending().await,
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
