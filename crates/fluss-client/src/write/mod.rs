//! The writers: open batches that take rows, and the task that sends them.
//!
//! ```text
//! append(&row) ─► BucketWriter (one lock): open batch ──size──► closed ─┐
//!                                                                       ├─► Sender: Engine decides ─► seal ─► request ─► answer
//!                linger, awaited result, flush ──────── Doorbell ───────┘                                              │
//!                WriteResultFuture, flush ◄──────────── Completion of the batch ◄───────────────────────────────────────┘
//! ```
//!
//! Rows are encoded at once into the open batch of their bucket. [`PartitionBuckets`](buckets::PartitionBuckets) are the buckets of a table or
//! of one of its partitions; each has a number, by which the [`Doorbell`](doorbell::Doorbell) names it to the sender. Everything that is
//! not yet acknowledged counts against one bound on memory ([`memory`]). [`crate::engine::write`] decides what is sent where and when;
//! the [`sender`] carries it out.

mod append_writer;
mod appender;
mod arrow_batch;
mod batch;
mod buckets;
mod completion;
mod doorbell;
mod encoder;
mod format;
mod memory;
pub(crate) mod metrics;
mod partition;
#[cfg(test)]
mod partition_tests;
mod rebucket;
mod request;
#[cfg(test)]
mod rescaled_tests;
mod result;
mod route;
mod row_writer;
mod sender;
mod shared;
#[cfg(test)]
mod statistics_tests;
mod table;
#[cfg(test)]
mod tests;
mod upsert_writer;
#[cfg(test)]
mod view_tests;
mod writer_state;
mod writers;

pub use append_writer::AppendWriter;
pub(crate) use format::BatchKind;
pub use format::MergeMode;
pub use result::{BatchWriteFuture, WriteResult, WriteResultFuture};
pub use upsert_writer::UpsertWriter;
pub(crate) use writers::Writers;
