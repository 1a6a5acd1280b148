//! The decisions of writing: buckets, batches, sequences, requests, retries. No I/O, no clock, no lock: time and answers are passed in.

mod answer;
mod assign;
mod bucket;
mod fill;
mod limits;
mod machine;

pub(crate) use answer::{Answer, is_passing};
pub(crate) use assign::next_bucket;
pub(crate) use bucket::{BatchId, Stamp};
pub(crate) use fill::{ClosedBy, full_at, next_batch_size, next_ratio, next_step};
pub(crate) use limits::Limits;
pub(crate) use machine::{
    Action, BucketNumber, Connection, Engine, PartitionNumber, Request, RequestId, Resolution,
    ServerId, StaleLeader, Urgency,
};
