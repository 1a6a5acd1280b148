//! Resources of codecs, kept between batches: allocating them each time costs more than a small batch.

use std::sync::Mutex;

/// Unused resources, up to a number of bytes.
///
/// Never waits: a caller that finds the list locked goes without it.
pub(super) struct Spares<T> {
    kept: Mutex<Vec<T>>,
    max_bytes: usize,
    size: fn(&T) -> usize,
}

impl<T> Spares<T> {
    pub(super) const fn new(max_bytes: usize, size: fn(&T) -> usize) -> Self {
        Self {
            kept: Mutex::new(Vec::new()),
            max_bytes,
            size,
        }
    }

    pub(super) fn take(&self) -> Option<T> {
        self.kept.try_lock().ok()?.pop()
    }

    /// Keeps it if there is room.
    pub(super) fn put(&self, spare: T) {
        if let Ok(mut kept) = self.kept.try_lock() {
            let bytes: usize = kept.iter().map(self.size).sum();
            if bytes + (self.size)(&spare) <= self.max_bytes {
                kept.push(spare);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_used_again() {
        let spares = Spares::new(100, Vec::<u8>::capacity);
        assert!(spares.take().is_none());
        for size in [60, 50, 40, 1] {
            spares.put(Vec::with_capacity(size));
        }
        let sizes: Vec<_> =
            std::iter::from_fn(|| spares.take().map(|kept| kept.capacity())).collect();
        assert_eq!(sizes, [40, 60]);
    }

    #[test]
    fn nobody_waits_for_the_list() {
        let spares = Spares::new(100, Vec::<u8>::capacity);
        spares.put(vec![7; 10]);
        let taken = spares.kept.lock().unwrap();
        assert!(spares.take().is_none());
        spares.put(vec![8; 10]);
        drop(taken);
        assert_eq!(spares.take(), Some(vec![7; 10]));
        assert_eq!(spares.take(), None);
    }
}
