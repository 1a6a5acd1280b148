//! Moving buckets between servers.

use super::record::record;
use crate::choice::coded;
use crate::ids::TableBucket;

coded! {
    /// The goal of a rebalance.
    GoalType("rebalance goal") {
        /// The same number of replicas on each server.
        ReplicaDistribution => "REPLICA_DISTRIBUTION" = 0,
        /// The same number of leaders on each server.
        LeaderDistribution => "LEADER_DISTRIBUTION" = 1,
        /// Replicas of a bucket in different racks.
        RackAware => "RACK_AWARE" = 2,
    }
    /// The status of a rebalance.
    RebalanceStatus("rebalance status") {
        /// Not started.
        NotStarted => "NOT_STARTED" = 0,
        /// Running.
        Rebalancing => "REBALANCING" = 1,
        /// It failed.
        Failed => "FAILED" = 2,
        /// Done.
        Completed => "COMPLETED" = 3,
        /// It was canceled.
        Canceled => "CANCELED" = 4,
        /// It took too long. Since release 1.0.
        Timeout => "TIMEOUT" = 5,
    }
}

impl RebalanceStatus {
    /// Returns whether the rebalance has ended.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::NotStarted | Self::Rebalancing)
    }
}

record! {
    /// Where a bucket is and where it moves.
    #[derive(Debug, Clone, PartialEq, Eq)]
    BucketRebalance {
        /// The bucket.
        bucket: TableBucket,
        /// The current leader, if there is one.
        original_leader: Option<i32>,
        /// The new leader.
        new_leader: Option<i32>,
        /// Servers that have replicas.
        original_replicas: Vec<i32> as [&[i32]],
        /// Servers that will have replicas.
        new_replicas: Vec<i32> as [&[i32]],
        /// Its status.
        status: RebalanceStatus,
    }
}

record! {
    /// The progress of a rebalance.
    #[derive(Debug, Clone, PartialEq, Eq)]
    RebalanceProgress {
        /// The task, if there is one.
        rebalance_id: Option<String> as [Option<&str>],
        /// The overall status.
        status: Option<RebalanceStatus>,
        /// The progress of each bucket.
        buckets: Vec<BucketRebalance> as [&[BucketRebalance]],
    }
}

impl RebalanceProgress {
    /// Returns the completed fraction, from 0 to 1; 1 if there is nothing to do.
    pub fn fraction_done(&self) -> f64 {
        if self.buckets.is_empty() {
            return 1.0;
        }
        let done = self
            .buckets
            .iter()
            .filter(|bucket| bucket.status.is_final());
        done.count() as f64 / self.buckets.len() as f64
    }
}
