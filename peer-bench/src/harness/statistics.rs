//! Medians and percentiles.

use serde::{Deserialize, Serialize};

/// The middle one of some values; the mean of the two middle ones of an even number.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => None,
        (Some(high), 1) => Some(*high),
        (Some(high), _) => Some(f64::midpoint(values[middle - 1], *high)),
    }
}

/// How long single operations took, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Latency {
    /// `None` for no operations at all.
    pub(crate) fn of(mut nanos: Vec<u32>) -> Option<Self> {
        let last = nanos.len().checked_sub(1)?;
        // Sorting millions of times would show among the instructions of an operation.
        let mut at = |share: f64| {
            let place = (last as f64 * share).round() as usize;
            f64::from(*nanos.select_nth_unstable(place).1) / 1e6
        };
        Some(Self {
            p50: at(0.50),
            p99: at(0.99),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        for (values, expected) in [
            (vec![], None),
            (vec![3.0, 1.0, 2.0], Some(2.0)),
            (vec![4.0, 1.0], Some(2.5)),
        ] {
            assert_eq!(median(values), expected);
        }
    }

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let latency = Latency::of((0..=100).rev().map(|i| i * 1_000_000).collect()).unwrap();
        assert!((latency.p50 - 50.0).abs() < 1e-9 && (latency.p99 - 99.0).abs() < 1e-9);
        assert!(Latency::of(Vec::new()).is_none());
    }
}
