//! Choices of scanners.

/// Where records are read from that are both on the server and in remote storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ReadPreference {
    /// From the server.
    #[default]
    LocalFirst,
    /// From remote storage, which spares the server.
    RemoteFirst,
}

impl ReadPreference {
    /// The number in the protocol; none for what servers do anyway. Source: `FlussApi.proto: FetchLogRequest.read_preference`.
    pub(crate) fn code(self) -> Option<i32> {
        match self {
            Self::LocalFirst => None,
            Self::RemoteFirst => Some(1),
        }
    }
}
