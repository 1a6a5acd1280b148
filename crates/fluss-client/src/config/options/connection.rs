//! Options of the connection itself.

use fluss_metadata::TimeZone;

use super::option::{ConfigOption, OptionKind, ignored, own, sets};
use super::parse;
use crate::config::validate::TIME_ZONE;
use crate::config::{Config, DriverPlacement};

const PLACEMENTS: &[&str] = &["auto", "caller-runtime", "own-thread"];

pub(super) const OPTIONS: &[ConfigOption] = &[
    sets(
        "bootstrap.servers",
        OptionKind::List,
        Some("127.0.0.1:9123"),
        "bootstrap servers, host:port",
        "bootstrap_server",
        |config, text| {
            let servers = text.split(',').map(str::trim);
            let servers = servers.filter(|server| !server.is_empty());
            let joined = servers.collect::<Vec<_>>().join(",");
            let candidate = Config {
                bootstrap_server: joined,
                ..Config::default()
            };
            match candidate.bootstrap_addresses() {
                Ok(_) => {
                    config.bootstrap_server = candidate.bootstrap_server;
                    Ok(())
                }
                Err(_) => Err("host:port, several separated by commas".to_owned()),
            }
        },
    ),
    sets(
        "client.id",
        OptionKind::Text,
        Some(""),
        "name of this client in the servers' logs",
        "client_id",
        |config, text| {
            text.clone_into(&mut config.client_id);
            Ok(())
        },
    ),
    sets(
        "client.connect-timeout",
        OptionKind::Duration,
        Some("15s"),
        "maximum time for connecting, including the handshake",
        "connect_timeout",
        |config, text| parse::duration(text).map(|value| config.connect_timeout = value),
    ),
    sets(
        "client.request-timeout",
        OptionKind::Duration,
        Some("30s"),
        "maximum time for one request; enforced by the client and sent to the server",
        "request_timeout",
        |config, text| parse::duration(text).map(|value| config.request_timeout = value),
    ),
    own(sets(
        "client.call-timeout",
        OptionKind::Duration,
        Some("60s"),
        "maximum total time for a call that retries requests, such as an admin read or a lookup",
        "call_timeout",
        |config, text| parse::duration(text).map(|value| config.call_timeout = value),
    )),
    own(sets(
        "client.max-frame-size",
        OptionKind::MemorySize,
        Some("128mb"),
        "maximum size of a response from a server",
        "max_frame_size",
        |config, text| parse::size(text).map(|value| config.max_frame_size = value),
    )),
    own(sets(
        "client.connections-per-server",
        OptionKind::Integer,
        Some("4"),
        "connections per tablet server",
        "connections_per_server",
        |config, text| parse::count(text).map(|value| config.connections_per_server = value),
    )),
    own(sets(
        "client.driver-placement",
        OptionKind::Choice(PLACEMENTS),
        Some("auto"),
        "where the tasks of a connection run",
        "driver_placement",
        |config, text| {
            config.driver_placement = match parse::choice(text, PLACEMENTS)? {
                "caller-runtime" => DriverPlacement::CallerRuntime,
                "own-thread" => DriverPlacement::OwnThread,
                _ => DriverPlacement::Auto,
            };
            Ok(())
        },
    )),
    own(sets(
        "client.server-time-zone",
        OptionKind::Text,
        Some("UTC"),
        "time zone in which the servers name time-based partitions if the table has none",
        "server_time_zone",
        |config, text| {
            if TimeZone::get(text).is_none() {
                return Err(TIME_ZONE.to_owned());
            }
            text.clone_into(&mut config.server_time_zone);
            Ok(())
        },
    )),
    ignored(
        "netty.client.num-network-threads",
        OptionKind::Integer,
        Some("4"),
        "network threads",
        "there are none: each socket is owned by a task of the tokio runtime, which has its own thread count",
    ),
    ignored(
        "netty.client.allocator.heap-buffer-first",
        OptionKind::Boolean,
        Some("true"),
        "kind of memory that buffers use first",
        "there is only one kind of memory",
    ),
    ignored(
        "client.metrics.enabled",
        OptionKind::Boolean,
        Some("false"),
        "export of metrics via JMX",
        "metrics go to the recorder that you install; without one they are not recorded",
    ),
];
