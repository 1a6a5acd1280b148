//! The lanes of a table's buckets, remembered as long as the view of the cluster stays the same.

use std::sync::{Arc, PoisonError, RwLock};

use super::lane_queue::LaneQueue;

/// The lanes of the buckets of a table without partitions.
#[derive(Debug, Default)]
pub(super) struct LaneCache {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Generation of the view that they follow from.
    generation: u64,
    lanes: Vec<Option<Arc<LaneQueue>>>,
}

impl LaneCache {
    /// The lane of a bucket, if it is known for the view of this generation.
    pub(super) fn get(&self, generation: u64, bucket: i32) -> Option<Arc<LaneQueue>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.generation != generation {
            return None;
        }
        known.lanes.get(usize::try_from(bucket).ok()?)?.clone()
    }

    /// Remembers the lane of a bucket.
    pub(super) fn insert(&self, generation: u64, bucket: i32, lane: &Arc<LaneQueue>) {
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
