//! How an administrative request reaches a server, and code shared by many of them.

use std::collections::BTreeMap;
use std::time::Duration;

use fluss_metadata::{TableId, TablePath};
use fluss_rpc::RpcError;
use fluss_wire::api::ApiRequest;
use fluss_wire::error_code::ErrorCode;
use tokio::time::Instant;

use super::handle::FlussAdmin;
use crate::error::{Error, Result};
use crate::turn::take_turn;

/// How many times to ask the coordinator about an id that it does not know.
const ATTEMPTS_BY_ID: u32 = 3;

impl FlussAdmin {
    /// Sends a request to any server.
    pub(super) async fn read<R: ApiRequest>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<R::Response> {
        take_turn().await;
        self.context
            .cluster
            .call_any(request)
            .await
            .map_err(|error| Error::from(error).during(operation))
    }

    /// Sends a change to the coordinator.
    pub(super) async fn change<R: ApiRequest>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<R::Response> {
        self.coordinator(operation, request).await
    }

    /// Sends a request to the coordinator.
    pub(super) async fn coordinator<R: ApiRequest>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<R::Response> {
        take_turn().await;
        self.context
            .cluster
            .call_coordinator(request)
            .await
            .map_err(|error| Error::from(error).during(operation))
    }

    /// Asks the coordinator about a table by id. If the coordinator does not know the id, it may not have learned of
    /// the table yet, which takes milliseconds; after that, the table does not exist.
    pub(super) async fn ask_by_id<R: ApiRequest>(
        &self,
        operation: &'static str,
        table: TableId,
        request: &R,
    ) -> Result<R::Response> {
        let is_unknown = |error: &RpcError| {
            error
                .server_error()
                .is_some_and(|error| error.code == ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION)
        };
        let asked = self
            .context
            .cluster
            .call_coordinator_unless(request, |error, attempts| {
                attempts >= ATTEMPTS_BY_ID && is_unknown(error)
            })
            .await;
        asked.map_err(|error| {
            let error = if is_unknown(&error) {
                Error::not_found(format!("a table with the id {table}"))
            } else {
                Error::from(error)
            };
            error.during(operation)
        })
    }

    /// Waits, on any runtime.
    pub(super) async fn pause(&self, pause: Duration) {
        // An error means that the connection is closed, which the next call returns.
        let ends = Instant::now() + pause;
        let _ = self.context.cluster.sleep_until(ends).await;
    }
}

/// Groups values of buckets by table.
pub(super) fn by_table<T>(
    items: impl IntoIterator<Item = (TableId, T)>,
) -> BTreeMap<TableId, Vec<T>> {
    let mut tables: BTreeMap<TableId, Vec<T>> = BTreeMap::new();
    for (table, item) in items {
        tables.entry(table).or_default().push(item);
    }
    tables
}

/// Converts a duration to milliseconds.
pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Rejects a name that is not valid for a table before anything is sent.
pub(super) fn check_names(operation: &'static str, path: &TablePath) -> Result<()> {
    let checked = path.check_names().map_err(Error::from);
    checked.map_err(|error| error.during(operation).of_table(path))
}
