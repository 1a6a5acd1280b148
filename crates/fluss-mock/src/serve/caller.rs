//! The caller of a request, and its permissions.

use fluss_metadata::{OperationType, Principal, Resource, TableId, TablePath};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::version::ServerType;

use crate::reply::{Result, fail};
use crate::state::State;

/// The client of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The id of the server that received the request.
    pub(crate) server: i32,
    pub(crate) kind: ServerType,
    /// The authenticated user; anonymous without authentication.
    pub(crate) principal: Principal,
    /// The address of the client.
    pub(crate) host: String,
}

impl Caller {
    /// An unauthenticated caller on this machine.
    pub(crate) fn anonymous(server: i32, kind: ServerType) -> Self {
        Self {
            server,
            kind,
            principal: Principal::new("", "ANONYMOUS"),
            host: "127.0.0.1".to_owned(),
        }
    }

    /// The id of the server that received the request, if it is a tablet server.
    pub(crate) fn tablet_server(&self) -> Option<i32> {
        (self.kind == ServerType::TabletServer).then_some(self.server)
    }

    /// Whether the caller has this permission. Always true without access rules.
    pub(crate) fn may(&self, state: &State, operation: OperationType, resource: &Resource) -> bool {
        state
            .access
            .as_ref()
            .is_none_or(|access| access.allows(&self.principal, &self.host, operation, resource))
    }

    pub(crate) fn must(
        &self,
        state: &State,
        operation: OperationType,
        resource: &Resource,
    ) -> Result<()> {
        if self.may(state, operation, resource) {
            return Ok(());
        }
        fail(
            ErrorCode::AUTHORIZATION_EXCEPTION,
            format!(
                "Principal FlussPrincipal{{name='{}', type='{}'}} have no authorization to operate {operation} on resource {} {}",
                self.principal.name(),
                self.principal.kind(),
                resource.kind(),
                resource.name(),
            ),
        )
    }

    pub(crate) fn must_on_cluster(&self, state: &State, operation: OperationType) -> Result<()> {
        self.must(state, operation, &Resource::cluster())
    }

    pub(crate) fn must_on_database(
        &self,
        state: &State,
        operation: OperationType,
        name: &str,
    ) -> Result<()> {
        self.must(state, operation, &Resource::database(name))
    }

    pub(crate) fn must_on_table(
        &self,
        state: &State,
        operation: OperationType,
        path: &TablePath,
    ) -> Result<()> {
        self.must(state, operation, &Resource::table(path))
    }

    /// Like [`must_on_table`](Self::must_on_table), for a table id. Without access rules, the id is not checked.
    pub(crate) fn must_on_table_id(
        &self,
        state: &State,
        operation: OperationType,
        id: TableId,
    ) -> Result<()> {
        if state.access.is_none() {
            return Ok(());
        }
        match state.catalog.table_by_id(id) {
            Some(table) => self.must_on_table(state, operation, &table.path),
            None => unknown_table(&format!("server-{}", self.server), id),
        }
    }
}

/// The error for an unknown table id.
pub(crate) fn unknown_table<T>(server: &str, id: TableId) -> Result<T> {
    fail(
        ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
        format!(
            "This server {server} does not know this table ID {id}. This may happen when the table metadata cache in the server is not updated yet."
        ),
    )
}
