//! Moving buckets between servers.

use super::record::record;
use crate::choice::coded;
use crate::ids::TableBucket;

coded! {
    /// What moving buckets is to bring about.
    GoalType("rebalance goal") {
        /// As many copies on each server.
        ReplicaDistribution => "REPLICA_DISTRIBUTION" = 0,
        /// As many leaders on each server.
        LeaderDistribution => "LEADER_DISTRIBUTION" = 1,
        /// Copies of a bucket in different racks.
        RackAware => "RACK_AWARE" = 2,
    }
    /// How far moving buckets is.
    RebalanceStatus("rebalance status") {
        /// Not begun.
        NotStarted => "NOT_STARTED" = 0,
        /// Under way.
        Rebalancing => "REBALANCING" = 1,
        /// It failed.
        Failed => "FAILED" = 2,
        /// Done.
        Completed => "COMPLETED" = 3,
        /// Someone put an end to it.
        Canceled => "CANCELED" = 4,
        /// It took too long. Since release 1.0.
        Timeout => "TIMEOUT" = 5,
    }
}

impl RebalanceStatus {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::NotStarted | Self::Rebalancing)
    }
}

record! {
    /// Where a bucket is and where it goes.
    #[derive(Debug, Clone, PartialEq, Eq)]
    BucketRebalance {
        /// The bucket.
        bucket: TableBucket,
        /// The server that leads it, if one does.
        original_leader: Option<i32>,
        /// The server that is to lead it.
        new_leader: Option<i32>,
        /// Servers that have copies.
        original_replicas: Vec<i32> as [&[i32]],
        /// Servers that are to have copies.
        new_replicas: Vec<i32> as [&[i32]],
        /// How far it is.
        status: RebalanceStatus,
    }
}

record! {
    /// How far moving buckets is, of one such task.
    #[derive(Debug, Clone, PartialEq, Eq)]
    RebalanceProgress {
        /// The task, if there is one.
        rebalance_id: Option<String> as [Option<&str>],
        /// How far it is as a whole.
        status: Option<RebalanceStatus>,
        /// How far each bucket is.
        buckets: Vec<BucketRebalance> as [&[BucketRebalance]],
    }
}

impl RebalanceProgress {
    /// The part that is done, from 0 to 1; 1 when there is nothing to do.
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
