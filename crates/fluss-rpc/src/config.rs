//! Settings of the RPC layer.

use std::fmt;
use std::time::Duration;

use crate::chance::Chance;

/// Settings of connections, pool and routing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RpcConfig {
    /// Longest time for one dial with its handshake: name, socket, versions, authentication. Default 15 s.
    pub connect_timeout: Duration,
    /// Longest time for one request, where the caller gives no deadline of its own; also the longest time for which a server may take
    /// no byte of what is sent. Default 30 s.
    pub request_timeout: Duration,
    /// Longest time for a call that repeats requests. Default 60 s.
    pub call_timeout: Duration,
    /// Largest answer accepted, in bytes, checked before memory is taken for it. Default 128 MiB.
    pub max_frame_size: usize,
    /// Requests that one connection may have under way, at least 1; more wait for room. Default 1024.
    pub max_in_flight: usize,
    /// Time without a request or an answer after which a connection is closed. Keep it well below the 10 minutes after which servers
    /// close theirs: a request that crosses such a close is lost, and nobody knows whether it was carried out. Default 9 min.
    pub idle_timeout: Duration,
    /// Connections kept to one server, at least 1. A server works through the requests of one connection one after another, so two
    /// are worth about twice the rate of one; a bucket always uses the same one, which keeps its order. Default 1.
    pub connections_per_server: usize,
    /// How to authenticate. Default not at all.
    pub security: Security,
    /// Name under which this client introduces itself.
    pub client_name: String,
    /// Version under which this client introduces itself.
    pub client_version: String,
    /// What spreads pauses and chooses among servers. Default a sequence of its own.
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

/// How a connection proves who it is.
#[derive(Debug, Clone, Default)]
pub enum Security {
    /// Not at all.
    #[default]
    Plaintext,
    /// SASL with the mechanism PLAIN.
    SaslPlain {
        /// User name.
        username: String,
        /// Password.
        password: Secret,
    },
}

/// A text that neither `Debug` nor any error shows.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
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
