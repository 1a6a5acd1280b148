//! Offsets that a producer leaves with the cluster, so that it can undo what it wrote behind them.

use std::collections::BTreeMap;

use super::record::record;
use crate::choice::coded;
use crate::ids::TableBucket;

coded! {
    /// What became of offsets that were left with the cluster.
    RegisterResult("register result") {
        /// They are kept.
        Created => "CREATED" = 0,
        /// The producer has left some before; those are kept.
        AlreadyExists => "ALREADY_EXISTS" = 1,
    }
}

record! {
    /// The offsets that a producer has left with the cluster.
    #[derive(Debug, Clone, PartialEq, Eq)]
    ProducerOffsets {
        /// The name that the producer gave itself.
        producer_id: String as [&str],
        /// When they go, in milliseconds since 1970.
        expiration_time: i64,
        /// The end of each bucket's log.
        offsets: BTreeMap<TableBucket, i64> as [&BTreeMap<TableBucket, i64>],
    }
}
