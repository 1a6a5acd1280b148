//! Frames on their way into the socket: small ones side by side, record batches from where they lie.

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

/// Frames up to this size are copied next to their neighbours: one long write is cheaper than a list of short ones.
const SMALL: usize = 1024;
/// Bytes put ready for the socket before the rest waits. What waits can still be taken back; what is ready is written to its end.
const READY_MAX: usize = 256 * 1024;

/// The writing half of a driver.
#[derive(Default)]
pub(super) struct Outgoings {
    /// Put ready: from here on a frame goes out whole.
    ready: Segments,
    waiting: VecDeque<(i32, Segments)>,
    /// Since when the socket has taken nothing, though there is something to be written.
    blocked_since: Option<Instant>,
    /// Whether the stream may still hold back something that was written.
    unflushed: bool,
}

impl Outgoings {
    pub(super) fn push(&mut self, id: i32, frame: Segments) {
        self.waiting.push_back((id, frame));
    }

    /// Since when the socket has taken nothing, though there is something to be written.
    pub(super) fn blocked_since(&self) -> Option<Instant> {
        self.blocked_since
    }

    /// Writes what the socket takes now. Requests that nobody waits for any more are left out.
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
