//! The snapshots of the rows of a bucket.
//!
//! Real servers take them periodically while there are changes. Here one is taken on request, if a real server would
//! have been taken since.

use std::collections::BTreeSet;

/// The snapshots of a bucket, in the order in which they were taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshots {
    next_id: i64,
    kept: Vec<Snapshot>,
}

#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    pub(crate) id: i64,
    /// The snapshot contains the changes before this offset.
    pub(crate) log_offset: i64,
    /// When it was taken, in milliseconds since 1970.
    taken: i64,
}

impl Snapshots {
    /// Takes a snapshot if there are changes and the last one is old enough. Removes older ones without a lease.
    pub(crate) fn refresh(&mut self, end: i64, now: i64, interval: i64, held: &BTreeSet<i64>) {
        let is_due = self.kept.last().map_or(end > 0, |last| {
            last.log_offset < end && last.taken.saturating_add(interval) <= now
        });
        if is_due {
            self.kept.push(Snapshot {
                id: self.next_id,
                log_offset: end,
                taken: now,
            });
            self.next_id += 1;
        }
        let latest = self.latest().map(|latest| latest.id);
        self.kept
            .retain(|one| Some(one.id) == latest || held.contains(&one.id));
    }

    pub(crate) fn latest(&self) -> Option<&Snapshot> {
        self.kept.last()
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Snapshot> {
        self.kept.iter().find(|snapshot| snapshot.id == id)
    }

    pub(crate) fn all(&self) -> &[Snapshot] {
        &self.kept
    }
}
