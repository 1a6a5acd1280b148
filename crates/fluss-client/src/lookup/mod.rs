//! The lookups of a connection: they are routed to the leader of their bucket, packed, sent, and tried again where
//! that helps.
//!
//! ```text
//! lookup(&key) ─► plan: key bytes, bucket ─► dispatch ──► queue of a lane ─► sender: packs, sends ─► answer
//!                                               ▲   └─ no leader ─┐                   │
//!                                               └── retry driver ◄┴─ retry queue ◄────┘ transient failure
//! ```
//!
//! Each connection to a server that is used has a lane: a queue, and a task that sends from it. The buckets of a
//! server share its lanes; while one of them stalls its lane, the others take another. What is packed and when is
//! decided in [`crate::engine::lookup`]. Lookups that failed transiently pause in one queue of the connection, from
//! which one task routes them again.

mod dispatch;
mod entry;
mod lane_cache;
mod lane_queue;
mod lookuper;
mod lookups;
pub(crate) mod metrics;
mod plan;
mod request;
mod retry_driver;
mod retry_queue;
mod sender;
mod shared;
mod target;
#[cfg(test)]
mod tests;

pub use lookuper::{LookupResult, Lookuper};
pub(crate) use lookups::Lookups;
pub(crate) use plan::LookupPlan;
pub(crate) use target::LookupKind;
