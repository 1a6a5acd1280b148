//! A cluster: who serves what, and calls that find their server.

mod call;
mod refresh;
mod view;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use fluss_metadata::{PartitionId, ServerNode, TableBucket, TablePath};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

pub use view::ClusterView;

use crate::config::RpcConfig;
use crate::error::{Result, RpcError};
use crate::pool::ConnectionPool;
use crate::transport::{Dialer, TcpDialer};

/// A cluster that was reached: its servers, tables and leaders as far as they were asked for, and connections to its servers. Cheap to
/// clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    pool: ConnectionPool,
    bootstrap: Vec<(String, u16)>,
    view: RwLock<Arc<ClusterView>>,
    /// Held by the one refresh that is under way.
    refreshing: Mutex<()>,
}

impl Cluster {
    /// Reaches one of the bootstrap servers over TCP and learns the cluster from it.
    ///
    /// # Errors
    ///
    /// Why the last server tried could not be used, once the call timeout has passed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened.
    pub async fn connect(
        config: RpcConfig,
        bootstrap: Vec<(String, u16)>,
        runtime: Handle,
    ) -> Result<Self> {
        Self::connect_with(config, bootstrap, Arc::new(TcpDialer::default()), runtime).await
    }

    /// As [`connect`](Self::connect), over streams that `dialer` makes.
    pub async fn connect_with(
        config: RpcConfig,
        bootstrap: Vec<(String, u16)>,
        dialer: Arc<dyn Dialer>,
        runtime: Handle,
    ) -> Result<Self> {
        let cluster = Self {
            inner: Arc::new(Inner {
                pool: ConnectionPool::new(config, dialer, runtime),
                bootstrap,
                view: RwLock::default(),
                refreshing: Mutex::new(()),
            }),
        };
        cluster.refresh_all().await?;
        Ok(cluster)
    }

    /// What is known now.
    pub fn view(&self) -> Arc<ClusterView> {
        Arc::clone(
            &self
                .inner
                .view
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// The connections.
    pub fn pool(&self) -> &ConnectionPool {
        &self.inner.pool
    }

    /// Settings of the connections.
    pub fn config(&self) -> &RpcConfig {
        self.inner.pool.config()
    }

    /// Replaces the view by what `change` makes of it.
    fn change_view(&self, change: impl FnOnce(&ClusterView) -> Option<ClusterView>) {
        let mut view = self
            .inner
            .view
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(changed) = change(&view) {
            *view = Arc::new(changed);
        }
    }

    /// Forgets who leads a bucket, because a request that was routed by the view of generation `seen` failed. What was learnt since
    /// stays.
    pub fn invalidate_bucket(&self, bucket: &TableBucket, seen: u64) {
        self.change_view(|view| view.without_leader(bucket, seen));
    }

    /// Forgets a partition that is said not to exist any more.
    pub fn invalidate_partition(&self, bucket: &TableBucket) {
        if let Some(partition) = bucket.partition_id() {
            self.change_view(|view| Some(view.without_partition(bucket.table_id(), partition)));
        }
    }

    /// The server that leads a bucket, asked for where it is not known.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unknown`] if the bucket has no leader now, or why nobody could be asked.
    pub async fn leader(&self, path: &TablePath, bucket: TableBucket) -> Result<ServerNode> {
        if let Some(leader) = self.view().leader_of(&bucket) {
            return Ok(leader.clone());
        }
        self.refresh_buckets(path, &[bucket]).await?;
        self.view()
            .leader_of(&bucket)
            .cloned()
            .ok_or_else(|| RpcError::Unknown {
                what: format!("the leader of {bucket} of {path}"),
            })
    }

    /// The id of a partition, asked for where it is not known; `None` if there is no such partition.
    ///
    /// # Errors
    ///
    /// Why nobody could be asked.
    pub async fn partition_id(&self, path: &TablePath, name: &str) -> Result<Option<PartitionId>> {
        let known = |view: &ClusterView| view.partition_id(view.table_id(path)?, name);
        match known(&self.view()) {
            Some(partition) => Ok(Some(partition)),
            None if self.refresh_partition(path, name).await? => Ok(known(&self.view())),
            None => Ok(None),
        }
    }

    /// Closes every connection. Calls fail from then on.
    pub fn close(&self) {
        self.inner.pool.close();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("bootstrap", &self.inner.bootstrap)
            .finish_non_exhaustive()
    }
}
