//! Metadata refreshes: callers register what they need, and one task fetches it for all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use fluss_metadata::{PartitionId, TableBucket, TablePath};
use fluss_wire::api::ApiKey;
use fluss_wire::error_code::ErrorCode;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::debug;

use super::Cluster;
use super::interest::Interest;
use super::refresher::{Waiter, leave};
use crate::deadline::{after, until, with_grace};
use crate::error::{Phase, Result, RpcError};

impl Cluster {
    /// Refreshes the live servers.
    ///
    /// Only one refresh runs at a time: calls join it or share the next one. This holds for every method here that
    /// refreshes something.
    ///
    /// # Errors
    ///
    /// The reason why no server could be asked until the call timeout.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the refresh continues for other callers and for the view. This holds for every method
    /// here that refreshes something.
    pub async fn refresh_all(&self) -> Result<()> {
        self.learn(BTreeSet::new(), self.call_deadline()).await
    }

    /// Looks up a table's id and the leaders of its buckets, unless they are known.
    ///
    /// # Errors
    ///
    /// The same as [`refresh_table`](Self::refresh_table).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the refresh continues for other callers and for the view.
    pub async fn ensure_table(&self, path: &TablePath) -> Result<()> {
        if self.view().table_id(path).is_some() {
            return Ok(());
        }
        self.refresh_table(path).await
    }

    /// Starts looking up a table's id and the leaders of its buckets, unless they are known, without waiting for them.
    pub fn prefetch_table(&self, path: &TablePath) {
        if self.view().table_id(path).is_some() {
            return;
        }
        let interests = BTreeSet::from([Interest::Table(path.clone())]);
        let outcome = self.register(interests, self.call_deadline());
        // A task must wait for the result. It holds nothing that would keep the cluster open.
        self.pool().runtime().spawn(async move {
            if let Ok(Err(error)) = outcome.await {
                debug!(%error, "failed to prefetch the leaders of a table");
            }
        });
    }

    /// Refreshes a table's id and the leaders of its buckets.
    ///
    /// # Errors
    ///
    /// If the table does not exist, which also evicts it, or if no server could be asked. [`RpcError::Unknown`] if
    /// the servers do not report the table, which happens if this user may not see it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the refresh continues for other callers and for the view.
    pub async fn refresh_table(&self, path: &TablePath) -> Result<()> {
        let interest = BTreeSet::from([Interest::Table(path.clone())]);
        self.learn(interest, self.call_deadline()).await?;
        match self.view().table_id(path) {
            Some(_) => Ok(()),
            None => Err(RpcError::Unknown {
                what: format!("table {path}"),
            }),
        }
    }

    /// Refreshes the leaders of buckets of one table.
    ///
    /// # Errors
    ///
    /// If the table does not exist, or if no server could be asked. A bucket without a leader is not an error. A
    /// partition that no longer exists is not an error either; it is evicted.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the refresh continues for other callers and for the view.
    pub async fn refresh_buckets(&self, path: &TablePath, buckets: &[TableBucket]) -> Result<()> {
        self.learn_buckets(path, buckets, self.call_deadline())
            .await
    }

    pub(super) async fn learn_buckets(
        &self,
        path: &TablePath,
        buckets: &[TableBucket],
        deadline: Instant,
    ) -> Result<()> {
        let interest = |bucket: &TableBucket| match bucket.partition_id() {
            Some(partition) => Interest::Partition(path.clone(), partition),
            None => Interest::Table(path.clone()),
        };
        self.learn(buckets.iter().map(interest).collect(), deadline)
            .await
    }

    /// Returns the id of a partition, or `None` if there is no such partition. Looks it up if it is not known.
    ///
    /// # Errors
    ///
    /// If the table does not exist, or if no server could be asked.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the refresh continues for other callers and for the view.
    pub async fn partition_id(&self, path: &TablePath, name: &str) -> Result<Option<PartitionId>> {
        let known = || {
            let view = self.view();
            view.partition_id(view.table_id(path)?, name)
        };
        if let Some(partition) = known() {
            return Ok(Some(partition));
        }
        let interest = Interest::PartitionNamed(path.clone(), Arc::from(name));
        match self
            .learn(BTreeSet::from([interest]), self.call_deadline())
            .await
        {
            Ok(()) => Ok(known()),
            Err(error) if has_code(&error, ErrorCode::PARTITION_NOT_EXISTS) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Registers a request for metadata and waits until the view has it.
    pub(super) async fn learn(
        &self,
        interests: BTreeSet<Interest>,
        deadline: Instant,
    ) -> Result<()> {
        let started = Instant::now();
        let outcome = self.register(interests, deadline);
        match until(self.pool().runtime(), with_grace(deadline), outcome).await {
            Some(outcome) => outcome.unwrap_or(Err(RpcError::Closed)),
            None => Err(RpcError::Timeout {
                api: ApiKey::GetMetadata,
                server: "any server".into(),
                phase: Phase::Answer,
                waited: started.elapsed(),
            }),
        }
    }

    /// Registers a request for metadata.
    fn register(
        &self,
        interests: BTreeSet<Interest>,
        deadline: Instant,
    ) -> oneshot::Receiver<Result<()>> {
        let (done, outcome) = oneshot::channel();
        leave(
            &self.inner,
            Waiter {
                interests,
                since: Instant::now(),
                deadline,
                attempts: 0,
                done,
            },
        );
        outcome
    }

    pub(super) fn call_deadline(&self) -> Instant {
        after(self.config().call_timeout)
    }
}

pub(super) fn has_code(error: &RpcError, code: ErrorCode) -> bool {
    error.server_error().is_some_and(|error| error.code == code)
}
