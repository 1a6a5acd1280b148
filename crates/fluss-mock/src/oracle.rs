//! Records what was written, and finds what is wrong with what is read.
//!
//! It trusts only the writers: each reports what it is about to write, and then whether the write was acknowledged. A
//! write that was not acknowledged may be stored or not, now or later: its response may have been lost.
//!
//! ```
//! use fluss_mock::oracle::{Oracle, Violation};
//!
//! let mut oracle = Oracle::default();
//! oracle.append(0, 7);
//! oracle.acknowledge_append(7);
//! assert_eq!(oracle.judge_logs([vec![7]]), []);
//! assert_eq!(oracle.judge_logs([vec![]]), [Violation::Lost { row: 7 }]);
//!
//! oracle.put(1, Some(10));
//! oracle.acknowledge_put(1, Some(10));
//! assert_eq!(oracle.judge_value(1, Some(10)), None);
//! assert!(oracle.judge_value(1, None).is_some());
//! ```

use std::collections::BTreeMap;

/// A broken guarantee.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// An acknowledged row is missing.
    Lost {
        /// The row.
        row: u64,
    },
    /// A row was read more than once.
    Duplicated {
        /// The row.
        row: u64,
    },
    /// Two acknowledged rows of one writer are in one log in the wrong order.
    Reordered {
        /// The row that was written first.
        first: u64,
        /// The row that was written second.
        second: u64,
    },
    /// A row was read that no writer wrote.
    Invented {
        /// The row.
        row: u64,
    },
    /// A key has a value that was replaced before the read, or that no writer wrote.
    Stale {
        /// The key.
        key: u64,
        /// The value that was read.
        read: Option<u64>,
        /// The value that was acknowledged last.
        acknowledged: Option<u64>,
    },
}

/// The record of what was written.
///
/// Rows are numbers, each written once. Keys are numbers, each written by one writer, which awaits the result before it
/// writes the key again.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    rows: BTreeMap<u64, Row>,
    keys: BTreeMap<u64, Key>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    writer: u64,
    place: u64,
    is_acknowledged: bool,
}

#[derive(Debug, Clone, Default)]
struct Key {
    acknowledged: Option<u64>,
    /// Values that may appear at any time.
    unknown: Vec<Option<u64>>,
}

impl Oracle {
    /// Records that a writer is about to append a row, after its previous ones.
    pub fn append(&mut self, writer: u64, row: u64) {
        let place = self.rows.len() as u64;
        let row_of = Row {
            writer,
            place,
            is_acknowledged: false,
        };
        self.rows.insert(row, row_of);
    }

    /// Records that the row was acknowledged.
    pub fn acknowledge_append(&mut self, row: u64) {
        if let Some(row) = self.rows.get_mut(&row) {
            row.is_acknowledged = true;
        }
    }

    /// Returns the number of acknowledged rows.
    pub fn acknowledged_appends(&self) -> usize {
        let rows = self.rows.values();
        rows.filter(|row| row.is_acknowledged).count()
    }

    /// Records that a writer is about to set the value of a key, or to delete the key.
    pub fn put(&mut self, key: u64, value: Option<u64>) {
        self.keys.entry(key).or_default().unknown.push(value);
    }

    /// Records that the write was acknowledged.
    pub fn acknowledge_put(&mut self, key: u64, value: Option<u64>) {
        let key = self.keys.entry(key).or_default();
        key.acknowledged = value;
        if let Some(place) = key.unknown.iter().rposition(|unknown| *unknown == value) {
            key.unknown.remove(place);
        }
    }

    /// Returns the keys that were written.
    pub fn keys(&self) -> impl Iterator<Item = u64> {
        self.keys.keys().copied()
    }

    /// Checks the logs of a table, one per bucket, each with its rows in the order of their offsets.
    pub fn judge_logs(&self, logs: impl IntoIterator<Item = Vec<u64>>) -> Vec<Violation> {
        let mut wrong = Vec::new();
        let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
        for log in logs {
            let mut last: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
            for row in log {
                *seen.entry(row).or_default() += 1;
                let Some(known) = self.rows.get(&row) else {
                    wrong.push(Violation::Invented { row });
                    continue;
                };
                if !known.is_acknowledged {
                    continue;
                }
                let before = last.insert(known.writer, (known.place, row));
                if let Some((place, second)) = before
                    && place > known.place
                {
                    wrong.push(Violation::Reordered { first: row, second });
                }
            }
        }
        let twice = seen.iter().filter(|(_, times)| **times > 1);
        wrong.extend(twice.map(|(row, _)| Violation::Duplicated { row: *row }));
        let lost = self.rows.iter();
        let lost = lost.filter(|(row, known)| known.is_acknowledged && !seen.contains_key(row));
        wrong.extend(lost.map(|(row, _)| Violation::Lost { row: *row }));
        wrong
    }

    /// Checks the value of a key that was read while no write to it was in flight.
    pub fn judge_value(&self, key: u64, read: Option<u64>) -> Option<Violation> {
        let known = self.keys.get(&key);
        let acknowledged = known.and_then(|known| known.acknowledged);
        let may_be =
            read == acknowledged || known.is_some_and(|known| known.unknown.contains(&read));
        (!may_be).then_some(Violation::Stale {
            key,
            read,
            acknowledged,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_violation_in_a_log_is_found() {
        let mut oracle = Oracle::default();
        for row in 0..4 {
            oracle.append(0, row);
        }
        oracle.append(1, 10);
        for row in [0, 1, 2, 10] {
            oracle.acknowledge_append(row);
        }
        assert_eq!(oracle.acknowledged_appends(), 4);
        let (first, second) = (1, 2);
        let cases = [
            (vec![vec![0, 1, 2, 10]], vec![]),
            (vec![vec![0, 10, 2], vec![1]], vec![]),
            // The row whose fate is unknown may be anywhere, once.
            (vec![vec![3, 0, 1, 2, 10]], vec![]),
            (vec![vec![0, 1, 2]], vec![Violation::Lost { row: 10 }]),
            (
                vec![vec![0, 2, 1, 10]],
                vec![Violation::Reordered { first, second }],
            ),
            (
                vec![vec![0, 1, 2, 3], vec![3, 10]],
                vec![Violation::Duplicated { row: 3 }],
            ),
            (
                vec![vec![0, 1, 2, 10, 11]],
                vec![Violation::Invented { row: 11 }],
            ),
        ];
        for (logs, expected) in cases {
            assert_eq!(oracle.judge_logs(logs.clone()), expected, "{logs:?}");
        }
    }

    #[test]
    fn a_key_has_the_value_acknowledged_last_or_one_of_unknown_fate() {
        let mut oracle = Oracle::default();
        oracle.put(1, Some(1));
        oracle.acknowledge_put(1, Some(1));
        oracle.put(1, Some(2));
        oracle.put(1, Some(3));
        oracle.acknowledge_put(1, Some(3));
        for (read, is_right) in [
            (Some(3), true),
            (Some(2), true),
            (Some(1), false),
            (None, false),
        ] {
            assert_eq!(oracle.judge_value(1, read).is_none(), is_right, "{read:?}");
        }
        assert_eq!(oracle.judge_value(2, None), None);
        assert_eq!(oracle.keys().collect::<Vec<_>>(), [1]);
    }
}
