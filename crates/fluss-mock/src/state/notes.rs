//! What else a coordinator keeps: offsets of producers, snapshots in lakes, leases.

use std::collections::BTreeMap;

use fluss_metadata::TableBucket;
use fluss_wire::message::PbProducerTableOffsets;

/// What a producer left.
pub(crate) struct ProducerOffsets {
    /// When it is forgotten, in milliseconds since 1970.
    pub(crate) expires: i64,
    pub(crate) tables: Vec<PbProducerTableOffsets>,
}

/// What a lake has of a table.
#[derive(Default)]
pub(crate) struct Lake {
    /// By the names of their files.
    pub(crate) prepared: BTreeMap<String, BTreeMap<TableBucket, i64>>,
    /// In the order of their commits.
    pub(crate) snapshots: Vec<LakeSnapshot>,
}

pub(crate) struct LakeSnapshot {
    pub(crate) id: i64,
    /// How far the lake is.
    pub(crate) tiered: BTreeMap<TableBucket, i64>,
    /// How far it can be read.
    pub(crate) readable: Option<BTreeMap<TableBucket, i64>>,
}

/// Snapshots that must not go.
pub(crate) struct Lease {
    /// When it ends, in milliseconds since 1970.
    pub(crate) expires: i64,
    /// Snapshots by bucket.
    pub(crate) held: BTreeMap<TableBucket, i64>,
}
