//! Asking any server about the cluster: those known, then the bootstrap addresses.

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
    /// Asks one server after another for metadata until one answers, each once. Each gets its share of the time left.
    pub(super) async fn ask_for_metadata(
        &self,
        request: &MetadataRequest,
        deadline: Instant,
    ) -> Result<MetadataResponse> {
        self.ask_anyone(request, deadline, |target, connection, answer| {
            if answer.tablet_servers.is_empty() {
                // A server that has just started knows nobody yet.
                return Err(RpcError::Unknown {
                    what: "any tablet server, to the server asked,".to_owned(),
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

    /// Whether there is a table of that name, by the word of any server.
    pub(super) async fn table_exists(&self, path: &TablePath, deadline: Instant) -> Result<bool> {
        let request = TableExistsRequest {
            table_path: path_message(path),
        };
        let answer = self.ask_anyone(&request, deadline, |_, _, _| Ok(()));
        Ok(answer.await?.exists)
    }

    /// The id of the table of that name, by the word of any server. Servers look it up where it is kept, whatever they cache.
    pub(super) async fn current_id(&self, path: &TablePath, deadline: Instant) -> Result<TableId> {
        let request = GetTableInfoRequest {
            table_path: path_message(path),
        };
        let answer = self.ask_anyone(&request, deadline, |_, _, _| Ok(()));
        Ok(answer.await?.table_id)
    }

    /// Asks one server after another until one gives an answer that `accept` takes, each once. Each gets its share of the time left.
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
                    debug!(api = %R::API_KEY, %error, "a server that was asked failed");
                    // What may pass outweighs what will not, as another server may recover; what a server says outweighs silence.
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
            // Whose address it is will only be known by the answer.
            Target::Bootstrap(host, port) => self.pool.dial_once(host, *port, deadline).await?,
        };
        let deadline = deadline.min(after(self.pool.config().request_timeout));
        let answer = connection.call(request, deadline).await?;
        Ok((answer, connection))
    }

    /// Whom to ask, in order: the tablet servers from a random one on, those first that are connected; the coordinator, the bootstrap
    /// addresses.
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

/// The server whose address was dialled, among those that it told of.
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

/// Whether another server would say the same.
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
