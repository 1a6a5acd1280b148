//! Dialing, version negotiation and authentication, before a connection is used.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fluss_wire::api::ApiKey;
use fluss_wire::error_code::{ErrorClass, ErrorCode};
use fluss_wire::message::ApiVersionsRequest;
use fluss_wire::sasl::plain_request;
use fluss_wire::version::{ApiVersions, ServerType};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, debug, debug_span};

use super::Connection;
use crate::config::{RpcConfig, Security};
use crate::deadline::after;
use crate::error::{Phase, Result, RpcError};
use crate::metrics::ApiMetrics;
use crate::retry::RetryPolicy;
use crate::transport::Dialer;

/// The server to connect to, and the time limit.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    host: String,
    port: u16,
    /// The expected kind of server; any kind at a bootstrap address.
    expected: Option<ServerType>,
    timeout: Duration,
}

impl Target {
    pub(crate) fn new(
        host: &str,
        port: u16,
        expected: Option<ServerType>,
        timeout: Duration,
    ) -> Self {
        Self {
            host: host.to_owned(),
            port,
            expected,
            timeout,
        }
    }
}

/// Dials a server and performs the handshake, with one deadline for both. Runs on the connection's runtime.
pub(crate) async fn connect(
    dialer: &dyn Dialer,
    target: &Target,
    config: &RpcConfig,
    runtime: &Handle,
    metrics: Arc<ApiMetrics>,
) -> Result<Connection> {
    let server: Arc<str> = format!("{}:{}", target.host, target.port).into();
    let span = debug_span!("connect", %server);
    async {
        let outcome = attempt(dialer, target, server, config, runtime, metrics).await;
        match &outcome {
            Ok(_) => debug!("connected"),
            Err(error) => debug!(%error, "not connected"),
        }
        outcome
    }
    .instrument(span)
    .await
}

async fn attempt(
    dialer: &dyn Dialer,
    target: &Target,
    server: Arc<str>,
    config: &RpcConfig,
    runtime: &Handle,
    metrics: Arc<ApiMetrics>,
) -> Result<Connection> {
    let started = Instant::now();
    let deadline = after(target.timeout);
    let timed_out = |phase| RpcError::Timeout {
        api: ApiKey::ApiVersions,
        server: Arc::clone(&server),
        phase,
        waited: started.elapsed(),
    };
    let stream = match timeout_at(deadline, dialer.dial(&target.host, target.port)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(source)) => {
            return Err(RpcError::Connect {
                server,
                source: Arc::new(source),
            });
        }
        Err(_) => return Err(timed_out(Phase::Dial)),
    };
    let mut connection = Connection::start(stream, Arc::clone(&server), config, runtime, metrics);
    let handshake = handshake(&mut connection, target.expected, config, deadline);
    match timeout_at(deadline, handshake).await {
        Ok(Ok(())) => Ok(connection),
        Ok(Err(RpcError::Timeout { .. })) | Err(_) => Err(timed_out(Phase::Handshake)),
        Ok(Err(error)) => Err(error.before_sending()),
    }
}

async fn handshake(
    connection: &mut Connection,
    expected: Option<ServerType>,
    config: &RpcConfig,
    deadline: Instant,
) -> Result<()> {
    let request = ApiVersionsRequest {
        client_software_name: config.client_name.clone(),
        client_software_version: config.client_version.clone(),
    };
    let response = connection.call_version(&request, 0, deadline).await?;
    let versions = ApiVersions::from_response(&response);
    // Old servers do not report their kind.
    if let (Some(expected), Some(got)) = (expected, versions.server_type())
        && expected != got
    {
        return Err(RpcError::WrongServer {
            server: Arc::clone(&connection.shared.server),
            got: Some(got),
            expected,
        });
    }
    connection.versions = Arc::new(versions);
    match &config.security {
        Security::Plaintext => Ok(()),
        Security::SaslPlain { username, password } => {
            authenticate(connection, username, password.reveal(), config, deadline).await
        }
    }
}

/// SASL/PLAIN: the client sends a single token.
async fn authenticate(
    connection: &Connection,
    user: &str,
    password: &str,
    config: &RpcConfig,
    deadline: Instant,
) -> Result<()> {
    let request = plain_request(user, password).map_err(|source| RpcError::Credentials {
        source: Arc::new(source),
    })?;
    let mut failures = 0;
    loop {
        match connection.call(&request, deadline).await {
            // The server ends the exchange with no challenge, or an empty one.
            Ok(response) if response.challenge.as_ref().is_none_or(Bytes::is_empty) => {
                return Ok(());
            }
            Ok(_) => {
                return Err(RpcError::Authentication {
                    server: Arc::clone(&connection.shared.server),
                    reason: "it sent a challenge, which the mechanism PLAIN does not have",
                });
            }
            Err(error) if asks_to_repeat(&error) => {
                failures += 1;
                let left = deadline.saturating_duration_since(Instant::now());
                match RetryPolicy::AUTHENTICATION.next_pause(failures, config.chance.unit(), left) {
                    Some(pause) => sleep(pause).await,
                    None => return Err(error),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn asks_to_repeat(error: &RpcError) -> bool {
    error
        .server_error()
        .map(|error| error.code)
        .map(ErrorCode::class)
        .is_some_and(|class| class == ErrorClass::RetryAuthentication)
}
