//! Settings of the RPC layer.

use std::fmt;
use std::time::Duration;

/// Settings of connections, pool and routing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RpcConfig {
    /// Longest time for one dial with its handshake. Default 15 s.
    pub connect_timeout: Duration,
    /// Longest time for one request. Default 30 s.
    pub request_timeout: Duration,
    /// Longest time for a call that repeats requests. Default 60 s.
    pub call_timeout: Duration,
    /// Largest answer accepted, in bytes. Default 128 MiB.
    pub max_frame_size: usize,
    /// Requests that one connection may have under way. Default 1024.
    pub max_in_flight: usize,
    /// Time without requests after which a connection is closed; servers close theirs after 10 minutes. Default 9 min.
    pub idle_timeout: Duration,
    /// Connections kept to one server. Default 1.
    pub connections_per_server: usize,
    /// How to authenticate. Default not at all.
    pub security: Security,
    /// Name under which this client introduces itself.
    pub client_name: String,
    /// Version under which this client introduces itself.
    pub client_version: String,
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
