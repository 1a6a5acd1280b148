//! The port of a server that is started again.

/// The port on which a server comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Port {
    /// The port it had before.
    Same,
    /// Another port of the same host.
    Other,
    /// This port, which another server may have had before.
    At(u16),
}
