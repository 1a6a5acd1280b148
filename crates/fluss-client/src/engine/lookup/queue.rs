//! The lookups that wait for one connection to one server, and how they are packed.

use std::collections::VecDeque;

/// Number of keys that justify a separate request while another one is in flight.
const WORTH_A_REQUEST: usize = 64;

/// The bounds that the configuration sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PackLimits {
    /// Most keys of a request.
    pub(crate) max_keys: usize,
    /// Maximum number of requests in flight.
    pub(crate) max_in_flight: usize,
}

/// A queue of lookups `E`, grouped by what may share a request (`G`: table and kind).
///
/// A lookup is sent immediately if nothing is in flight. Otherwise lookups are collected, and a further request is
/// sent once there are enough of them, so that a thousand callers keep a few well-filled requests in flight instead
/// of a single one.
#[derive(Debug)]
pub(crate) struct LookupQueue<G, E> {
    limits: PackLimits,
    groups: VecDeque<(G, VecDeque<E>)>,
    /// Of a group that was sent whole, kept for its memory.
    spare: VecDeque<E>,
    waiting: usize,
    in_flight: usize,
}

impl<G: Clone + PartialEq, E> LookupQueue<G, E> {
    pub(crate) fn new(limits: PackLimits) -> Self {
        Self {
            limits,
            groups: VecDeque::new(),
            spare: VecDeque::new(),
            waiting: 0,
            in_flight: 0,
        }
    }

    /// Adds a lookup. Returns whether a request can go out that could not before.
    pub(crate) fn push(&mut self, group: &G, entry: E) -> bool {
        let could = self.can_send();
        if let Some((_, entries)) = self.groups.iter_mut().find(|(other, _)| other == group) {
            entries.push_back(entry);
        } else {
            let mut entries = std::mem::take(&mut self.spare);
            entries.push_back(entry);
            self.groups.push_back((group.clone(), entries));
        }
        self.waiting += 1;
        !could && self.can_send()
    }

    fn can_send(&self) -> bool {
        self.waiting > 0
            && (self.in_flight == 0
                || (self.in_flight < self.limits.max_in_flight && self.waiting >= WORTH_A_REQUEST))
    }

    /// Takes the next request, which counts as in flight from then on.
    pub(crate) fn next_request(&mut self) -> Option<(G, Vec<E>)> {
        if !self.can_send() {
            return None;
        }
        self.take_request()
    }

    /// Like [`next_request`](Self::next_request), however few lookups are waiting: they have waited long enough for
    /// the requests in flight.
    pub(crate) fn overdue_request(&mut self) -> Option<(G, Vec<E>)> {
        if self.in_flight >= self.limits.max_in_flight {
            return None;
        }
        self.take_request()
    }

    fn take_request(&mut self) -> Option<(G, Vec<E>)> {
        let (group, mut entries) = self.groups.pop_front()?;
        let free = self
            .limits
            .max_in_flight
            .saturating_sub(self.in_flight)
            .max(1);
        let share = entries
            .len()
            .div_ceil(free)
            .max(WORTH_A_REQUEST)
            .min(self.limits.max_keys)
            .min(entries.len());
        let packed: Vec<E> = entries.drain(..share).collect();
        if entries.is_empty() {
            self.spare = entries;
        } else {
            self.groups.push_back((group.clone(), entries));
        }
        self.waiting -= packed.len();
        self.in_flight += 1;
        Some((group, packed))
    }

    /// Takes in that a request ended, however it ended.
    pub(crate) fn on_request_end(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Takes out the lookups that `picks` picks.
    pub(crate) fn remove(&mut self, picks: impl Fn(&E) -> bool) -> Vec<E> {
        let mut removed = Vec::new();
        for (_, entries) in &mut self.groups {
            if entries.iter().any(&picks) {
                let all = std::mem::take(entries);
                let (gone, stay): (VecDeque<_>, VecDeque<_>) = all.into_iter().partition(&picks);
                removed.extend(gone);
                *entries = stay;
            }
        }
        self.groups.retain(|(_, entries)| !entries.is_empty());
        self.waiting -= removed.len();
        removed
    }

    /// Empties the queue.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = E> {
        self.waiting = 0;
        std::mem::take(&mut self.groups)
            .into_iter()
            .flat_map(|(_, entries)| entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(max_keys: usize, max_in_flight: usize) -> LookupQueue<u8, usize> {
        LookupQueue::new(PackLimits {
            max_keys,
            max_in_flight,
        })
    }

    #[test]
    fn a_lone_lookup_goes_out_at_once_and_the_next_ones_gather_behind_it() {
        let mut queue = queue(128, 4);
        assert!(queue.push(&0, 1));
        assert_eq!(queue.next_request(), Some((0, vec![1])));
        for entry in 2..10 {
            assert!(!queue.push(&0, entry));
        }
        assert_eq!(queue.next_request(), None);
        queue.on_request_end();
        assert_eq!(queue.next_request(), Some((0, (2..10).collect())));
    }

    #[test]
    fn lookups_that_waited_long_go_out_beside_a_slow_request_or_are_taken_out() {
        let mut queue = queue(128, 2);
        queue.push(&0, 1);
        assert_eq!(queue.next_request(), Some((0, vec![1])));
        queue.push(&0, 2);
        queue.push(&1, 3);
        assert_eq!(queue.next_request(), None);
        assert_eq!(queue.overdue_request(), Some((0, vec![2])));
        queue.push(&1, 4);
        assert_eq!(queue.overdue_request(), None, "no more than two");
        assert_eq!(queue.remove(|entry| *entry == 3), [3]);
        queue.on_request_end();
        queue.on_request_end();
        assert_eq!(queue.next_request(), Some((1, vec![4])));
        assert!(queue.remove(|_| true).is_empty());
        assert_eq!(queue.overdue_request(), None, "nothing waits");
    }

    #[test]
    fn many_waiting_lookups_are_spread_over_the_requests_that_may_be_under_way() {
        let cases = [
            // keys waiting, most keys, most requests, sizes of the requests that go out
            (512, 1024, 4, vec![128, 128, 128, 128]),
            (512, 100, 4, vec![100, 100, 100, 100]),
            (100, 1024, 4, vec![64]),
            (130, 1024, 4, vec![64, 64]),
            (512, 1024, 1, vec![512]),
            (3, 1024, 4, vec![3]),
        ];
        for (waiting, max_keys, max_in_flight, expected) in cases {
            let mut queue = queue(max_keys, max_in_flight);
            for entry in 0..waiting {
                queue.push(&0, entry);
            }
            let sizes: Vec<_> = std::iter::from_fn(|| queue.next_request())
                .map(|(_, entries)| entries.len())
                .collect();
            assert_eq!(
                sizes, expected,
                "{waiting} waiting, {max_keys} keys, {max_in_flight} requests"
            );
        }
    }

    #[test]
    fn tables_take_turns_and_never_share_a_request() {
        let mut queue = queue(2, 1);
        for entry in 0..4 {
            queue.push(&0, entry);
        }
        queue.push(&1, 100);
        let mut seen = Vec::new();
        while let Some(request) = queue.next_request() {
            seen.push(request);
            queue.on_request_end();
        }
        assert_eq!(seen, vec![(0, vec![0, 1]), (1, vec![100]), (0, vec![2, 3])]);
    }

    #[test]
    fn a_push_tells_once_that_a_request_is_worth_it() {
        let mut queue = queue(1024, 4);
        assert!(queue.push(&0, 0));
        queue.next_request();
        let told: Vec<_> = (1..=2 * WORTH_A_REQUEST)
            .filter(|entry| queue.push(&0, *entry))
            .collect();
        assert_eq!(told, vec![WORTH_A_REQUEST]);
        assert_eq!(queue.drain().count(), 2 * WORTH_A_REQUEST);
        assert_eq!(queue.next_request(), None);
    }
}
