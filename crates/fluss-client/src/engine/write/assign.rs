//! Which bucket a row without a bucket key goes to.

/// The bucket after `current` among `buckets`, going round, that has a leader; the plain next one if none has.
///
/// DIFFERS: Java picks the next sticky bucket at random. Going round spreads batches evenly, so that the batches of a
/// fast producer are in flight to all buckets at once; only the first bucket is random.
pub(crate) fn next_bucket(
    current: u32,
    buckets: u32,
    mut has_leader: impl FnMut(u32) -> bool,
) -> u32 {
    let buckets = buckets.max(1);
    let after = |steps: u32| ((u64::from(current) + u64::from(steps)) % u64::from(buckets)) as u32;
    (1..=buckets)
        .map(after)
        .find(|bucket| has_leader(*bucket))
        .unwrap_or_else(|| after(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_bucket_with_a_leader_is_taken() {
        let cases: [(&str, u32, u32, &[u32], u32); 6] = [
            ("all have one", 0, 3, &[0, 1, 2], 1),
            ("round", 2, 3, &[0, 1, 2], 0),
            ("one is skipped", 0, 3, &[0, 2], 2),
            ("only the current one", 1, 3, &[1], 1),
            ("none", 1, 3, &[], 2),
            ("a table of one bucket", 0, 1, &[0], 0),
        ];
        for (name, current, buckets, leaders, expected) in cases {
            assert_eq!(
                next_bucket(current, buckets, |bucket| leaders.contains(&bucket)),
                expected,
                "{name}"
            );
        }
    }
}
