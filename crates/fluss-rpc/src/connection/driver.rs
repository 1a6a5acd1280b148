//! The task that owns a socket and its requests in flight: it writes, reads and enforces deadlines.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fluss_wire::frame::{Response, decode_response};
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::debug;

use super::Shared;
use super::incoming::Incoming;
use super::outbox::{Left, Outgoing, Queued};
use super::outgoing::Outgoings;
use super::pending::{Entry, Pending};
use super::silence::Silence;
use crate::config::RpcConfig;
use crate::error::{DisconnectCause, Phase, RpcError};
use crate::transport::Transport;

/// Maximum reads in a row before yielding to other tasks.
const MAX_READS: usize = 16;

/// Why a driver ended its connection.
enum End {
    /// The driver found a problem.
    Found(DisconnectCause),
    /// The handles closed it or were all dropped.
    Asked,
}

impl From<DisconnectCause> for End {
    fn from(cause: DisconnectCause) -> Self {
        Self::Found(cause)
    }
}

/// The state of a driver. When it is dropped, because its task or runtime ends, all waiters are notified.
pub(super) struct Driver {
    stream: Box<dyn Transport>,
    incoming: Incoming,
    outgoing: Outgoings,
    pending: Pending,
    silence: Silence,
    /// Kept to reuse its memory.
    left: Left,
    /// Whether requests were held back for one turn, see [`Driver::waits_for_company`].
    lingered: bool,
    last_use: Instant,
    idle_timeout: Duration,
    stall_timeout: Duration,
    shared: Arc<Shared>,
    end: End,
}

impl Driver {
    pub(super) fn new(stream: Box<dyn Transport>, shared: Arc<Shared>, config: &RpcConfig) -> Self {
        let now = Instant::now();
        Self {
            stream,
            incoming: Incoming::new(config.max_frame_size),
            outgoing: Outgoings::default(),
            pending: Pending::default(),
            silence: Silence::new(config.request_timeout, now),
            left: Left::default(),
            lingered: false,
            last_use: now,
            idle_timeout: config.idle_timeout,
            stall_timeout: config.request_timeout,
            shared,
            end: End::Asked,
        }
    }

    /// Drives the connection to its end.
    pub(super) async fn run(mut self) {
        let mut timer = Box::pin(sleep_until(self.next_wake()));
        self.end = poll_fn(|cx| self.poll(cx, timer.as_mut())).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>, timer: Pin<&mut Sleep>) -> Poll<End> {
        self.shared.outbox.register(cx.waker());
        match self.poll_all(cx, timer) {
            Ok(()) => Poll::Pending,
            Err(end) => Poll::Ready(end),
        }
    }

    fn poll_all(&mut self, cx: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Result<(), End> {
        let busy = !self.pending.is_empty();
        let more = self.take_left()?;
        if busy && more && self.waits_for_company(cx) {
            return Ok(());
        }
        self.lingered = false;
        self.write(cx)?;
        self.read(cx)?;
        loop {
            // Only moved forward: a timer that fires too early costs less than moving it with each request.
            let wake = self.next_wake();
            if wake < timer.deadline() {
                timer.as_mut().reset(wake);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
            self.on_time(Instant::now())?;
            let wake = self.next_wake();
            timer.as_mut().reset(wake);
        }
    }

    /// The next time at which something may be due.
    fn next_wake(&self) -> Instant {
        let idle = || far(self.last_use, self.idle_timeout);
        let wake = self.pending.next_deadline().unwrap_or_else(idle);
        let blocked = self.outgoing.blocked_since();
        [
            blocked.map(|since| far(since, self.stall_timeout)),
            self.silence.next_check(),
            self.incoming.release_at(),
        ]
        .into_iter()
        .flatten()
        .fold(wake, Instant::min)
    }

    /// Holds requests back once, until the tasks that are ready had their turn. Responses arrive in bursts, and the
    /// tasks that got them send the next requests one after another. If the runtime ran this task after each of them,
    /// it would write each request separately. A request never waits if nothing is in flight.
    fn waits_for_company(&mut self, cx: &mut Context<'_>) -> bool {
        self.lingered = !self.lingered;
        if self.lingered {
            cx.waker().wake_by_ref();
        }
        self.lingered
    }

    /// Takes what the handles queued, and returns whether there were requests.
    fn take_left(&mut self) -> Result<bool, End> {
        if self.shared.outbox.take(&mut self.left).is_err() {
            return Err(End::Asked);
        }
        let more = !self.left.queued.is_empty();
        if more {
            self.last_use = Instant::now();
        }
        for Queued {
            id,
            outgoing,
            frame,
        } in self.left.queued.drain(..)
        {
            self.outgoing.push(id, frame);
            let entry = Entry {
                request: outgoing,
                written: false,
            };
            self.pending.insert(id, entry);
        }
        for id in self.left.cancelled.drain(..) {
            // The server owes the response even if the caller gave up: impatient callers must not hide that a server
            // is gone.
            if let Some(Entry { request, written }) = self.pending.remove(id)
                && written
            {
                self.silence.on_abandoned(request.since, request.deadline);
            }
        }
        Ok(more)
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        self.outgoing
            .write(
                self.stream.as_mut(),
                &mut self.pending,
                &mut self.silence,
                cx,
            )
            .map_err(|source| DisconnectCause::Io { source }.into())
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        for _ in 0..MAX_READS {
            match self.incoming.poll_read(self.stream.as_mut(), cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(0)) => return Err(DisconnectCause::ByServer.into()),
                Poll::Ready(Ok(count)) => self.on_data(count)?,
                Poll::Ready(Err(source)) => return Err(DisconnectCause::Io { source }.into()),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn on_data(&mut self, count: usize) -> Result<(), End> {
        let mut frames = 0_usize;
        while let Some(frame) = self
            .incoming
            .next_frame()
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
                    return Err(DisconnectCause::Failure { error }.into());
                }
            }
        }
        if self.silence.is_broken_by(frames, count) {
            let now = Instant::now();
            self.last_use = now;
            self.silence.on_sign_of_life(now, !self.pending.is_empty());
        }
        Ok(())
    }

    /// Delivers a response to its caller. A response with an unknown id is late; it is counted and dropped.
    fn answer(
        &mut self,
        id: i32,
        outcome: impl FnOnce(&Outgoing, &Arc<str>) -> Result<Bytes, RpcError>,
    ) {
        if let Some(Entry { request, .. }) = self.pending.remove(id) {
            let outcome = outcome(&request, &self.shared.server);
            // An error means that the caller is gone.
            let _ = request.answer.send(outcome);
        } else {
            self.shared.count_unmatched();
            debug!(server = %self.shared.server, id, "ignored a response that no caller waits for");
        }
    }

    fn on_time(&mut self, now: Instant) -> Result<(), End> {
        self.incoming.release(now);
        let mut silent = self.silence.proven_by_abandoned(now);
        for Entry { request, written } in self.pending.take_due(now) {
            if written && self.silence.is_proven(request.since, now) {
                silent = Some(now - request.since);
            }
            let error = RpcError::Timeout {
                api: request.api,
                server: Arc::clone(&self.shared.server),
                phase: if written { Phase::Answer } else { Phase::Queue },
                waited: now - request.since,
            };
            let _ = request.answer.send(Err(error));
        }
        if let Some(waited) = silent {
            return Err(DisconnectCause::Silent { waited }.into());
        }
        if let Some(since) = self.outgoing.blocked_since()
            && now - since >= self.stall_timeout
        {
            let waited = now - since;
            return Err(DisconnectCause::Stalled { waited }.into());
        }
        let idle = now - self.last_use;
        if self.pending.is_empty() && idle >= self.idle_timeout {
            return Err(DisconnectCause::Idle { idle }.into());
        }
        Ok(())
    }
}

impl Drop for Driver {
    /// Fails all waiters with the reason why the connection ended.
    fn drop(&mut self) {
        let cause = match std::mem::replace(&mut self.end, End::Asked) {
            End::Found(cause) => cause,
            End::Asked => DisconnectCause::Local,
        };
        let cause = self.shared.outbox.close(cause);
        debug!(server = %self.shared.server, %cause, "connection ended");
        self.shared.in_flight.close();
        // What was taken last, when the connection was closed, and what was queued since: `take` swaps the two.
        let mut queued = std::mem::take(&mut self.left.queued);
        // The error only says that the connection has ended, which is known.
        let _ = self.shared.outbox.take(&mut self.left);
        queued.append(&mut self.left.queued);
        let queued = queued.into_iter().map(|queued| Entry {
            request: queued.outgoing,
            written: false,
        });
        for Entry { request, written } in self.pending.take_all().into_iter().chain(queued) {
            let error = RpcError::Disconnected {
                server: Arc::clone(&self.shared.server),
                cause: Arc::clone(&cause),
                sent: written,
            };
            let _ = request.answer.send(Err(error));
        }
    }
}

/// `from` plus `duration`, without overflow.
fn far(from: Instant, duration: Duration) -> Instant {
    from.checked_add(duration)
        .unwrap_or_else(|| crate::deadline::after(duration))
}
