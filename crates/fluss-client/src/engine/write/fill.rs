//! When a batch is full, and in what steps it takes memory.

/// Part of the batch size at which a batch counts as full, so that the row after it need not be refused. Source:
/// `ArrowWriter.java: BUFFER_USAGE_RATIO`.
const FULL_AT: f32 = 0.95;
/// The most by which uncompressed rows may exceed the batch size, however well they compress.
const MAX_EXPANSION: usize = 8;
/// What one batch may take of the whole write buffer before it is compressed, as a divisor: with fewer than four
/// batches in the buffer, filling, sealing and sending could not overlap.
const BUFFER_SHARE: usize = 4;

/// Smallest and largest step in which an open batch takes memory from the write buffer.
const FIRST_STEP: usize = 4 * 1024;
const LONGEST_STEP: usize = 64 * 1024;
/// Share of the buffer that a step takes at most, as a divisor.
const STEP_SHARE: usize = 64;

/// The uncompressed bytes at which an open batch is full.
///
/// `ratio` is the expected size after compression, as a part of the size before it.
pub(crate) fn full_at(batch_size: usize, buffer_size: usize, ratio: f32) -> usize {
    let wanted = (batch_size as f32 * FULL_AT / ratio.max(f32::MIN_POSITIVE)) as usize;
    wanted
        .min(batch_size.saturating_mul(MAX_EXPANSION))
        .min(buffer_size / BUFFER_SHARE)
        .max(1)
}

/// Smallest size to which the batches of a table shrink by themselves. Source: two pages of the Java client's buffer.
const LEAST_BATCH_SIZE: usize = 256 * 1024;

/// Why a batch was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    /// It was full.
    Size,
    /// Its linger was over.
    Linger,
    /// A row was awaited, or `flush` was called.
    Urgency,
}

/// The size at which the next batches of a table or partition are full, after one of `sealed` bytes that was to have
/// `size`: a table with few rows gets smaller batches, so that a burst of rows is sent sooner and takes less of the
/// buffer at once. Source: `DynamicWriteBatchSizeEstimator.java`.
///
/// DIFFERS: batches that a caller waited for say nothing about the size, and full ones always are a reason to grow,
/// however well they compress.
pub(crate) fn next_batch_size(size: usize, sealed: usize, by: ClosedBy, most: usize) -> usize {
    let (larger, smaller) = (size + size / 10, size - size / 20);
    match by {
        ClosedBy::Size => larger.min(most),
        ClosedBy::Linger if sealed > size / 5 * 4 => larger.min(most),
        ClosedBy::Linger if sealed < size / 2 => smaller.max(LEAST_BATCH_SIZE.min(most)),
        ClosedBy::Linger | ClosedBy::Urgency => size,
    }
}

/// The next step of memory for a batch that has `reserved` bytes: doubling from 4 KiB to 64 KiB, less in a small
/// buffer.
pub(crate) fn next_step(reserved: usize, buffer_size: usize) -> usize {
    reserved
        .clamp(FIRST_STEP, LONGEST_STEP)
        .min((buffer_size / STEP_SHARE).max(1))
}

/// The expected compression ratio after a batch with the ratio `observed`. Source:
/// `ArrowCompressionRatioEstimator.java`.
pub(crate) fn next_ratio(estimate: f32, observed: f32) -> f32 {
    const WORSE: f32 = 0.05;
    const BETTER: f32 = 0.005;
    if observed > estimate {
        (estimate + WORSE).max(observed)
    } else {
        (estimate - BETTER).max(observed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_full_at_its_size_divided_by_the_ratio_within_its_share_of_the_buffer() {
        const MIB: usize = 1 << 20;
        let cases = [
            ("not compressed", 2 * MIB, 64 * MIB, 1.0, 1_992_294),
            ("half", 2 * MIB, 64 * MIB, 0.5, 3_984_588),
            (
                "nearly nothing is left",
                2 * MIB,
                1024 * MIB,
                0.001,
                16 * MIB,
            ),
            ("a small buffer", 2 * MIB, 4 * MIB, 1.0, MIB),
            ("a ratio of zero", MIB, 4 * MIB, 0.0, MIB),
            ("a tiny buffer", 1, 1, 1.0, 1),
        ];
        for (name, batch, buffer, ratio, expected) in cases {
            let full = full_at(batch, buffer, ratio);
            assert!(full.abs_diff(expected) <= 64, "{name}: {full}");
        }
    }

    #[test]
    fn the_size_of_batches_follows_the_rate_of_rows() {
        const MIB: usize = 1 << 20;
        let cases = [
            ("full", MIB, MIB, ClosedBy::Size, MIB + MIB / 10),
            (
                "full and well compressed",
                MIB,
                10,
                ClosedBy::Size,
                MIB + MIB / 10,
            ),
            ("full at the largest", 2 * MIB, MIB, ClosedBy::Size, 2 * MIB),
            (
                "nearly full",
                MIB,
                MIB / 10 * 9,
                ClosedBy::Linger,
                MIB + MIB / 10,
            ),
            ("as expected", MIB, MIB / 10 * 7, ClosedBy::Linger, MIB),
            (
                "nearly empty",
                MIB,
                MIB / 4,
                ClosedBy::Linger,
                MIB - MIB / 20,
            ),
            ("awaited", MIB, 10, ClosedBy::Urgency, MIB),
            ("at the least", MIB / 4, 10, ClosedBy::Linger, MIB / 4),
        ];
        for (name, size, sealed, fill, expected) in cases {
            assert_eq!(
                next_batch_size(size, sealed, fill, 2 * MIB),
                expected,
                "{name}"
            );
        }
        assert_eq!(
            next_batch_size(1000, 1, ClosedBy::Linger, 1000),
            1000,
            "small by configuration"
        );
        let mut size = 2 * MIB;
        for _ in 0..1000 {
            size = next_batch_size(size, 1, ClosedBy::Linger, 2 * MIB);
        }
        assert_eq!(size, MIB / 4);
        let full = (0..100).take_while(|_| {
            size = next_batch_size(size, size, ClosedBy::Size, 2 * MIB);
            size < 2 * MIB
        });
        assert!(full.count() < 25);
    }

    #[test]
    fn steps_double_up_to_64_kib_and_stay_small_in_a_small_buffer() {
        let cases = [
            (0, 1 << 26, 4096),
            (4096, 1 << 26, 4096),
            (8192, 1 << 26, 8192),
            (1 << 20, 1 << 26, 65_536),
            (1 << 20, 1 << 16, 1024),
            (0, 1, 1),
        ];
        for (reserved, buffer, expected) in cases {
            assert_eq!(
                next_step(reserved, buffer),
                expected,
                "{reserved} of {buffer}"
            );
        }
    }

    #[test]
    fn the_ratio_rises_fast_and_falls_slowly() {
        let cases = [
            (1.0, 0.5, 0.995),
            (0.5, 0.52, 0.55),
            (0.5, 0.9, 0.9),
            (0.5, 0.499, 0.499),
        ];
        for (estimate, observed, expected) in cases {
            assert!(
                (next_ratio(estimate, observed) - expected).abs() < 1e-6,
                "{estimate} {observed}"
            );
        }
    }
}
