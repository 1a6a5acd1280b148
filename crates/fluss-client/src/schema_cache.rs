//! A cache of table schemas by id.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use fluss_metadata::{Schema, SchemaId, TableId, TablePath};
use fluss_rpc::{Cluster, path_message};
use fluss_wire::message::GetTableSchemaRequest;

use crate::error::{Error, Result};

/// The schemas seen so far, by table and schema id. The schema of an id never changes, so nothing is evicted while
/// the connection exists.
#[derive(Debug, Default)]
pub(crate) struct SchemaCache {
    schemas: RwLock<HashMap<(TableId, SchemaId), Schema>>,
}

impl SchemaCache {
    /// Returns the schema if it is cached.
    pub(crate) fn cached(&self, table: TableId, schema: SchemaId) -> Option<Schema> {
        self.schemas
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(table, schema))
            .cloned()
    }

    /// Caches a schema.
    pub(crate) fn insert(&self, table: TableId, id: SchemaId, schema: Schema) {
        self.schemas
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((table, id), schema);
    }

    /// Returns the schema `id` of a table, from the cache or the cluster.
    ///
    /// The server looks up schemas by table name. After a table was dropped and re-created, the name refers to a
    /// different table, so the caller must compare table ids before it trusts the result.
    pub(crate) async fn get(
        &self,
        cluster: &Cluster,
        path: &TablePath,
        table: TableId,
        id: SchemaId,
    ) -> Result<Schema> {
        if let Some(schema) = self.cached(table, id) {
            return Ok(schema);
        }
        let request = GetTableSchemaRequest {
            table_path: path_message(path),
            schema_id: Some(id),
        };
        let response = cluster
            .call_any(&request)
            .await
            .map_err(|error| Error::from(error).of_table(path))?;
        if response.schema_id != id {
            return Err(Error::corrupt(format!(
                "requested schema {id}, but the server sent schema {}",
                response.schema_id
            ))
            .of_table(path));
        }
        let schema = Schema::from_json(&response.schema_json)?;
        self.insert(table, id, schema.clone());
        Ok(schema)
    }
}
