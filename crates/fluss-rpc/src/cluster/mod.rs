//! A cluster: which server serves what, and calls routed to the right server.

mod ask;
mod call;
mod identity;
mod interest;
mod refresh;
mod refresher;
mod view;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use fluss_metadata::{PartitionId, ServerNode, TableBucket, TableId, TablePath};
use tokio::runtime::Handle;
use tokio::time::Instant;

pub use view::{ClusterView, ListedPartition};

use crate::config::RpcConfig;
use crate::error::{Result, RpcError};
use crate::pool::ConnectionPool;
use crate::transport::{Dialer, TcpDialer};
use refresher::Waiting;

/// A connected cluster: its servers, the tables and leaders looked up so far, and the connections to its servers.
/// Cheap to clone, and usable from any thread, on any runtime or none. All connections are closed with the last
/// clone.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
    _last_handle: Arc<CloseOnDrop>,
}

/// State shared by the handles and the running refresh.
struct Inner {
    pool: ConnectionPool,
    bootstrap: Vec<(String, u16)>,
    view: RwLock<Arc<ClusterView>>,
    waiting: Waiting,
}

struct CloseOnDrop(ConnectionPool);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Inner {
    fn view(&self) -> Arc<ClusterView> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the view with the result of `change`.
    fn change_view(&self, change: impl FnOnce(&ClusterView) -> Option<ClusterView>) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(changed) = change(&view) {
            *view = Arc::new(changed);
        }
    }
}

impl Cluster {
    /// Connects to one of the bootstrap servers over TCP and fetches the cluster's metadata from it.
    ///
    /// The addresses are tried in order, several times. A server that has just started and knows no other servers yet
    /// gets until the call timeout. All tasks run on `runtime`, which must have time and I/O enabled.
    ///
    /// # Errors
    ///
    /// The reason why the last server could not be used. Fails immediately if the credentials are wrong.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, opened connections are closed.
    pub async fn connect(
        config: RpcConfig,
        bootstrap: Vec<(String, u16)>,
        runtime: Handle,
    ) -> Result<Self> {
        let dialer = TcpDialer::new(config.connect_timeout);
        Self::connect_with(config, bootstrap, Arc::new(dialer), runtime).await
    }

    /// Equivalent to [`connect`](Self::connect) over streams created by `dialer`.
    ///
    /// # Errors
    ///
    /// The same as [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, opened connections are closed.
    pub async fn connect_with(
        config: RpcConfig,
        bootstrap: Vec<(String, u16)>,
        dialer: Arc<dyn Dialer>,
        runtime: Handle,
    ) -> Result<Self> {
        let pool = ConnectionPool::new(config, dialer, runtime);
        let cluster = Self {
            _last_handle: Arc::new(CloseOnDrop(pool.clone())),
            inner: Arc::new(Inner {
                pool,
                bootstrap,
                view: RwLock::default(),
                waiting: Waiting::default(),
            }),
        };
        cluster.refresh_all().await?;
        Ok(cluster)
    }

    /// Returns the current view. Keep it for one decision: lookups in the view take no lock, getting the view takes a
    /// short one.
    pub fn view(&self) -> Arc<ClusterView> {
        self.inner.view()
    }

    /// Returns the connection pool.
    pub fn pool(&self) -> &ConnectionPool {
        &self.inner.pool
    }

    /// Returns the settings of the connections.
    pub fn config(&self) -> &RpcConfig {
        self.inner.pool.config()
    }

    /// Evicts the leader of a bucket after a request failed that was routed by the view of generation `seen`.
    /// Anything learned since then is kept.
    pub fn invalidate_bucket(&self, bucket: &TableBucket, seen: u64) {
        self.invalidate_buckets(std::slice::from_ref(bucket), seen);
    }

    /// Evicts the leaders of several buckets, like [`invalidate_bucket`](Self::invalidate_bucket). Cheaper than one
    /// call per bucket.
    pub fn invalidate_buckets(&self, buckets: &[TableBucket], seen: u64) {
        self.inner
            .change_view(|view| view.without_leaders(buckets, seen));
    }

    /// Evicts the partition of a bucket, which was reported to no longer exist.
    pub fn invalidate_partition(&self, bucket: &TableBucket) {
        if let Some(partition) = bucket.partition_id() {
            self.inner
                .change_view(|view| view.without_partition(bucket.table_id(), partition));
        }
    }

    /// Records the id of a table that a server reported. Evicts an earlier table with that name.
    pub fn note_table(&self, path: &TablePath, table: TableId) {
        self.inner.change_view(|view| {
            let is_another = view.table_id(path).is_some_and(|known| known != table);
            is_another.then(|| view.without_table(path)).flatten()
        });
    }

    /// Evicts dropped partitions and everything about them.
    pub fn forget_partitions(&self, table: TableId, partitions: &[PartitionId]) {
        self.inner
            .change_view(|view| view.without_partitions(table, partitions));
    }

    /// Records the listed partitions of a table. Their leaders are looked up when needed.
    pub fn learn_partitions(&self, table: TableId, listed: &[ListedPartition]) {
        self.inner
            .change_view(|view| Some(view.with_partitions(table, listed)));
    }

    /// Returns the leader of a bucket, and looks it up if it is not known.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unknown`] if the bucket has no leader now; `TABLE_NOT_EXIST` if its table was dropped, whether or
    /// not there is another one with that name. Also if no server could be asked.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the refresh continues for other callers.
    pub async fn leader(&self, path: &TablePath, bucket: TableBucket) -> Result<ServerNode> {
        self.leader_until(path, bucket, self.call_deadline()).await
    }

    async fn leader_until(
        &self,
        path: &TablePath,
        bucket: TableBucket,
        deadline: Instant,
    ) -> Result<ServerNode> {
        if let Some(leader) = self.view().leader_of(&bucket) {
            return Ok(leader.clone());
        }
        self.learn_buckets(path, &[bucket], deadline).await?;
        if self.view().leader_of(&bucket).is_none() {
            self.check_table(path, bucket.table_id(), deadline).await?;
        }
        self.view()
            .leader_of(&bucket)
            .cloned()
            .ok_or_else(|| RpcError::Unknown {
                what: format!("the leader of {bucket} of {path}"),
            })
    }

    /// Returns the totals sent and received over all connections.
    pub fn stats(&self) -> crate::metrics::RpcStats {
        self.inner.pool.stats()
    }

    /// Closes all connections. Calls in progress and later calls fail.
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
