//! Settings of the RPC layer.

use std::fmt;
use std::time::Duration;

use crate::chance::Chance;

/// Settings of connections, pool and routing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RpcConfig {
    /// Maximum time for connecting, including the handshake: name resolution, socket, versions, authentication.
    /// Default 15 s.
    pub connect_timeout: Duration,
    /// Maximum time for one request, unless the caller gives a deadline. Also the maximum time for which a server may
    /// accept no byte of what is sent. Default 30 s.
    pub request_timeout: Duration,
    /// Maximum total time for a call that retries requests. Default 60 s.
    pub call_timeout: Duration,
    /// Maximum size of a response in bytes, checked before memory is allocated for it. Default 128 MiB.
    pub max_frame_size: usize,
    /// Maximum number of requests in flight per connection, at least 1. Further requests wait for room. Default 1024.
    pub max_in_flight: usize,
    /// Time without a request or response after which a connection is closed. Keep it well below the 10 minutes after
    /// which servers close theirs: a request that crosses such a close is lost, and it is unknown whether it was
    /// executed. Default 9 min.
    pub idle_timeout: Duration,
    /// Connections per server, at least 1. A server processes the requests of one connection one at a time, so two
    /// give about twice the rate of one. A bucket always uses the same one, which keeps its order. Default 1.
    pub connections_per_server: usize,
    /// Authentication mechanism. Default none.
    pub security: Security,
    /// Name of this client, sent to servers.
    pub client_name: String,
    /// Version of this client, sent to servers.
    pub client_version: String,
    /// Random numbers for jitter and for choosing servers. Randomly seeded by default.
    pub chance: Chance,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(60),
            max_frame_size: 128 * 1024 * 1024,
            max_in_flight: 1024,
            idle_timeout: Duration::from_secs(9 * 60),
            connections_per_server: 1,
            security: Security::Plaintext,
            client_name: "fluss-rpc".to_owned(),
            client_version: env!("CARGO_PKG_VERSION").to_owned(),
            chance: Chance::default(),
        }
    }
}

/// Authentication mechanism.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Security {
    /// No authentication.
    #[default]
    Plaintext,
    /// SASL/PLAIN.
    SaslPlain {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
}

/// A string that neither `Debug` nor any error shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a string.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let config = RpcConfig {
            security: Security::SaslPlain {
                username: "root".to_owned(),
                password: Secret::new("hunter2"),
            },
            ..RpcConfig::default()
        };
        let printed = format!("{config:?}");
        assert!(
            printed.contains("root") && !printed.contains("hunter2"),
            "{printed}"
        );
    }
}
