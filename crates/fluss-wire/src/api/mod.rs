//! The APIs: one table with key, name, versions, which server answers, and whether a request may be retried.

mod any;
mod records;
mod table;

use std::fmt;

pub use any::{AnyMessage, AnyRequest};
pub use table::{ApiKey, TABLE};

use crate::{codec::WireMessage, segments::Segments};

/// A request message, with its API and its response type.
pub trait ApiRequest: WireMessage {
    /// The API of the request.
    const API_KEY: ApiKey;

    /// The message of a successful response.
    type Response: WireMessage;

    /// Appends the encoded message, exactly [`encoded_len`](prost::Message::encoded_len) bytes.
    ///
    /// `PRODUCE_LOG` and `PUT_KV` append their records as separate pieces, without a copy.
    fn encode_body(&self, out: &mut Segments) {
        let tail = out.tail_mut();
        tail.reserve(self.encoded_len());
        self.encode_raw(tail);
    }
}

/// One row of the [`TABLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiEntry {
    /// The API.
    pub key: ApiKey,
    /// Its name, such as `FETCH_LOG`.
    pub name: &'static str,
    /// Versions that this crate's messages cover: those of release 1.0.0.
    pub versions: VersionRange,
    /// Versions in release 0.9.1, if it has the API.
    pub versions_in_0_9_1: Option<VersionRange>,
    /// Which kind of server answers it.
    pub server: ServerRole,
    /// Whether it may be sent again if its outcome is unknown.
    pub repeatable: Repeatable,
    /// Whether it is meant for clients.
    pub visibility: Visibility,
    /// Name of the request message.
    pub request: &'static str,
    /// Name of the response message.
    pub response: &'static str,
}

/// A range of API versions, inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// Lowest.
    pub min: i16,
    /// Highest.
    pub max: i16,
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={}", self.min, self.max)
    }
}

/// Which kind of server answers an API.
///
/// The other kind does not respond, not even with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerRole {
    /// The active coordinator.
    Coordinator,
    /// Tablet servers; most of these APIs need the leader of the bucket.
    Tablet,
    /// Every server.
    Both,
}

/// Whether a request may be sent again if it is unknown whether the first one was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeatable {
    /// It changes nothing, or executing it twice has the same effect as once.
    Yes,
    /// A second one may fail or be executed twice. This includes writes: the writer decides, based on sequence numbers.
    No,
}

/// The intended callers of an API. Servers don't enforce this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// For clients.
    Public,
    /// For servers and the tiering service.
    Private,
}

impl ApiKey {
    /// Returns the number on the wire.
    pub fn code(self) -> i16 {
        self as i16
    }

    /// Returns the name, such as `FETCH_LOG`.
    pub fn name(self) -> &'static str {
        self.entry().name
    }
}

impl fmt::Display for ApiKey {
    /// Name and key: `FETCH_LOG (1015)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_own_row() {
        for entry in TABLE {
            assert_eq!(entry.key.entry(), *entry);
            assert_eq!(ApiKey::from_code(entry.key.code()), Some(entry.key));
        }
        assert!(TABLE.is_sorted_by_key(|entry| entry.key.code()));
        assert_eq!(ApiKey::from_code(999), None);
        assert_eq!(ApiKey::from_code(1067), None);
        assert_eq!(ApiKey::FetchLog.to_string(), "FETCH_LOG (1015)");
    }
}
