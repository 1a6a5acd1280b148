//! Frames being written to the socket: small ones are combined, record batches are written without a copy.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use fluss_wire::Segments;
use tokio::time::Instant;
use tokio_util::io::poll_write_buf;

use super::pending::Pending;
use super::silence::Silence;
use crate::transport::Transport;

/// Frames up to this size are copied next to each other: one long write is cheaper than many short ones.
const SMALL: usize = 1024;
/// Maximum bytes prepared for the socket. Requests that are still queued can be canceled; prepared ones are written
/// completely.
const READY_MAX: usize = 256 * 1024;

/// The writing half of a driver.
#[derive(Default)]
pub(super) struct Outgoings {
    /// Prepared frames, which are always written completely.
    ready: Segments,
    waiting: VecDeque<(i32, Segments)>,
    /// Since when the socket has accepted nothing although there is something to write.
    blocked_since: Option<Instant>,
    /// Whether the stream may still buffer something that was written.
    unflushed: bool,
}

impl Outgoings {
    pub(super) fn push(&mut self, id: i32, frame: Segments) {
        self.waiting.push_back((id, frame));
    }

    /// Since when the socket has accepted nothing although there is something to write.
    pub(super) fn blocked_since(&self) -> Option<Instant> {
        self.blocked_since
    }

    /// Writes what the socket accepts now. Canceled requests are skipped.
    pub(super) fn write(
        &mut self,
        stream: &mut dyn Transport,
        pending: &mut Pending,
        silence: &mut Silence,
        cx: &mut Context<'_>,
    ) -> io::Result<()> {
        loop {
            self.make_ready(pending, silence);
            if !self.ready.has_remaining() {
                break;
            }
            match poll_write_buf(Pin::new(&mut *stream), cx, &mut self.ready) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(_)) => {
                    self.unflushed = true;
                    self.blocked_since = None;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.blocked_since.get_or_insert_with(Instant::now);
                    break;
                }
            }
        }
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(stream).poll_flush(cx)
        {
            self.unflushed = false;
            return flushed;
        }
        Ok(())
    }

    fn make_ready(&mut self, pending: &mut Pending, silence: &mut Silence) {
        while self.ready.remaining() < READY_MAX {
            let Some((id, mut frame)) = self.waiting.pop_front() else {
                return;
            };
            let Some(since) = pending.start_writing(id) else {
                continue;
            };
            silence.on_asked(since);
            if frame.len_bytes() <= SMALL {
                while frame.has_remaining() {
                    let chunk = frame.chunk();
                    let length = chunk.len();
                    self.ready.tail_mut().extend_from_slice(chunk);
                    frame.advance(length);
                }
            } else {
                for part in frame {
                    self.ready.push(part);
                }
            }
        }
    }
}
