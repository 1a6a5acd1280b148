//! Asking any server about the cluster: those known, then the bootstrap addresses.

use fluss_metadata::{ServerKind, ServerNode};
use fluss_wire::api::ApiKey;
use fluss_wire::error_code::{ErrorClass, ErrorCode};
use fluss_wire::message::{MetadataRequest, MetadataResponse};
use fluss_wire::version::ServerType;
use tokio::time::Instant;
use tracing::debug;

use super::Inner;
use super::view::node;
use crate::deadline::after;
use crate::error::{Result, RpcError};
use crate::retry::LEAST_ATTEMPT;

enum Target {
    Known(ServerNode),
    Bootstrap(String, u16),
}

impl Inner {
    /// Asks one server after another until one answers, each once. Each gets its share of the time left.
    pub(super) async fn ask_anyone(
        &self,
        request: &MetadataRequest,
        deadline: Instant,
    ) -> Result<MetadataResponse> {
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
            match self.ask(target, request, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(error) if settles_it(&error) => return Err(error),
                Err(error) => {
                    debug!(%error, "asking for metadata failed");
                    // What may pass outweighs what will not: another server may recover.
                    if error.is_retriable() || !last.is_retriable() || asked == 0 {
                        last = error;
                    }
                }
            }
        }
        Err(last)
    }

    async fn ask(
        &self,
        target: &Target,
        request: &MetadataRequest,
        deadline: Instant,
    ) -> Result<MetadataResponse> {
        let connection = match target {
            Target::Known(server) => {
                let api = ApiKey::GetMetadata;
                self.pool.get_for(api, server, 0, deadline).await?
            }
            // Whose address it is will only be known by the answer.
            Target::Bootstrap(host, port) => self.pool.dial_once(host, *port, deadline).await?,
        };
        let deadline = deadline.min(after(self.pool.config().request_timeout));
        let answer = connection.call(request, deadline).await?;
        if answer.tablet_servers.is_empty() {
            // A server that has just started knows nobody yet.
            return Err(RpcError::Unknown {
                what: "any tablet server, to the server asked,".to_owned(),
            });
        }
        if let Target::Bootstrap(host, port) = target
            && let Some(server) = server_at(host, *port, connection.server_type(), &answer)
        {
            self.pool.adopt(&server, connection);
        }
        Ok(answer)
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
