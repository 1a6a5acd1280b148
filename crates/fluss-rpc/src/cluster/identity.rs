//! Checks whether a table is still the one that a handle was created for: names are reused, ids are not.

use std::collections::BTreeSet;
use std::sync::Arc;

use fluss_metadata::{PartitionId, TableId, TablePath};
use fluss_wire::api::ApiKey;
use fluss_wire::error_code::{ErrorCode, ServerError};
use tokio::time::Instant;

use super::Cluster;
use super::interest::Interest;
use super::refresh::has_code;
use crate::error::{Result, RpcError};

impl Cluster {
    /// Checks that the view of the table at `path` is about the table with the id `table`. Asks a server only if it
    /// is not.
    ///
    /// # Errors
    ///
    /// `TABLE_NOT_EXIST` if the table was dropped, whether or not there is another one with that name.
    /// [`RpcError::Unknown`], which is transient, if the servers asked so far still reported an earlier table; that
    /// information is evicted. Also if no server could be asked.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn check_identity(&self, path: &TablePath, table: TableId) -> Result<()> {
        self.check_table(path, table, self.call_deadline()).await
    }

    pub(super) async fn check_table(
        &self,
        path: &TablePath,
        table: TableId,
        deadline: Instant,
    ) -> Result<()> {
        let known = self.view().table_id(path);
        if known.is_none_or(|known| known == table) {
            return Ok(());
        }
        self.ask_identity(path, table, deadline).await?;
        // Tablet servers cache metadata, and may report an earlier table for a while.
        self.note_table(path, table);
        Err(RpcError::Unknown {
            what: format!("table {path} with the id {table}"),
        })
    }

    /// Checks in the metadata store, bypassing the caches of tablet servers, whether the table still has the id
    /// `table`.
    async fn ask_identity(
        &self,
        path: &TablePath,
        table: TableId,
        deadline: Instant,
    ) -> Result<()> {
        let current = self.inner.current_id(path, deadline).await?;
        if current == table {
            return Ok(());
        }
        let text = format!(
            "the table was dropped and re-created: its id was {table}, now it is {current}"
        );
        Err(RpcError::Server {
            api: ApiKey::GetTableInfo,
            server: "any server".into(),
            error: ServerError::new(ErrorCode::TABLE_NOT_EXIST, text),
        })
    }

    /// Returns the id of a partition of the table with the id `table`, or `None` if there is no such partition. Asks
    /// the cluster if it is not known. Unlike [`partition_id`](Self::partition_id), it never returns a partition of
    /// another table with the same name.
    ///
    /// # Errors
    ///
    /// The same as [`check_identity`](Self::check_identity). Also if no server could be asked.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, the refresh continues for other callers and for the view.
    pub async fn partition_of(
        &self,
        path: &TablePath,
        table: TableId,
        name: &str,
    ) -> Result<Option<PartitionId>> {
        let known = || {
            let view = self.view();
            (view.table_id(path) == Some(table))
                .then(|| view.partition_id(table, name))
                .flatten()
        };
        if let Some(partition) = known() {
            return Ok(Some(partition));
        }
        let deadline = self.call_deadline();
        let interest = Interest::PartitionNamed(path.clone(), Arc::from(name));
        match self.learn(BTreeSet::from([interest]), deadline).await {
            Ok(()) => {
                if let Some(partition) = known() {
                    return Ok(Some(partition));
                }
                self.check_table(path, table, deadline).await?;
            }
            // It may only be missing from another table.
            Err(error) if has_code(&error, ErrorCode::PARTITION_NOT_EXISTS) => {
                self.ask_identity(path, table, deadline).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}
