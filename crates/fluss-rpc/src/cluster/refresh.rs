//! Asking the cluster about itself: one refresh under way at a time, tried with one server after another.

use std::collections::BTreeSet;

use fluss_metadata::{PartitionId, ServerNode, TableBucket, TablePath};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{MetadataRequest, MetadataResponse, PbPhysicalTablePath, PbTablePath};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::Cluster;
use crate::error::{Result, RpcError};
use crate::retry::{RetryPolicy, chance, random_below};

impl Cluster {
    /// Learns the servers that are alive.
    ///
    /// # Errors
    ///
    /// Why nobody could be asked, once the call timeout has passed.
    pub async fn refresh_all(&self) -> Result<()> {
        let _one = self.inner.refreshing.lock().await;
        self.fetch(&MetadataRequest::default()).await
    }

    /// Learns a table's id and the leaders of its buckets, unless they are known.
    pub async fn ensure_table(&self, path: &TablePath) -> Result<()> {
        if self.view().table_id(path).is_some() {
            return Ok(());
        }
        self.refresh_table(path).await
    }

    /// Learns a table's id and the leaders of its buckets.
    pub async fn refresh_table(&self, path: &TablePath) -> Result<()> {
        let seen = self.view().generation();
        let _one = self.inner.refreshing.lock().await;
        if self.view().generation() > seen && self.view().table_id(path).is_some() {
            return Ok(());
        }
        self.fetch_table(path).await
    }

    /// Learns the leaders of buckets of one table. Where another refresh has just brought them, nothing is asked.
    ///
    /// # Errors
    ///
    /// Why nobody could be asked. A bucket without a leader is no error, nor is a partition that does not exist any more: it is
    /// forgotten.
    pub async fn refresh_buckets(&self, path: &TablePath, buckets: &[TableBucket]) -> Result<()> {
        let seen = self.view().generation();
        let _one = self.inner.refreshing.lock().await;
        let view = self.view();
        if view.generation() > seen
            && buckets
                .iter()
                .all(|bucket| view.leader_of(bucket).is_some())
        {
            return Ok(());
        }
        let partitions = buckets
            .iter()
            .filter_map(TableBucket::partition_id)
            .collect::<BTreeSet<_>>();
        if partitions.is_empty() {
            return self.fetch_table(path).await;
        }
        match self
            .fetch_partitions(path, partitions.iter().copied().collect())
            .await
        {
            Err(error) if has_code(&error, ErrorCode::PARTITION_NOT_EXISTS) => {
                self.fetch_one_by_one(path, buckets, &partitions).await
            }
            other => other,
        }
    }

    /// Learns a partition by its name; false if there is none.
    pub(super) async fn refresh_partition(&self, path: &TablePath, name: &str) -> Result<bool> {
        let _one = self.inner.refreshing.lock().await;
        let request = MetadataRequest {
            table_path: vec![path_message(path)],
            partitions_path: vec![PbPhysicalTablePath {
                database_name: path.database().to_owned(),
                table_name: path.table().to_owned(),
                partition_name: Some(name.to_owned()),
            }],
            ..MetadataRequest::default()
        };
        match self.fetch(&request).await {
            Ok(()) => Ok(true),
            Err(error) if has_code(&error, ErrorCode::PARTITION_NOT_EXISTS) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn fetch_table(&self, path: &TablePath) -> Result<()> {
        let request = MetadataRequest {
            table_path: vec![path_message(path)],
            ..MetadataRequest::default()
        };
        let outcome = self.fetch(&request).await;
        if let Err(error) = &outcome
            && has_code(error, ErrorCode::TABLE_NOT_EXIST)
        {
            self.change_view(|view| Some(view.without_table(path)));
        }
        outcome
    }

    async fn fetch_partitions(&self, path: &TablePath, partitions: Vec<PartitionId>) -> Result<()> {
        self.fetch(&MetadataRequest {
            table_path: vec![path_message(path)],
            partitions_id: partitions,
            ..MetadataRequest::default()
        })
        .await
    }

    /// One missing partition fails a request for many: then each is asked for alone.
    async fn fetch_one_by_one(
        &self,
        path: &TablePath,
        buckets: &[TableBucket],
        partitions: &BTreeSet<PartitionId>,
    ) -> Result<()> {
        for &partition in partitions {
            match self.fetch_partitions(path, vec![partition]).await {
                Err(error) if has_code(&error, ErrorCode::PARTITION_NOT_EXISTS) => {
                    if let Some(bucket) = buckets
                        .iter()
                        .find(|bucket| bucket.partition_id() == Some(partition))
                    {
                        self.invalidate_partition(bucket);
                    }
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Asks one server after another until one answers, and puts the answer in the view.
    async fn fetch(&self, request: &MetadataRequest) -> Result<()> {
        let started = Instant::now();
        let deadline = started + self.config().call_timeout;
        let mut attempts = 0;
        loop {
            let mut last = None;
            for target in self.targets() {
                attempts += 1;
                match self.ask(&target, request, deadline).await {
                    Ok(answer) => {
                        self.change_view(|view| Some(view.updated(&answer)));
                        return Ok(());
                    }
                    Err(error) if is_final(&error) => return Err(error),
                    Err(error) => {
                        debug!(%error, "asking for metadata failed");
                        last = Some(error);
                    }
                }
                if Instant::now() >= deadline {
                    break;
                }
            }
            let error = last.unwrap_or_else(|| RpcError::Unknown {
                what: "any server".to_owned(),
            });
            let left = deadline.saturating_duration_since(Instant::now());
            match RetryPolicy::CALL.next_pause(attempts, chance(), left) {
                Some(pause) => sleep_on(self, pause).await,
                None => {
                    return Err(RpcError::Exhausted {
                        attempts,
                        waited: started.elapsed(),
                        source: Box::new(error),
                    });
                }
            }
        }
    }

    async fn ask(
        &self,
        target: &Target,
        request: &MetadataRequest,
        deadline: Instant,
    ) -> Result<MetadataResponse> {
        let connection = match target {
            Target::Known(server) => self.inner.pool.get(server, 0).await?,
            Target::Bootstrap(host, port) => self.inner.pool.dial_once(host, *port).await?,
        };
        let deadline = deadline.min(Instant::now() + self.config().request_timeout);
        let answer = connection.call(request, deadline).await?;
        if answer.tablet_servers.is_empty() {
            // A server that has just started knows nobody yet.
            return Err(RpcError::Unknown {
                what: "any tablet server, to the server asked,".to_owned(),
            });
        }
        Ok(answer)
    }

    /// Whom to ask, in order: the tablet servers from a random one on, the coordinator, the bootstrap addresses.
    fn targets(&self) -> Vec<Target> {
        let view = self.view();
        let mut known = view
            .tablet_servers()
            .cloned()
            .map(Target::Known)
            .collect::<Vec<_>>();
        if !known.is_empty() {
            let first = random_below(known.len());
            known.rotate_left(first);
        }
        known.extend(view.coordinator().cloned().map(Target::Known));
        known.extend(
            self.inner
                .bootstrap
                .iter()
                .map(|(host, port)| Target::Bootstrap(host.clone(), *port)),
        );
        known
    }
}

enum Target {
    Known(ServerNode),
    Bootstrap(String, u16),
}

/// Pauses by the clock of the cluster's runtime: the caller may have none.
pub(super) async fn sleep_on(cluster: &Cluster, pause: std::time::Duration) {
    // The task ends in any case; how does not matter.
    let _ = cluster.inner.pool.runtime().spawn(sleep(pause)).await;
}

fn has_code(error: &RpcError, code: ErrorCode) -> bool {
    error.server_error().is_some_and(|error| error.code == code)
}

/// Whether asking another server is of no use.
fn is_final(error: &RpcError) -> bool {
    !error.is_retriable() && !error.is_corrupt()
}

fn path_message(path: &TablePath) -> PbTablePath {
    PbTablePath {
        database_name: path.database().to_owned(),
        table_name: path.table().to_owned(),
    }
}
