//! The APIs: one table with key, name, versions, who serves it, and whether a request may be repeated.

mod any;
mod records;
mod table;

use std::fmt;

pub use any::{AnyMessage, AnyRequest};
pub use table::{ApiKey, TABLE};

use crate::{codec::WireMessage, segments::Segments};

/// A request message: knows its API and its answer.
pub trait ApiRequest: WireMessage {
    /// The API it goes to.
    const API_KEY: ApiKey;

    /// The message of a successful answer.
    type Response: WireMessage;

    /// Appends the encoded message, exactly [`encoded_len`](prost::Message::encoded_len) bytes.
    ///
    /// `PRODUCE_LOG` and `PUT_KV` append their records as pieces of their own, which copies nothing.
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
    /// Whether it may be sent again when it is unknown what became of it.
    pub repeatable: Repeatable,
    /// Whether it is meant for clients.
    pub visibility: Visibility,
    /// Name of the request message.
    pub request: &'static str,
    /// Name of the response message.
    pub response: &'static str,
}

/// Versions of an API, both ends included.
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
/// The other kind doesn't answer at all, not even with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServerRole {
    /// The coordinator that leads.
    Coordinator,
    /// Tablet servers; most of these APIs want the leader of the bucket.
    Tablet,
    /// Every server.
    Both,
}

/// Whether a request may be sent again when it is unknown whether the first one was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeatable {
    /// It changes nothing, or doing it twice is the same as doing it once.
    Yes,
    /// A second one may fail, or do it twice. Writes are here as well: the writer decides, by sequence.
    No,
}

/// For whom an API is meant. Servers don't enforce it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// For clients.
    Public,
    /// For servers among themselves and the tiering service.
    Private,
}

impl ApiKey {
    /// The number on the wire.
    pub fn code(self) -> i16 {
        self as i16
    }

    /// Its name, such as `FETCH_LOG`.
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
