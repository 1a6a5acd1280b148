//! Enums for the scanner settings.

/// Where to read records that are both on the server and in remote storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReadPreference {
    /// Read them from the server.
    #[default]
    LocalFirst,
    /// Read them from remote storage, which takes load off the server.
    RemoteFirst,
}

impl ReadPreference {
    /// Returns the number in the protocol; `None` for the default of the servers. Source:
    /// `FlussApi.proto: FetchLogRequest.read_preference`.
    pub(crate) fn code(self) -> Option<i32> {
        match self {
            Self::LocalFirst => None,
            Self::RemoteFirst => Some(1),
        }
    }
}
