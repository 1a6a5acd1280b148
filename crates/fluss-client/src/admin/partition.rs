//! Partitions.

use fluss_metadata::{PartitionInfo, PartitionSpec, ResolvedPartitionSpec, TablePath};
use fluss_rpc::{path_message, spec_message};
use fluss_wire::message::{
    CreatePartitionRequest, DropPartitionRequest, ListPartitionInfosRequest,
};

use super::call::check_names;
use super::handle::FlussAdmin;
use crate::context::Context;
use crate::error::{Error, Result};

impl FlussAdmin {
    /// Creates a partition. `spec` has a value for each partition key.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) unless `ignore_if_exists`;
    /// [`Usage`](crate::ErrorKind::Usage) for an unpartitioned table or a spec that does not match the table.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
    pub async fn create_partition(
        &self,
        path: &TablePath,
        spec: &PartitionSpec,
        ignore_if_exists: bool,
    ) -> Result<()> {
        check_names("create_partition", path)?;
        let request = CreatePartitionRequest {
            table_path: path_message(path),
            partition_spec: spec_message(spec.iter()),
            // The name in the protocol is the opposite of what the server does.
            ignore_if_not_exists: ignore_if_exists,
        };
        self.change("create_partition", &request)
            .await
            .map_err(|error| error.of_table(path))?;
        Ok(())
    }

    /// Drops a partition with all its data.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) unless `ignore_if_not_exists`.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
    pub async fn drop_partition(
        &self,
        path: &TablePath,
        spec: &PartitionSpec,
        ignore_if_not_exists: bool,
    ) -> Result<()> {
        check_names("drop_partition", path)?;
        let request = DropPartitionRequest {
            table_path: path_message(path),
            partition_spec: spec_message(spec.iter()),
            ignore_if_not_exists,
        };
        self.change("drop_partition", &request)
            .await
            .map_err(|error| error.of_table(path))?;
        Ok(())
    }

    /// Lists the partitions of a table.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the table does not exist, [`Usage`](crate::ErrorKind::Usage) if it
    /// is not partitioned.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_partition_infos(&self, path: &TablePath) -> Result<Vec<PartitionInfo>> {
        self.list_partition_infos_with_spec(path, None).await
    }

    /// Lists the partitions of a table whose values match `partial`, which has values for some of the partition keys.
    ///
    /// # Errors
    ///
    /// The same as [`list_partition_infos`](Self::list_partition_infos).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn list_partition_infos_with_spec(
        &self,
        path: &TablePath,
        partial: Option<&PartitionSpec>,
    ) -> Result<Vec<PartitionInfo>> {
        list(&self.context, path, partial)
            .await
            .map_err(|error| error.during("list_partition_infos").of_table(path))
    }
}

/// Lists all partitions of a table, or those that match `partial`.
pub(super) async fn list(
    context: &Context,
    path: &TablePath,
    partial: Option<&PartitionSpec>,
) -> Result<Vec<PartitionInfo>> {
    path.check_names()?;
    let request = ListPartitionInfosRequest {
        table_path: path_message(path),
        partial_partition_spec: partial.map(|spec| spec_message(spec.iter())),
        ..ListPartitionInfosRequest::default()
    };
    let response = context.cluster.call_any(&request).await?;
    response
        .partitions_info
        .into_iter()
        .map(|info| {
            let (keys, values) = info
                .partition_spec
                .partition_key_values
                .into_iter()
                .map(|pair| (pair.key, pair.value))
                .unzip::<_, _, Vec<_>, Vec<_>>();
            let spec = ResolvedPartitionSpec::new(keys, values).map_err(Error::unreadable)?;
            let partition = PartitionInfo::new(info.partition_id, spec, info.remote_data_dir);
            Ok(partition.with_bucket_count(info.bucket_count))
        })
        .collect()
}
