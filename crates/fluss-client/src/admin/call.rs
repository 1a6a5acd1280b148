//! How an administrative request reaches a server, and the forms that many of them share.

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

/// How often the coordinator is asked about an id that it does not know.
const ATTEMPTS_BY_ID: u32 = 3;

impl FlussAdmin {
    /// Asks any server.
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

    /// Asks the coordinator to change something.
    pub(super) async fn change<R: ApiRequest>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<R::Response> {
        self.coordinator(operation, request).await
    }

    /// Asks the coordinator.
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

    /// Asks the coordinator about a table by its id. A coordinator that does not know the id may not have heard of the table yet, which
    /// takes it milliseconds; then there is no such table.
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

    /// Waits, whatever runtime the caller is on.
    pub(super) async fn pause(&self, pause: Duration) {
        // An error says that the connection is closed: then the next call tells.
        let ends = Instant::now() + pause;
        let _ = self.context.cluster.sleep_until(ends).await;
    }
}

/// Things of buckets, put together by their tables.
pub(super) fn by_table<T>(
    items: impl IntoIterator<Item = (TableId, T)>,
) -> BTreeMap<TableId, Vec<T>> {
    let mut tables: BTreeMap<TableId, Vec<T>> = BTreeMap::new();
    for (table, item) in items {
        tables.entry(table).or_default().push(item);
    }
    tables
}

/// A length of time as messages say it.
pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Refuses a name that no table can have, instead of asking for it.
pub(super) fn check_names(operation: &'static str, path: &TablePath) -> Result<()> {
    let checked = path.check_names().map_err(Error::from);
    checked.map_err(|error| error.during(operation).of_table(path))
}
