//! Other values that a coordinator keeps: producer offsets, lake snapshots, leases.

use std::collections::BTreeMap;

use fluss_metadata::TableBucket;
use fluss_wire::message::PbProducerTableOffsets;

/// The offsets of one producer.
pub(crate) struct ProducerOffsets {
    /// When they expire, in milliseconds since 1970.
    pub(crate) expires: i64,
    pub(crate) tables: Vec<PbProducerTableOffsets>,
}

/// The lake snapshots of a table.
#[derive(Default)]
pub(crate) struct Lake {
    /// Prepared offsets by file name.
    pub(crate) prepared: BTreeMap<String, BTreeMap<TableBucket, i64>>,
    /// In the order of their commits.
    pub(crate) snapshots: Vec<LakeSnapshot>,
}

pub(crate) struct LakeSnapshot {
    pub(crate) id: i64,
    /// The offsets up to which the lake has the data.
    pub(crate) tiered: BTreeMap<TableBucket, i64>,
    /// The offsets up to which it can be read.
    pub(crate) readable: Option<BTreeMap<TableBucket, i64>>,
}

/// A lease, which keeps snapshots from being removed.
pub(crate) struct Lease {
    /// When it ends, in milliseconds since 1970.
    pub(crate) expires: i64,
    /// Snapshots by bucket.
    pub(crate) held: BTreeMap<TableBucket, i64>,
}
