//! The configuration of the cluster.

use fluss_metadata::{AlterConfig, ConfigEntry, ConfigSource};
use fluss_wire::message::{AlterClusterConfigsRequest, DescribeClusterConfigsRequest};

use super::alter_table::config_message;
use super::handle::FlussAdmin;
use crate::error::{Error, Result};

impl FlussAdmin {
    /// Returns the configuration of the cluster: what the coordinator was started with, and what was changed since.
    /// In no particular order. It can include secrets of the server, because the server sends them.
    ///
    /// The coordinator answers, which sees its own changes immediately; the other servers learn of a change a moment
    /// later.
    ///
    /// # Errors
    ///
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not describe the cluster. Also if the
    /// coordinator does not respond.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
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

    /// Changes the configuration of the cluster. If one entry is rejected, none is changed.
    ///
    /// Servers of release 0.9.1 accept changes of `datalake.*` and `kv.rocksdb.shared-rate-limiter.bytes-per-sec`,
    /// and only set and delete. Release 1.0 accepts more entries, and also append and subtract.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) for a change without a value, before it is sent, and for an entry or value
    /// that a server of release 1.0 rejects; a server of release 0.9.1 reports that as
    /// [`Server`](crate::ErrorKind::Server). [`Authorization`](crate::ErrorKind::Authorization) if this user may not
    /// alter the cluster.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
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
