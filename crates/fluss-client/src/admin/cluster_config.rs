//! The configuration of the cluster.

use fluss_metadata::{AlterConfig, ConfigEntry, ConfigSource};
use fluss_wire::message::{AlterClusterConfigsRequest, DescribeClusterConfigsRequest};

use super::alter_table::config_message;
use super::handle::FlussAdmin;
use crate::error::{Error, Result};

impl FlussAdmin {
    /// The configuration of the cluster: what the coordinator was started with, and what was changed since. In no order; secrets of the
    /// server among it, as it sends them.
    ///
    /// Asked of the coordinator, which knows its own changes at once; the other servers hear of a change a moment later.
    ///
    /// # Errors
    ///
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not describe the cluster; why the coordinator did not answer.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn describe_cluster_configs(&self) -> Result<Vec<ConfigEntry>> {
        let response = self
            .coordinator(
                "describe_cluster_configs",
                &DescribeClusterConfigsRequest {},
            )
            .await?;
        Ok(response
            .configs
            .into_iter()
            .map(|entry| {
                let source = ConfigSource::parse(&entry.config_source).ok();
                ConfigEntry::new(entry.config_key, entry.config_value, source)
            })
            .collect())
    }

    /// Changes the configuration of the cluster: all the entries or, if one of them is refused, none.
    ///
    /// Servers of release 0.9.1 take changes of `datalake.*` and of `kv.rocksdb.shared-rate-limiter.bytes-per-sec`, and set and delete only;
    /// release 1.0 takes more entries, appends and subtracts.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) for a change that lacks its value, before it is sent, and for an entry or value that a server of
    /// release 1.0 refuses; a server of release 0.9.1 gives that as [`Server`](crate::ErrorKind::Server).
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not alter the cluster.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the change may happen nevertheless.
    pub async fn alter_cluster_configs(&self, changes: &[AlterConfig]) -> Result<()> {
        let alter_configs = changes
            .iter()
            .map(config_message)
            .collect::<Result<Vec<_>>>()
            .map_err(|error: Error| error.during("alter_cluster_configs"))?;
        let request = AlterClusterConfigsRequest {
            alter_configs: alter_configs.into(),
        };
        self.change("alter_cluster_configs", &request).await?;
        Ok(())
    }
}
