//! Options of authentication.

use super::option::{ConfigOption, OptionKind, ignored, sets};
use super::{jaas, parse};
use crate::config::{Config, SecurityProtocol};

const PROTOCOLS: &[&str] = &["PLAINTEXT", "SASL"];
const MECHANISMS: &[&str] = &["PLAIN"];

pub(super) const OPTIONS: &[ConfigOption] = &[
    sets(
        "client.security.protocol",
        OptionKind::Choice(PROTOCOLS),
        Some("PLAINTEXT"),
        "authentication protocol",
        "security_protocol",
        |config, text| {
            config.security_protocol = match parse::choice(text, PROTOCOLS)? {
                "SASL" => SecurityProtocol::SaslPlain,
                _ => SecurityProtocol::Plaintext,
            };
            Ok(())
        },
    ),
    sets(
        "client.security.sasl.mechanism",
        OptionKind::Choice(MECHANISMS),
        Some("PLAIN"),
        "SASL mechanism; only PLAIN is supported",
        "security_protocol",
        |_, text| parse::choice(text, MECHANISMS).map(drop),
    ),
    sets(
        "client.security.sasl.username",
        OptionKind::Text,
        None,
        "user name for SASL/PLAIN",
        "sasl_username",
        |config, text| {
            text.clone_into(&mut config.sasl_username);
            Ok(())
        },
    ),
    sets(
        "client.security.sasl.password",
        OptionKind::Secret,
        None,
        "password for SASL/PLAIN",
        "sasl_password",
        |config, text| {
            config.sasl_password = text.into();
            Ok(())
        },
    ),
    sets(
        "client.security.sasl.jaas.config",
        OptionKind::Secret,
        None,
        "user name and password as a JAAS entry of PlainLoginModule; in a map or file the two options above take precedence",
        "sasl_username, sasl_password",
        |config: &mut Config, text| {
            let (username, password) = jaas::credentials(text)?;
            config.sasl_username = username;
            config.sasl_password = password.into();
            Ok(())
        },
    ),
    ignored(
        "client.security.enable-plugin-discovery",
        OptionKind::Boolean,
        Some("false"),
        "discovery of authentication plugins on disk",
        "there are no plugins to load",
    ),
];
