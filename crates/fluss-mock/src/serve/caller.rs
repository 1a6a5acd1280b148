//! Who sent a request, to which server, and what they may do.

use fluss_metadata::{OperationType, Principal, Resource, TableId, TablePath};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::version::ServerType;

use crate::reply::{Result, fail};
use crate::state::State;

/// The other side of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The server that was asked.
    pub(crate) server: i32,
    pub(crate) kind: ServerType,
    /// Who asks: nobody in particular where nobody has to say so.
    pub(crate) principal: Principal,
    /// The address they come from.
    pub(crate) host: String,
}

impl Caller {
    /// Somebody who did not say who they are, on this machine.
    pub(crate) fn anonymous(server: i32, kind: ServerType) -> Self {
        Self {
            server,
            kind,
            principal: Principal::new("", "ANONYMOUS"),
            host: "127.0.0.1".to_owned(),
        }
    }

    /// The tablet server that was asked, if it is one.
    pub(crate) fn tablet_server(&self) -> Option<i32> {
        (self.kind == ServerType::TabletServer).then_some(self.server)
    }

    /// Whether the rules, if there are any, let the caller do this.
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

    /// As [`must_on_table`](Self::must_on_table), of a table by its id. Where there are no rules, ids aren't looked at here.
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

/// The error for a table id that a server doesn't know.
pub(crate) fn unknown_table<T>(server: &str, id: TableId) -> Result<T> {
    fail(
        ErrorCode::UNKNOWN_TABLE_OR_BUCKET_EXCEPTION,
        format!(
            "This server {server} does not know this table ID {id}. This may happen when the table metadata cache in the server is not updated yet."
        ),
    )
}
