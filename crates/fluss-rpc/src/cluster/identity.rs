//! Whether a table is still the one that a handle was made for: names are used again, ids are not.

use std::collections::BTreeSet;
use std::sync::Arc;

use fluss_metadata::{PartitionId, TableId, TablePath};
use fluss_wire::api::ApiKey;
use fluss_wire::error_code::{ErrorCode, ServerError};
use tokio::time::Instant;

use super::Cluster;
use super::refresh::has_code;
use super::wish::Wish;
use crate::error::{Result, RpcError};

impl Cluster {
    /// Checks that what is known of the table at `path` is about the one with the id `table`. Asks a server only if it is not.
    ///
    /// # Errors
    ///
    /// `TABLE_NOT_EXIST` if the table was dropped, whether or not there is another one of that name. [`RpcError::Unknown`], which may
    /// pass, if the servers that were asked so far still spoke of an earlier one: that is forgotten. Why nobody could be asked.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
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
        // Tablet servers cache metadata, and may speak of an earlier table for a while.
        self.note_table(path, table);
        Err(RpcError::Unknown {
            what: format!("table {path} with the id {table}, to the server asked,"),
        })
    }

    /// Asks where tables are kept, past the caches of tablet servers, whether the table is still the one with the id `table`.
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
            "the table was dropped and created again: its id was {table}, now it is {current}"
        );
        Err(RpcError::Server {
            api: ApiKey::GetTableInfo,
            server: "any server".into(),
            error: ServerError::new(ErrorCode::TABLE_NOT_EXIST, text),
        })
    }

    /// The id of a partition of the table with the id `table`, asked for where it is not known; `None` if there is no such partition.
    /// Unlike [`partition_id`](Self::partition_id) it never answers for another table of the same name.
    ///
    /// # Errors
    ///
    /// As [`check_identity`](Self::check_identity); why nobody could be asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the news; a refresh under way goes on, for others and for the view.
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
        let wish = Wish::PartitionNamed(path.clone(), Arc::from(name));
        match self.learn(BTreeSet::from([wish]), deadline).await {
            Ok(()) => {
                if let Some(partition) = known() {
                    return Ok(Some(partition));
                }
                self.check_table(path, table, deadline).await?;
            }
            // It may be missing from another table only.
            Err(error) if has_code(&error, ErrorCode::PARTITION_NOT_EXISTS) => {
                self.ask_identity(path, table, deadline).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }
}
