//! Tables and their schemas.

use bytes::Bytes;
use fluss_metadata::{Schema, SchemaId, SchemaInfo, TableDescriptor, TableInfo, TablePath};
use fluss_rpc::{ListedPartition, path_message};
use fluss_wire::message::{
    CreateTableRequest, DropTableRequest, GetTableInfoRequest, GetTableSchemaRequest,
    ListTablesRequest, TableExistsRequest,
};

use super::call::check_names;
use super::handle::FlussAdmin;
use super::partition;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::turn::take_turn;

impl FlussAdmin {
    /// Creates a table.
    ///
    /// The server completes the descriptor with its defaults (number of buckets, replication factor, formats): see
    /// [`get_table_info`](Self::get_table_info).
    ///
    /// # When you can use the table
    ///
    /// Immediately: [`get_table`](crate::FlussConnection::get_table) finds it as soon as this call returns. The servers
    /// elect the leaders of its buckets a moment later. Writers, lookups and scanners wait for them, so the first rows
    /// take a little longer: rows wait for at most
    /// [`Config::writer_delivery_timeout`](crate::Config::writer_delivery_timeout), lookups for at most
    /// [`Config::call_timeout`](crate::Config::call_timeout), and scanners retry for as long as you poll them. A
    /// partition that servers create by time exists a moment later, too; a writer that needs one earlier creates it.
    ///
    /// To wait until all buckets have leaders, retry [`list_offsets`](Self::list_offsets):
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use fluss_client::{FlussAdmin, Result};
    /// use fluss_metadata::{OffsetSpec, TablePath};
    ///
    /// async fn wait_for_leaders(admin: &FlussAdmin, path: &TablePath) -> Result<()> {
    ///     let buckets: Vec<_> = (0..admin.get_table_info(path).await?.num_buckets()).collect();
    ///     loop {
    ///         match admin.list_offsets(path, &buckets, OffsetSpec::Latest).await {
    ///             Ok(_) => return Ok(()),
    ///             Err(error) if error.is_retriable() => tokio::time::sleep(Duration::from_millis(100)).await,
    ///             Err(error) => return Err(error),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) unless `ignore_if_exists`;
    /// [`NotFound`](crate::ErrorKind::NotFound) if the database does not exist; [`Usage`](crate::ErrorKind::Usage)
    /// for a name or a definition that the server rejects.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
    pub async fn create_table(
        &self,
        path: &TablePath,
        descriptor: &TableDescriptor,
        ignore_if_exists: bool,
    ) -> Result<()> {
        path.validate()?;
        let request = CreateTableRequest {
            table_path: path_message(path),
            table_json: Bytes::from(descriptor.to_json()),
            ignore_if_exists,
        };
        self.change("create_table", &request)
            .await
            .map_err(|error| error.of_table(path))?;
        Ok(())
    }

    /// Drops a table with all its data.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) unless `ignore_if_not_exists`.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
    pub async fn drop_table(&self, path: &TablePath, ignore_if_not_exists: bool) -> Result<()> {
        check_names("drop_table", path)?;
        let request = DropTableRequest {
            table_path: path_message(path),
            ignore_if_not_exists,
        };
        self.change("drop_table", &request)
            .await
            .map_err(|error| error.of_table(path))?;
        Ok(())
    }

    /// Returns whether a table exists. For a name that is not valid for a table, returns `false` without a request.
    ///
    /// # Errors
    ///
    /// Returns an error if no server responds.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn table_exists(&self, path: &TablePath) -> Result<bool> {
        if path.check_names().is_err() {
            return Ok(false);
        }
        let request = TableExistsRequest {
            table_path: path_message(path),
        };
        Ok(self
            .read("table_exists", &request)
            .await
            .map_err(|error| error.of_table(path))?
            .exists)
    }

    /// Lists the names of the tables of a database that this user may see.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the database does not exist.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_tables(&self, database: &str) -> Result<Vec<String>> {
        let request = ListTablesRequest {
            database_name: database.to_owned(),
        };
        Ok(self.read("list_tables", &request).await?.table_name.into())
    }

    /// Returns the definition of a table as stored by the server.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table does not exist.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_table_info(&self, path: &TablePath) -> Result<TableInfo> {
        fetch_table_info(&self.context, path)
            .await
            .map_err(|error| error.during("get_table_info").of_table(path))
    }

    /// Returns a schema of a table: the one with the given id, or the latest.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table or schema does not exist.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn get_table_schema(
        &self,
        path: &TablePath,
        schema_id: Option<SchemaId>,
    ) -> Result<SchemaInfo> {
        self.table_schema(path, schema_id)
            .await
            .map_err(|error| error.during("get_table_schema").of_table(path))
    }

    async fn table_schema(
        &self,
        path: &TablePath,
        schema_id: Option<SchemaId>,
    ) -> Result<SchemaInfo> {
        // For a missing schema, even of a missing table, servers return a retriable error, because writers may be
        // ahead of them. Here retrying would be in vain.
        let info = fetch_table_info(&self.context, path).await?;
        let latest = info.schema_id();
        let schema_id = schema_id.unwrap_or(latest);
        if schema_id == latest {
            return Ok(SchemaInfo::new(info.schema().clone(), latest));
        }
        if !(1..latest).contains(&schema_id) {
            return Err(Error::not_found(format!(
                "schema {schema_id} (the table has schemas 1 to {latest})"
            )));
        }
        let request = GetTableSchemaRequest {
            table_path: path_message(path),
            schema_id: Some(schema_id),
        };
        let response = self.read("get_table_schema", &request).await?;
        let schema = Schema::from_json(&response.schema_json).map_err(Error::unreadable)?;
        Ok(SchemaInfo::new(schema, response.schema_id))
    }
}

/// Fetches the definition of a table.
pub(crate) async fn fetch_table_info(context: &Context, path: &TablePath) -> Result<TableInfo> {
    take_turn().await;
    path.check_names()?;
    let response = context
        .cluster
        .call_any(&GetTableInfoRequest {
            table_path: path_message(path),
        })
        .await?;
    let descriptor = TableDescriptor::from_json(&response.table_json).map_err(Error::unreadable)?;
    let info = TableInfo::new(
        path.clone(),
        response.table_id,
        response.schema_id,
        descriptor,
        response.created_time,
        response.modified_time,
        response.remote_data_dir,
    )
    .map_err(Error::unreadable)?;
    if info.is_partitioned() && response.bucket_count_epoch.is_some_and(|epoch| epoch > 0) {
        learn_partitions(context, &info).await?;
    }
    Ok(info)
}

/// Fetches the bucket count of each partition of a table whose bucket count was changed: rows are assigned to buckets
/// before their partition is looked up.
async fn learn_partitions(context: &Context, info: &TableInfo) -> Result<()> {
    let listed = partition::list(context, info.table_path(), None).await?;
    let listed: Vec<_> = listed
        .iter()
        .map(|partition| ListedPartition {
            name: partition.partition_name(),
            id: partition.partition_id(),
            bucket_count: partition.bucket_count(),
        })
        .collect();
    context.cluster.learn_partitions(info.table_id(), &listed);
    Ok(())
}
