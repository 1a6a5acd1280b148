//! The schemas of tables by id, fetched once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use fluss_metadata::{Schema, SchemaId, TableId, TablePath};
use fluss_wire::message::{GetTableSchemaRequest, PbTablePath};

use crate::connection::ConnectionInner;
use crate::error::{Error, Result};

/// Schemas that were seen, by table and schema id. A schema never changes under its id, so nothing is ever evicted but by the end of
/// the connection.
#[derive(Debug, Default)]
pub(crate) struct SchemaCache {
    schemas: RwLock<HashMap<(TableId, SchemaId), Schema>>,
}

impl SchemaCache {
    /// The schema if it was seen before.
    pub(crate) fn cached(&self, table: TableId, schema: SchemaId) -> Option<Schema> {
        self.schemas
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(table, schema))
            .cloned()
    }

    /// Keeps a schema.
    pub(crate) fn insert(&self, table: TableId, id: SchemaId, schema: Schema) {
        self.schemas
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((table, id), schema);
    }
}

impl ConnectionInner {
    /// The schema `id` of a table, from the cache or the cluster.
    ///
    /// The server finds schemas by the table's name: after a table was dropped and made anew, the name means another table. The caller
    /// compares table ids before it trusts what it reads.
    pub(crate) async fn schema(
        &self,
        path: &TablePath,
        table: TableId,
        id: SchemaId,
    ) -> Result<Schema> {
        if let Some(schema) = self.schemas.cached(table, id) {
            return Ok(schema);
        }
        let request = GetTableSchemaRequest {
            table_path: PbTablePath {
                database_name: path.database().to_owned(),
                table_name: path.table().to_owned(),
            },
            schema_id: Some(id),
        };
        let response = self
            .cluster
            .call_any(&request)
            .await
            .map_err(|error| Error::from(error).of_table(path))?;
        if response.schema_id != id {
            return Err(Error::corrupt(format!(
                "asked for schema {id}, the server sent schema {}",
                response.schema_id
            ))
            .of_table(path));
        }
        let schema = Schema::from_json(&response.schema_json)?;
        self.schemas.insert(table, id, schema.clone());
        Ok(schema)
    }
}
