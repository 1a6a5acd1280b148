//! The settings that the RPC layer uses.

use fluss_rpc::{RpcConfig, Secret, Security};

use crate::config::{Config, SecurityProtocol};

/// Name and version that the client sends to servers.
const CLIENT_NAME: &str = "fluss-rs";

pub(crate) fn rpc_config(config: &Config) -> RpcConfig {
    let mut rpc = RpcConfig::default();
    rpc.connect_timeout = config.connect_timeout;
    rpc.request_timeout = config.request_timeout;
    rpc.call_timeout = config.call_timeout;
    rpc.max_frame_size = config.max_frame_size;
    rpc.connections_per_server = config.connections_per_server;
    rpc.client_name = if config.client_id.is_empty() {
        CLIENT_NAME.to_owned()
    } else {
        config.client_id.clone()
    };
    env!("CARGO_PKG_VERSION").clone_into(&mut rpc.client_version);
    rpc.security = match config.security_protocol {
        SecurityProtocol::Plaintext => Security::Plaintext,
        SecurityProtocol::SaslPlain => Security::SaslPlain {
            username: config.sasl_username.clone(),
            password: Secret::new(config.sasl_password.reveal()),
        },
    };
    rpc
}
