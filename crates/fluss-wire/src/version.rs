//! Version negotiation between client and server.

use snafu::Snafu;

use crate::{
    api::{ApiKey, VersionRange},
    message::ApiVersionsResponse,
};

/// The response of a server to `API_VERSIONS`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiVersions {
    /// By ascending key, each key once.
    ranges: Vec<(ApiKey, VersionRange)>,
    server_type: Option<ServerType>,
}

/// The kind of server at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerType {
    /// Coordinator: 1 on the wire.
    Coordinator,
    /// Tablet server: 2 on the wire.
    TabletServer,
}

impl ServerType {
    /// The type with this number (`FlussApi.proto: ApiVersionsResponse.server_type`).
    pub fn from_code(code: i32) -> Option<Self> {
        match code {
            1 => Some(Self::Coordinator),
            2 => Some(Self::TabletServer),
            _ => None,
        }
    }

    /// Returns the number on the wire.
    pub fn code(self) -> i32 {
        match self {
            Self::Coordinator => 1,
            Self::TabletServer => 2,
        }
    }
}

/// Client and server have no version of an API in common, or the server doesn't have the API at all.
///
/// Sending the request anyway would get no response.
#[derive(Debug, Clone, PartialEq, Eq, Snafu)]
#[snafu(display("{api}: {}", Lacking { client: *client, server: *server, api: *api }))]
pub struct UnsupportedVersion {
    /// The API.
    pub api: ApiKey,
    /// Versions of this client.
    pub client: VersionRange,
    /// Versions of the server; `None` if it doesn't have the API.
    pub server: Option<VersionRange>,
}

/// What is missing, and in which release servers have it.
struct Lacking {
    api: ApiKey,
    client: VersionRange,
    server: Option<VersionRange>,
}

impl std::fmt::Display for Lacking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.server {
            Some(server) => write!(
                f,
                "this client speaks versions {}, the server {server}",
                self.client
            ),
            None if self.api.entry().versions_in_0_9_1.is_none() => {
                f.write_str("the server does not have it; release 1.0 does")
            }
            None => f.write_str("the server does not have it"),
        }
    }
}

impl ApiVersions {
    /// Takes what this crate knows from the answer; unknown keys and kinds of server are left out.
    ///
    /// If a key comes twice, its last range counts.
    pub fn from_response(response: &ApiVersionsResponse) -> Self {
        let mut versions = Self {
            ranges: Vec::new(),
            server_type: response.server_type.and_then(ServerType::from_code),
        };
        for entry in &response.api_versions {
            let key = i16::try_from(entry.api_key)
                .ok()
                .and_then(ApiKey::from_code);
            if let Some(key) = key {
                versions.set(key, clamped(entry.min_version, entry.max_version));
            }
        }
        versions
    }

    fn set(&mut self, key: ApiKey, range: VersionRange) {
        match self.ranges.binary_search_by_key(&key, |&(key, _)| key) {
            Ok(place) => {
                if let Some(known) = self.ranges.get_mut(place) {
                    known.1 = range;
                }
            }
            Err(place) => self.ranges.insert(place, (key, range)),
        }
    }

    /// Returns the kind of server, if it said so.
    pub fn server_type(&self) -> Option<ServerType> {
        self.server_type
    }

    /// Returns the server's versions of an API; `None` if it doesn't have it.
    pub fn server_versions(&self, api: ApiKey) -> Option<VersionRange> {
        let place = self
            .ranges
            .binary_search_by_key(&api, |&(key, _)| key)
            .ok()?;
        self.ranges.get(place).map(|&(_, range)| range)
    }

    /// Returns the highest version that both understand.
    pub fn negotiate(&self, api: ApiKey) -> Result<i16, UnsupportedVersion> {
        let client = api.entry().versions;
        let server = self.server_versions(api);
        server
            .filter(|server| server.min <= server.max)
            .and_then(|server| {
                let version = client.max.min(server.max);
                (version >= client.min && version >= server.min).then_some(version)
            })
            .ok_or(UnsupportedVersion {
                api,
                client,
                server,
            })
    }
}

/// Versions are 16 bits in a request; a higher version that a server claims cannot be requested.
fn clamped(min: i32, max: i32) -> VersionRange {
    let clamp = |version: i32| {
        i16::try_from(version).unwrap_or(if version < 0 { i16::MIN } else { i16::MAX })
    };
    VersionRange {
        min: clamp(min),
        max: clamp(max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::PbApiVersion;

    fn server(ranges: &[(i32, i32, i32)]) -> ApiVersions {
        ApiVersions::from_response(&ApiVersionsResponse {
            api_versions: ranges
                .iter()
                .map(|&(api_key, min_version, max_version)| PbApiVersion {
                    api_key,
                    min_version,
                    max_version,
                })
                .collect(),
            server_type: Some(2),
        })
    }

    #[test]
    fn the_highest_common_version_is_taken() {
        // the client has PUT_KV 0 to 3
        let cases = [
            ("an older server", 0, 1, Some(1)),
            ("the same", 0, 3, Some(3)),
            ("a newer server", 1, 9, Some(3)),
            ("a server that begins where the client ends", 3, 5, Some(3)),
            ("a server that begins beyond the client", 4, 5, None),
            ("a server from before", -3, -1, None),
            ("an upside-down range", 2, 1, None),
            ("more than 16 bits", i32::MIN, i32::MAX, Some(3)),
        ];
        for (name, min, max, expected) in cases {
            let negotiated = server(&[(1016, min, max)]).negotiate(ApiKey::PutKv);
            assert_eq!(negotiated.ok(), expected, "{name}");
        }
    }

    #[test]
    fn an_api_that_the_server_lacks_is_refused_with_what_both_have() {
        let versions = server(&[(1016, 7, 8), (32_767, 0, 0), (99_999, 0, 0), (-5, 0, 0)]);
        assert_eq!(
            versions.negotiate(ApiKey::ScanKv).unwrap_err().to_string(),
            "SCAN_KV (1061): the server does not have it; release 1.0 does"
        );
        assert_eq!(
            versions.negotiate(ApiKey::PutKv).unwrap_err().to_string(),
            "PUT_KV (1016): this client speaks versions 0..=3, the server 7..=8"
        );
        assert_eq!(versions.ranges.len(), 1);
        assert_eq!(versions.server_type(), Some(ServerType::TabletServer));
    }

    #[test]
    fn of_two_ranges_for_a_key_the_last_counts() {
        let versions = server(&[(1016, 0, 0), (1000, 0, 0), (1016, 0, 2)]);
        assert_eq!(versions.negotiate(ApiKey::PutKv), Ok(2));
    }
}
