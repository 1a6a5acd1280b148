//! A cluster: who serves what, and calls that find their server.

mod ask;
mod call;
mod identity;
mod refresh;
mod refresher;
mod view;
mod wish;

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

/// A cluster that was reached: its servers, tables and leaders as far as they were asked for, and connections to its servers. Cheap to
/// clone; usable from any thread and any runtime, or from none. When the last clone is gone, every connection is closed.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
    _last_handle: Arc<CloseOnDrop>,
}

/// What the handles and the refresh under way share.
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

    /// Replaces the view by what `change` makes of it.
    fn change_view(&self, change: impl FnOnce(&ClusterView) -> Option<ClusterView>) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(changed) = change(&view) {
            *view = Arc::new(changed);
        }
    }
}

impl Cluster {
    /// Reaches one of the bootstrap servers over TCP and learns the cluster from it.
    ///
    /// The addresses are tried in order, a few times over; a server that has just started and knows nobody yet is given until the call
    /// timeout. Every task runs on `runtime`, which must have its clock and its sockets enabled.
    ///
    /// # Errors
    ///
    /// Why the last server tried could not be used; at once if the credentials are wrong.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened.
    pub async fn connect(
        config: RpcConfig,
        bootstrap: Vec<(String, u16)>,
        runtime: Handle,
    ) -> Result<Self> {
        let dialer = TcpDialer::new(config.connect_timeout);
        Self::connect_with(config, bootstrap, Arc::new(dialer), runtime).await
    }

    /// As [`connect`](Self::connect), over streams that `dialer` makes.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened.
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

    /// What is known now. Keep it for as long as one decision takes: looking things up in it takes no lock, getting it takes a short
    /// one.
    pub fn view(&self) -> Arc<ClusterView> {
        self.inner.view()
    }

    /// The connections.
    pub fn pool(&self) -> &ConnectionPool {
        &self.inner.pool
    }

    /// Settings of the connections.
    pub fn config(&self) -> &RpcConfig {
        self.inner.pool.config()
    }

    /// Forgets who leads a bucket, because a request that was routed by the view of generation `seen` failed. What was learnt since
    /// stays.
    pub fn invalidate_bucket(&self, bucket: &TableBucket, seen: u64) {
        self.invalidate_buckets(std::slice::from_ref(bucket), seen);
    }

    /// Forgets who leads some buckets, as [`invalidate_bucket`](Self::invalidate_bucket) does for one. Of many, at once costs less than
    /// one by one.
    pub fn invalidate_buckets(&self, buckets: &[TableBucket], seen: u64) {
        self.inner
            .change_view(|view| view.without_leaders(buckets, seen));
    }

    /// Forgets the partition of a bucket, which is said not to exist any more.
    pub fn invalidate_partition(&self, bucket: &TableBucket) {
        if let Some(partition) = bucket.partition_id() {
            self.inner
                .change_view(|view| view.without_partition(bucket.table_id(), partition));
        }
    }

    /// Takes in the id that a table has by a server's word. What was known of an earlier table of that name is forgotten.
    pub fn note_table(&self, path: &TablePath, table: TableId) {
        self.inner.change_view(|view| {
            let is_another = view.table_id(path).is_some_and(|known| known != table);
            is_another.then(|| view.without_table(path)).flatten()
        });
    }

    /// Forgets partitions that were dropped, with all that is known of them.
    pub fn forget_partitions(&self, table: TableId, partitions: &[PartitionId]) {
        self.inner
            .change_view(|view| view.without_partitions(table, partitions));
    }

    /// Remembers partitions of a table that were listed. Their leaders are asked for when they are wanted.
    pub fn learn_partitions(&self, table: TableId, listed: &[ListedPartition]) {
        self.inner
            .change_view(|view| Some(view.with_partitions(table, listed)));
    }

    /// The server that leads a bucket, asked for where it is not known.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unknown`] if the bucket has no leader now; `TABLE_NOT_EXIST` if its table was dropped, whether or not there is another
    /// one of that name; or why nobody could be asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the news; a refresh under way goes on.
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

    /// What was sent and received so far, over all connections.
    pub fn stats(&self) -> crate::metrics::RpcStats {
        self.inner.pool.stats()
    }

    /// Closes every connection. Calls under way fail, and so does every later one.
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
