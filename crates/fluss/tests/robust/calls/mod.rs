//! The public asynchronous calls of the client, one entry each.

mod admin;
mod tables;

use std::pin::Pin;
use std::time::Duration;

use fluss::error::Result;

use crate::support::Bench;

pub(crate) type Outcome = Pin<Box<dyn Future<Output = Result<()>>>>;

/// What a call is to a server that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It ends with an error.
    Asks,
    /// It ends with what there is, after the time it was given.
    Reads,
}

/// A call: its name, and how to make it.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) make: fn(Bench) -> Outcome,
}

macro_rules! calls {
    ($($kind:ident $name:literal => |$bench:ident| $body:expr;)*) => {
        pub(super) const CALLS: &[$crate::calls::Call] = &[$($crate::calls::Call {
            name: $name,
            kind: $crate::calls::Kind::$kind,
            make: |$bench: $crate::support::Bench| Box::pin(async move {
                let outcome: ::fluss::error::Result<_> = $body;
                outcome.map(drop)
            }),
        }),*];
    };
}
use calls;

/// How long a poll waits for rows.
pub(crate) const POLL: Duration = Duration::from_secs(1);

/// All calls that ask servers for something. Some need a cluster of release 1.0.
pub(crate) fn all() -> impl Iterator<Item = &'static Call> {
    admin::CALLS.iter().chain(tables::CALLS)
}
