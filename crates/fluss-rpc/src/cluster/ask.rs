//! Asks any server about the cluster: the known servers first, then the bootstrap addresses.

use fluss_metadata::{ServerKind, ServerNode, TableId, TablePath};
use fluss_wire::api::ApiRequest;
use fluss_wire::error_code::{ErrorClass, ErrorCode};
use fluss_wire::message::{
    GetTableInfoRequest, MetadataRequest, MetadataResponse, TableExistsRequest,
};
use fluss_wire::version::ServerType;
use tokio::time::Instant;
use tracing::debug;

use super::Inner;
use super::view::node;
use crate::connection::Connection;
use crate::deadline::after;
use crate::error::{Result, RpcError};
use crate::lane::Lane;
use crate::message::path_message;
use crate::retry::LEAST_ATTEMPT;

enum Target {
    Known(ServerNode),
    Bootstrap(String, u16),
}

impl Inner {
    /// Asks servers for metadata, each once, until one responds. Each gets a share of the remaining time.
    pub(super) async fn ask_for_metadata(
        &self,
        request: &MetadataRequest,
        deadline: Instant,
    ) -> Result<MetadataResponse> {
        self.ask_anyone(request, deadline, |target, connection, answer| {
            if answer.tablet_servers.is_empty() {
                // A server that has just started knows no other servers yet.
                return Err(RpcError::Unknown {
                    what: "any tablet server".to_owned(),
                });
            }
            if let Target::Bootstrap(host, port) = target
                && let Some(server) = server_at(host, *port, connection.server_type(), answer)
            {
                self.pool.adopt(&server, connection);
            }
            Ok(())
        })
        .await
    }

    /// Asks any server whether a table exists.
    pub(super) async fn table_exists(&self, path: &TablePath, deadline: Instant) -> Result<bool> {
        let request = TableExistsRequest {
            table_path: path_message(path),
        };
        let answer = self.ask_anyone(&request, deadline, |_, _, _| Ok(()));
        Ok(answer.await?.exists)
    }

    /// Asks any server for the id of a table. Servers look it up in the metadata store, not in their caches.
    pub(super) async fn current_id(&self, path: &TablePath, deadline: Instant) -> Result<TableId> {
        let request = GetTableInfoRequest {
            table_path: path_message(path),
        };
        let answer = self.ask_anyone(&request, deadline, |_, _, _| Ok(()));
        Ok(answer.await?.table_id)
    }

    /// Asks servers, each once, until one gives a response that `accept` accepts. Each gets a share of the remaining
    /// time.
    async fn ask_anyone<R: ApiRequest>(
        &self,
        request: &R,
        deadline: Instant,
        accept: impl Fn(&Target, Connection, &R::Response) -> Result<()>,
    ) -> Result<R::Response> {
        let targets = self.targets();
        let mut last = RpcError::Unknown {
            what: "any server".to_owned(),
        };
        for (asked, target) in targets.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left < LEAST_ATTEMPT && asked > 0 {
                break;
            }
            let targets_left = u32::try_from(targets.len() - asked).unwrap_or(u32::MAX);
            let share = (left / targets_left).max(LEAST_ATTEMPT.min(left));
            let deadline = after(share);
            let outcome = match self.ask(target, request, deadline).await {
                Ok((answer, connection)) => accept(target, connection, &answer).map(|()| answer),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) if settles_it(&error) => return Err(error),
                Err(error) => {
                    debug!(api = %R::API_KEY, %error, "a server failed to respond");
                    // Transient errors take precedence over permanent ones, because another server may recover; a
                    // server's error takes precedence over silence.
                    let is_silence =
                        error.server_error().is_none() && last.server_error().is_some();
                    let passes = error.is_retriable() && !(is_silence && last.is_retriable());
                    if passes || !last.is_retriable() || asked == 0 {
                        last = error;
                    }
                }
            }
        }
        Err(last)
    }

    async fn ask<R: ApiRequest>(
        &self,
        target: &Target,
        request: &R,
        deadline: Instant,
    ) -> Result<(R::Response, Connection)> {
        let connection = match target {
            Target::Known(server) => {
                self.pool
                    .get_for(R::API_KEY, server, Lane::FIRST, deadline)
                    .await?
            }
            // Only the response says which server has this address.
            Target::Bootstrap(host, port) => self.pool.dial_once(host, *port, deadline).await?,
        };
        let deadline = deadline.min(after(self.pool.config().request_timeout));
        let answer = connection.call(request, deadline).await?;
        Ok((answer, connection))
    }

    /// The servers to ask, in order: the tablet servers, starting with a random one, connected ones first; the
    /// coordinator; the bootstrap addresses.
    fn targets(&self) -> Vec<Target> {
        let view = self.view();
        let mut targets = view
            .tablet_servers()
            .cloned()
            .map(Target::Known)
            .collect::<Vec<_>>();
        if !targets.is_empty() {
            let first = self.pool.config().chance.below(targets.len());
            targets.rotate_left(first);
            targets.sort_by_key(
                |target| !matches!(target, Target::Known(server) if self.pool.is_connected(server)),
            );
        }
        targets.extend(view.coordinator().cloned().map(Target::Known));
        targets.extend(
            self.bootstrap
                .iter()
                .map(|(host, port)| Target::Bootstrap(host.clone(), *port)),
        );
        targets
    }
}

/// Finds the server whose address was dialed among those it reported.
fn server_at(
    host: &str,
    port: u16,
    server_type: Option<ServerType>,
    answer: &MetadataResponse,
) -> Option<ServerNode> {
    let (coordinator, tablets) = match server_type? {
        ServerType::Coordinator => (answer.coordinator_server.as_ref(), None),
        ServerType::TabletServer => (None, Some(&answer.tablet_servers)),
    };
    let coordinator = coordinator.map(|server| (server, ServerKind::Coordinator));
    let tablets = tablets.into_iter().flatten();
    tablets
        .map(|server| (server, ServerKind::TabletServer))
        .chain(coordinator)
        .filter_map(|(server, kind)| node(server, kind))
        .find(|server| server.host() == host && server.port() == port)
}

/// Whether another server would return the same.
fn settles_it(error: &RpcError) -> bool {
    match error {
        RpcError::Closed | RpcError::Credentials { .. } | RpcError::Request { .. } => true,
        _ => error.server_error().is_some_and(|error| {
            matches!(
                error.code.class(),
                ErrorClass::Gone | ErrorClass::Authentication
            ) || error.code == ErrorCode::AUTHORIZATION_EXCEPTION
        }),
    }
}
