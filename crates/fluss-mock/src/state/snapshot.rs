//! Snapshots of the rows of a bucket: which there are, and how long they stay.
//!
//! Real servers take them again and again, as long as there is something new. Here one is taken when somebody asks, if one would
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
    /// The changes before it are in it.
    pub(crate) log_offset: i64,
    /// When it was taken, in milliseconds since 1970.
    taken: i64,
}

impl Snapshots {
    /// Takes one if there is something new and the last one is old enough; forgets those before it that nobody holds.
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
