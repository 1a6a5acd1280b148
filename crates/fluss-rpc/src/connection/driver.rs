//! The task that owns a socket: writes requests, reads answers, keeps deadlines.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use fluss_wire::Segments;
use fluss_wire::frame::{FrameDecoder, Response, decode_response};
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::io::{poll_read_buf, poll_write_buf};
use tracing::debug;

use super::Shared;
use super::outbox::{Outgoing, Queued};
use super::pending::Pending;
use crate::error::{DisconnectCause, Phase, RpcError};
use crate::transport::Transport;

/// Least room for one read, in bytes.
const READ_CHUNK: usize = 16 * 1024;
/// Most room made for one read, whatever length a frame announces: memory grows as data comes, not as it is promised.
const MAX_READ_CHUNK: usize = 1024 * 1024;
/// Reads in a row before other tasks get their turn.
const MAX_READS: usize = 16;

/// Drives the connection until it ends, then tells everybody why.
pub(super) async fn run(
    stream: Box<dyn Transport>,
    shared: Arc<Shared>,
    max_frame_size: usize,
    idle_timeout: Duration,
) {
    let mut driver = Driver {
        stream,
        decoder: FrameDecoder::new(max_frame_size),
        received: BytesMut::new(),
        outgoing: OutQueue::default(),
        taken: Vec::new(),
        pending: Pending::default(),
        last_frame_at: Instant::now(),
        last_use: Instant::now(),
        idle_timeout,
        shared,
    };
    let mut timer = Box::pin(sleep_until(driver.next_wake()));
    let cause = poll_fn(|cx| driver.poll(cx, timer.as_mut())).await;
    driver.end(cause);
}

struct Driver {
    stream: Box<dyn Transport>,
    decoder: FrameDecoder,
    received: BytesMut,
    outgoing: OutQueue,
    /// Kept for its memory.
    taken: Vec<Queued>,
    pending: Pending,
    /// When the last whole frame came.
    last_frame_at: Instant,
    last_use: Instant,
    idle_timeout: Duration,
    shared: Arc<Shared>,
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<DisconnectCause> {
        self.shared.outbox.register(cx.waker());
        if self.shared.outbox.cause().is_some() {
            return Poll::Ready(DisconnectCause::Local);
        }
        self.take_requests();
        if let Err(cause) = self.write(cx).and_then(|()| self.read(cx)) {
            return Poll::Ready(cause);
        }
        loop {
            let wake = self.next_wake();
            if timer.deadline() != wake {
                timer.as_mut().reset(wake);
            }
            match timer.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => {
                    if let Err(cause) = self.on_time(Instant::now()) {
                        return Poll::Ready(cause);
                    }
                }
            }
        }
    }

    fn next_wake(&self) -> Instant {
        self.pending
            .next_deadline()
            .unwrap_or(self.last_use + self.idle_timeout)
    }

    fn take_requests(&mut self) {
        self.shared.outbox.take(&mut self.taken);
        if self.taken.is_empty() {
            return;
        }
        self.last_use = Instant::now();
        for Queued {
            id,
            outgoing,
            frame,
        } in self.taken.drain(..)
        {
            // Whoever asked may have gone away: then nobody needs the answer, and the server need not work.
            if !outgoing.answer.is_closed() {
                self.outgoing.push(frame);
                self.pending.insert(id, outgoing);
            }
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), DisconnectCause> {
        let mut wrote = false;
        while self.outgoing.has_remaining() {
            match poll_write_buf(Pin::new(&mut self.stream), cx, &mut self.outgoing) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => {
                    return Err(DisconnectCause::Io {
                        source: io::ErrorKind::WriteZero.into(),
                    });
                }
                Poll::Ready(Ok(_)) => wrote = true,
                Poll::Ready(Err(source)) => return Err(DisconnectCause::Io { source }),
            }
        }
        if wrote && let Poll::Ready(Err(source)) = Pin::new(&mut self.stream).poll_flush(cx) {
            return Err(DisconnectCause::Io { source });
        }
        Ok(())
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), DisconnectCause> {
        for _ in 0..MAX_READS {
            self.received
                .reserve(self.decoder.needed().clamp(READ_CHUNK, MAX_READ_CHUNK));
            match poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.received) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(DisconnectCause::ByServer),
                Poll::Ready(Ok(_)) => self.on_data()?,
                Poll::Ready(Err(source)) => return Err(DisconnectCause::Io { source }),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn on_data(&mut self) -> Result<(), DisconnectCause> {
        let mut frames = 0;
        while let Some(frame) = self
            .decoder
            .decode(&mut self.received)
            .map_err(|source| DisconnectCause::Frame { source })?
        {
            frames += 1;
            match decode_response(frame).map_err(|source| DisconnectCause::Frame { source })? {
                Response::Success { request_id, body } => self.answer(request_id, |_, _| Ok(body)),
                Response::Error { request_id, error } => {
                    self.answer(request_id, |request, server| {
                        Err(RpcError::Server {
                            api: request.api,
                            server: Arc::clone(server),
                            error,
                        })
                    });
                }
                Response::ServerFailure { error } => {
                    return Err(DisconnectCause::Failure { error });
                }
            }
        }
        if frames > 0 {
            self.last_frame_at = Instant::now();
        }
        Ok(())
    }

    /// Hands an answer to whoever asked. An id that nobody waits for is a late answer, and ignored.
    fn answer(
        &mut self,
        id: i32,
        outcome: impl FnOnce(&Outgoing, &Arc<str>) -> Result<Bytes, RpcError>,
    ) {
        match self.pending.remove(id) {
            Some(request) => {
                let outcome = outcome(&request, &self.shared.server);
                // An error here says that the caller has gone away.
                let _ = request.answer.send(outcome);
            }
            None => {
                debug!(server = %self.shared.server, id, "ignored an answer that nobody waits for")
            }
        }
    }

    fn on_time(&mut self, now: Instant) -> Result<(), DisconnectCause> {
        let mut silent = None;
        for request in self.pending.take_due(now) {
            let waited = now - request.sent_at;
            if self.last_frame_at < request.sent_at {
                silent = Some(waited);
            }
            let error = RpcError::Timeout {
                api: request.api,
                server: Arc::clone(&self.shared.server),
                phase: Phase::Answer,
                waited,
            };
            let _ = request.answer.send(Err(error));
        }
        if let Some(waited) = silent {
            return Err(DisconnectCause::Silent { waited });
        }
        let idle = now - self.last_use;
        if self.pending.is_empty() && idle >= self.idle_timeout {
            return Err(DisconnectCause::Idle { idle });
        }
        Ok(())
    }

    /// Tells everybody who waits why the connection ended.
    fn end(mut self, cause: DisconnectCause) {
        let cause = self.shared.outbox.close(cause);
        debug!(server = %self.shared.server, %cause, "connection ended");
        self.shared.in_flight.close();
        self.shared.outbox.take(&mut self.taken);
        let waiting = self
            .pending
            .take_all()
            .into_iter()
            .chain(self.taken.drain(..).map(|queued| queued.outgoing));
        for request in waiting {
            let error = RpcError::Disconnected {
                server: Arc::clone(&self.shared.server),
                cause: Arc::clone(&cause),
            };
            let _ = request.answer.send(Err(error));
        }
    }
}

/// Frames to be written, as one buffer: the socket gets many small ones in one call, and large pieces uncopied.
#[derive(Default)]
struct OutQueue {
    frames: VecDeque<Segments>,
    remaining: usize,
}

impl OutQueue {
    fn push(&mut self, frame: Segments) {
        self.remaining += frame.len_bytes();
        self.frames.push_back(frame);
    }
}

impl Buf for OutQueue {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        self.frames.front().map_or(&[], Buf::chunk)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for frame in &self.frames {
            match slices.get_mut(filled..) {
                Some(rest) if !rest.is_empty() => filled += frame.chunks_vectored(rest),
                _ => break,
            }
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        self.remaining -= count;
        while let Some(frame) = self.frames.front_mut() {
            let step = count.min(frame.remaining());
            frame.advance(step);
            count -= step;
            if frame.has_remaining() {
                break;
            }
            self.frames.pop_front();
        }
    }
}
