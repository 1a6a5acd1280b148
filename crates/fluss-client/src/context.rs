//! What the rooms of the client need of a connection: nothing in it belongs to one of them.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use fluss_metadata::{Schema, SchemaId, TableId, TablePath};
use fluss_rpc::Cluster;

use crate::config::Config;
use crate::error::Result;
use crate::runtime::Drivers;
use crate::schema_cache::SchemaCache;

/// The configuration, the runtime, the cluster and the schemas of a connection.
pub(crate) struct Context {
    pub(crate) config: Arc<Config>,
    pub(crate) drivers: Drivers,
    pub(crate) cluster: Cluster,
    pub(crate) schemas: SchemaCache,
}

impl Context {
    /// Schema `id` of a table, from the cache or the cluster; see [`SchemaCache::get`].
    pub(crate) async fn schema(
        &self,
        path: &TablePath,
        table: TableId,
        id: SchemaId,
    ) -> Result<Schema> {
        self.schemas.get(&self.cluster, path, table, id).await
    }
}

/// A context whose connection stays open, and sends what its writers still hold, as long as this is held. What users hold of a
/// connection holds one.
#[derive(Clone)]
pub(crate) struct OpenContext {
    context: Arc<Context>,
    _connection: Arc<dyn Any + Send + Sync>,
}

impl OpenContext {
    /// `connection` is what ends the connection when its last reference is dropped.
    pub(crate) fn new(context: Arc<Context>, connection: Arc<dyn Any + Send + Sync>) -> Self {
        Self {
            context,
            _connection: connection,
        }
    }
}

impl Deref for OpenContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl fmt::Debug for OpenContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenContext").finish_non_exhaustive()
    }
}
