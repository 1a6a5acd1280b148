//! Moving buckets between servers.

use fluss_metadata::{BucketRebalance, GoalType, RebalanceProgress, RebalanceStatus, TableBucket};
use fluss_wire::message::{
    CancelRebalanceRequest, ListRebalanceProgressRequest, ListRebalanceProgressResponse,
    PbRebalanceProgressForBucket, RebalanceRequest,
};

use super::handle::FlussAdmin;
use crate::error::{Error, Result};

impl FlussAdmin {
    /// Starts moving buckets between servers to reach the goals, the most important one first. Returns the id of the
    /// task. The moves continue in the cluster, see [`list_rebalance_progress`](Self::list_rebalance_progress).
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) without a goal, before anything is sent, and if a rebalance is already
    /// running or no plan is possible; [`Authorization`](crate::ErrorKind::Authorization) if this user may not write
    /// to the cluster.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the task may still start.
    pub async fn rebalance(&self, goals: &[GoalType]) -> Result<String> {
        if goals.is_empty() {
            return Err(Error::usage("a rebalance needs a goal").during("rebalance"));
        }
        let request = RebalanceRequest {
            goals: goals.iter().map(|goal| goal.code()).collect(),
        };
        Ok(self.change("rebalance", &request).await?.rebalance_id)
    }

    /// Returns the progress of a rebalance, or of the latest one if no id is given. `None` if the coordinator has run
    /// none since it started.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the latest one has a different id;
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not describe the cluster.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_rebalance_progress(
        &self,
        rebalance_id: Option<&str>,
    ) -> Result<Option<RebalanceProgress>> {
        let request = ListRebalanceProgressRequest {
            rebalance_id: rebalance_id.map(str::to_owned),
        };
        let response = self
            .coordinator("list_rebalance_progress", &request)
            .await?;
        progress(response).map_err(|error| error.during("list_rebalance_progress"))
    }

    /// Cancels a rebalance, or the running one if no id is given. Completed moves are kept. Does nothing if none is
    /// running.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the latest one has a different id;
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not write to the cluster.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the rebalance may still be canceled.
    pub async fn cancel_rebalance(&self, rebalance_id: Option<&str>) -> Result<()> {
        let request = CancelRebalanceRequest {
            rebalance_id: rebalance_id.map(str::to_owned),
        };
        self.change("cancel_rebalance", &request).await?;
        Ok(())
    }
}

fn progress(response: ListRebalanceProgressResponse) -> Result<Option<RebalanceProgress>> {
    let Some(id) = response.rebalance_id else {
        return Ok(None);
    };
    let status = response.rebalance_status.map(status).transpose()?;
    let mut buckets = Vec::new();
    for table in response.table_progress {
        for bucket in table.buckets_progress {
            buckets.push(bucket_progress(table.table_id, bucket)?);
        }
    }
    buckets.sort_by_key(BucketRebalance::bucket);
    Ok(Some(RebalanceProgress::new(Some(id), status, buckets)))
}

fn bucket_progress(
    table_id: i64,
    message: PbRebalanceProgressForBucket,
) -> Result<BucketRebalance> {
    let plan = message.rebalance_plan;
    Ok(BucketRebalance::new(
        TableBucket::new_with_partition(table_id, plan.partition_id, plan.bucket_id),
        plan.original_leader,
        plan.new_leader,
        plan.original_replicas,
        plan.new_replicas,
        status(message.rebalance_status)?,
    ))
}

fn status(code: i32) -> Result<RebalanceStatus> {
    RebalanceStatus::from_code(code).map_err(Error::unreadable)
}
