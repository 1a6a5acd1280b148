//! Which lane leads to each bucket of a table, remembered as long as the view of the cluster stays the same.

use std::sync::{Arc, PoisonError, RwLock};

use super::lane::Lane;

/// The lanes of the buckets of a table without partitions.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Generation of the view that told them.
    generation: u64,
    lanes: Vec<Option<Arc<Lane>>>,
}

impl Routes {
    /// The lane of a bucket, if the view of this generation told it.
    pub(super) fn get(&self, generation: u64, bucket: i32) -> Option<Arc<Lane>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.generation != generation {
            return None;
        }
        known.lanes.get(usize::try_from(bucket).ok()?)?.clone()
    }

    /// Remembers the lane of a bucket.
    pub(super) fn insert(&self, generation: u64, bucket: i32, lane: &Arc<Lane>) {
        let Ok(index) = usize::try_from(bucket) else {
            return;
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.generation > generation {
            return;
        }
        if known.generation < generation {
            *known = Known {
                generation,
                lanes: Vec::new(),
            };
        }
        if known.lanes.len() <= index {
            known.lanes.resize(index + 1, None);
        }
        if let Some(known) = known.lanes.get_mut(index) {
            *known = Some(Arc::clone(lane));
        }
    }
}
