//! Which of the connections to a server a request travels over.

use fluss_metadata::TableBucket;

/// One of the connections to a server, counted from 0.
///
/// A server works through the requests of one connection in order, so requests that must keep their order take the same lane. Everything
/// that is read of or written to a bucket does: see [`Lane::for_bucket`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lane(usize);

impl Lane {
    /// The first connection, which carries what concerns no bucket.
    pub const FIRST: Self = Self(0);

    /// The lane of a bucket where there are `connections` to each server.
    ///
    /// The buckets of a partition take the connections in turn. Which of them comes first follows from a hash of the partition, or of
    /// the table where there are none, so that partitions of one bucket each use all connections, too.
    pub fn for_bucket(bucket: &TableBucket, connections: usize) -> Self {
        // Multiplying by the golden ratio spreads ids that follow each other: Knuth, The Art of Computer Programming 3, 6.4.
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let owner = bucket.partition_id().unwrap_or_else(|| bucket.table_id());
        let first = (owner as u64).wrapping_mul(GOLDEN) >> 33;
        let lane = first + u64::from(bucket.bucket_id().unsigned_abs());
        Self((lane % connections.max(1) as u64) as usize)
    }

    /// The connection of this number.
    pub const fn new(index: usize) -> Self {
        Self(index)
    }

    /// All lanes to a server.
    pub fn all(connections: usize) -> impl Iterator<Item = Self> {
        (0..connections.max(1)).map(Self)
    }

    /// Returns the number of the connection.
    pub fn index(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn buckets_take_all_lanes_in_turn_and_so_do_partitions_of_one_bucket() {
        for connections in [1, 2, 3, 4, 8] {
            let lanes = |buckets: &mut dyn Iterator<Item = TableBucket>| {
                let lane = |bucket: TableBucket| Lane::for_bucket(&bucket, connections).index();
                buckets.map(lane).collect::<Vec<_>>()
            };
            let in_turn = lanes(&mut (0..connections as i32).map(|id| TableBucket::new(7, id)));
            assert_eq!(in_turn.iter().collect::<HashSet<_>>().len(), connections);
            let partitions = (0..100).map(|id| TableBucket::new_with_partition(7, Some(id), 0));
            let spread = lanes(&mut { partitions });
            let of = |lane| spread.iter().filter(|other| **other == lane).count();
            assert!(
                (0..connections).all(|lane| of(lane) >= 50 / connections),
                "{spread:?}"
            );
        }
    }

    #[test]
    fn a_bucket_has_one_lane_whatever_its_ids() {
        for bucket in [
            TableBucket::new(i64::MAX, i32::MIN),
            TableBucket::new(-1, i32::MAX),
        ] {
            assert_eq!(Lane::for_bucket(&bucket, 5), Lane::for_bucket(&bucket, 5));
            assert_eq!(Lane::for_bucket(&bucket, 0), Lane::FIRST);
        }
    }
}
