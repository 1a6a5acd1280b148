//! Offsets that a producer stores in the cluster, so that it can undo what it wrote after them.

use std::collections::BTreeMap;

use super::record::record;
use crate::choice::coded;
use crate::ids::TableBucket;

coded! {
    /// The outcome of storing offsets in the cluster.
    RegisterResult("register result") {
        /// They were stored.
        Created => "CREATED" = 0,
        /// The producer stored offsets before; those are kept.
        AlreadyExists => "ALREADY_EXISTS" = 1,
    }
}

record! {
    /// The offsets that a producer stored in the cluster.
    #[derive(Debug, Clone, PartialEq, Eq)]
    ProducerOffsets {
        /// The id that the producer chose.
        producer_id: String as [&str],
        /// When they expire, in milliseconds since 1970.
        expiration_time: i64,
        /// The end of each bucket's log.
        offsets: BTreeMap<TableBucket, i64> as [&BTreeMap<TableBucket, i64>],
    }
}
