//! What an error means for a lookup, and when it is tried again.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Instant;

use fluss_wire::error_code::ErrorCode;

/// What to do about an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookupFault {
    /// Again after a pause.
    Retry,
    /// Look up the leader again, and retry after a pause.
    RefreshAndRetry,
    /// There is no such partition, so there are no such rows.
    Missing,
    /// Tell the user.
    Fail,
}

/// Judges the error of a bucket in a lookup answer. Source: `LookupSender#handleLookupError` of the Java client.
pub(crate) fn judge(code: ErrorCode) -> LookupFault {
    if code == ErrorCode::PARTITION_NOT_EXISTS {
        LookupFault::Missing
    } else if !code.is_retriable() {
        LookupFault::Fail
    } else if code.invalidates_metadata() {
        LookupFault::RefreshAndRetry
    } else {
        LookupFault::Retry
    }
}

/// Lookups that pause before they are tried again.
#[derive(Debug)]
pub(crate) struct RetryQueue<E> {
    heap: BinaryHeap<Paused<E>>,
}

#[derive(Debug)]
struct Paused<E> {
    due: Instant,
    entry: E,
}

impl<E> RetryQueue<E> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
        }
    }

    pub(crate) fn push(&mut self, due: Instant, entry: E) {
        self.heap.push(Paused { due, entry });
    }

    /// When the first pause ends.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.heap.peek().map(|paused| paused.due)
    }

    /// Takes a lookup whose pause has ended.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<E> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|paused| paused.entry)
    }

    /// Empties the queue.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = E> {
        std::mem::take(&mut self.heap)
            .into_iter()
            .map(|paused| paused.entry)
    }
}

// A heap gives its greatest: the one that is due first.
impl<E> Ord for Paused<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.cmp(&self.due)
    }
}

impl<E> PartialOrd for Paused<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Paused<E> {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl<E> Eq for Paused<E> {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn errors_lead_to_what_the_table_says() {
        let cases = [
            (
                ErrorCode::NOT_LEADER_OR_FOLLOWER,
                LookupFault::RefreshAndRetry,
            ),
            (
                ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
                LookupFault::RefreshAndRetry,
            ),
            (ErrorCode::NETWORK_EXCEPTION, LookupFault::RefreshAndRetry),
            (ErrorCode::KV_STORAGE_EXCEPTION, LookupFault::Retry),
            (ErrorCode::SCHEMA_NOT_EXIST, LookupFault::Retry),
            (ErrorCode::PARTITION_NOT_EXISTS, LookupFault::Missing),
            (ErrorCode::AUTHORIZATION_EXCEPTION, LookupFault::Fail),
            (ErrorCode::UNKNOWN_SERVER_ERROR, LookupFault::Fail),
        ];
        for (code, expected) in cases {
            assert_eq!(judge(code), expected, "{code:?}");
        }
    }

    #[test]
    fn what_is_due_first_comes_first() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut queue = RetryQueue::new();
        for (due, entry) in [(30, 'c'), (10, 'a'), (20, 'b')] {
            queue.push(at(due), entry);
        }
        assert_eq!(queue.next_due(), Some(at(10)));
        assert_eq!(queue.pop_due(at(5)), None);
        let popped: Vec<_> = std::iter::from_fn(|| queue.pop_due(at(20))).collect();
        assert_eq!(popped, vec!['a', 'b']);
        assert_eq!(queue.drain().collect::<Vec<_>>(), vec!['c']);
    }
}
