//! Detects servers that no longer respond. Pure: time is passed in.

use std::time::Duration;

use tokio::time::Instant;

/// Shorter silence proves nothing, however short the deadline of a request is.
const LEAST: Duration = Duration::from_secs(1);
/// A partial frame is a sign of life once this many bytes of it arrived. A server that sends very slowly gives none.
const PROGRESS: usize = 64 * 1024;

/// Watches for signs of life while responses are due.
#[derive(Debug)]
pub(super) struct Silence {
    last_sign: Instant,
    /// Since when a response has been due without a sign of life.
    due_since: Option<Instant>,
    /// The first request abandoned by its caller since the last sign of life: when it was made, and the latest time
    /// for its response.
    abandoned: Option<(Instant, Instant)>,
    /// Bytes received since the last sign of life.
    bytes: usize,
    least: Duration,
}

impl Silence {
    pub(super) fn new(request_timeout: Duration, now: Instant) -> Self {
        Self {
            last_sign: now,
            due_since: None,
            abandoned: None,
            bytes: 0,
            least: LEAST.min(request_timeout),
        }
    }

    /// Records that a request made at `asked` is being written.
    pub(super) fn on_asked(&mut self, asked: Instant) {
        self.due_since.get_or_insert(asked.max(self.last_sign));
    }

    /// Records that the caller of a written request was dropped. Its response was due by `deadline`.
    pub(super) fn on_abandoned(&mut self, asked: Instant, deadline: Instant) {
        if self.last_sign <= asked
            && self
                .abandoned
                .is_none_or(|(_, earliest)| deadline < earliest)
        {
            self.abandoned = Some((asked, deadline));
        }
    }

    /// When an abandoned request will prove silence, unless there is a sign of life first.
    pub(super) fn next_check(&self) -> Option<Instant> {
        let (_, deadline) = self.abandoned?;
        let least = self.due_since?.checked_add(self.least)?;
        Some(deadline.max(least))
    }

    /// How long an abandoned request has had no response, if that proves silence now.
    pub(super) fn proven_by_abandoned(&mut self, now: Instant) -> Option<Duration> {
        self.next_check().filter(|check| *check <= now)?;
        let (asked, _) = self.abandoned.take()?;
        self.is_proven(asked, now).then(|| now - asked)
    }

    /// Counts what was received, and returns whether that is a sign of life.
    pub(super) fn is_broken_by(&mut self, frames: usize, bytes: usize) -> bool {
        self.bytes += bytes;
        frames > 0 || self.bytes >= PROGRESS
    }

    /// Records a sign of life; more responses may be due.
    pub(super) fn on_sign_of_life(&mut self, now: Instant, more_due: bool) {
        self.last_sign = now;
        self.bytes = 0;
        self.abandoned = None;
        self.due_since = more_due.then_some(now);
    }

    /// Returns whether nothing was received since a request was made at `asked`, for long enough to be sure.
    pub(super) fn is_proven(&self, asked: Instant, now: Instant) -> bool {
        self.last_sign <= asked
            && self
                .due_since
                .is_some_and(|since| now.saturating_duration_since(since) >= self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_since_the_request_and_long_enough_counts() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut silence = Silence::new(Duration::from_secs(30), start);
        assert!(!silence.is_proven(at(0), at(5000)), "nothing was asked");
        silence.on_asked(at(0));
        assert!(!silence.is_proven(at(0), at(300)), "too short");
        assert!(silence.is_proven(at(0), at(1000)));
        silence.on_asked(at(900));
        assert!(
            silence.is_proven(at(900), at(1000)),
            "silent for longer than this request"
        );
        assert!(silence.is_broken_by(1, 20));
        silence.on_sign_of_life(at(1500), true);
        assert!(
            !silence.is_proven(at(900), at(9000)),
            "something came since"
        );
        silence.on_sign_of_life(at(9000), false);
        assert!(!silence.is_proven(at(9000), at(20_000)), "nothing is due");
    }

    #[test]
    fn a_request_that_was_abandoned_still_proves_silence_at_its_deadline() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut silence = Silence::new(Duration::from_secs(30), start);
        silence.on_asked(at(0));
        assert_eq!(silence.next_check(), None, "somebody waits");
        silence.on_abandoned(at(200), at(900));
        silence.on_abandoned(at(0), at(300));
        assert_eq!(silence.next_check(), Some(at(1000)), "not too short");
        assert_eq!(silence.proven_by_abandoned(at(999)), None);
        assert_eq!(
            silence.proven_by_abandoned(at(1000)),
            Some(Duration::from_secs(1))
        );
        silence.on_abandoned(at(0), at(5000));
        silence.on_sign_of_life(at(2000), true);
        silence.on_abandoned(at(1900), at(5000));
        assert_eq!(silence.next_check(), None, "something came since");
    }

    #[test]
    fn a_drip_is_no_sign_of_life_and_a_stream_is() {
        let mut silence = Silence::new(Duration::from_secs(30), Instant::now());
        assert!((0..60_000).all(|_| !silence.is_broken_by(0, 1)));
        assert!(silence.is_broken_by(0, 16 * 1024));
    }

    #[test]
    fn a_short_request_timeout_shortens_what_counts_as_silence() {
        let start = Instant::now();
        let mut silence = Silence::new(Duration::from_millis(50), start);
        silence.on_asked(start);
        assert!(silence.is_proven(start, start + Duration::from_millis(50)));
    }
}
