//! The open scans of whole buckets. Each sees the rows as they were when it was opened.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use fluss_metadata::TableBucket;

use super::buckets::Value;

/// A scan expires after this time without a request (`kv.scanner.ttl`).
const IDLE_MILLIS: i64 = 10 * 60 * 1000;
/// `kv.scanner.max-per-bucket`.
const MOST_OF_BUCKET: usize = 8;
/// `kv.scanner.max-per-server`.
const MOST_OF_SERVER: usize = 200;

/// The scans of all servers.
#[derive(Debug, Default)]
pub(crate) struct Scans {
    opened: u64,
    open: BTreeMap<Bytes, Scan>,
    /// Scans that expired.
    expired: BTreeSet<Bytes>,
}

/// The scan of one bucket.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) server: i32,
    pub(crate) bucket: TableBucket,
    /// Rows that are still to be sent.
    pub(crate) rest: VecDeque<Value>,
    /// The number that the next request must have.
    pub(crate) next_call: i32,
    used_millis: i64,
}

impl Scans {
    /// Opens a scan, unless too many are open.
    pub(crate) fn open(
        &mut self,
        server: i32,
        bucket: TableBucket,
        rows: VecDeque<Value>,
        now_millis: i64,
    ) -> Option<Bytes> {
        self.expire(now_millis);
        let of_server = self.open.values().filter(|scan| scan.server == server);
        let of_bucket = of_server.clone().filter(|scan| scan.bucket == bucket);
        if of_server.count() >= MOST_OF_SERVER || of_bucket.count() >= MOST_OF_BUCKET {
            return None;
        }
        self.opened += 1;
        let id = Bytes::from(format!("{:032x}", self.opened));
        let scan = Scan {
            server,
            bucket,
            rest: rows,
            next_call: 0,
            used_millis: now_millis,
        };
        self.open.insert(id.clone(), scan);
        Some(id)
    }

    /// Returns the scan with this id at this server, and restarts its time to live.
    pub(crate) fn find(&mut self, id: &Bytes, server: i32, now_millis: i64) -> Option<&mut Scan> {
        self.expire(now_millis);
        let scan = self.open.get_mut(id).filter(|scan| scan.server == server)?;
        scan.used_millis = now_millis;
        Some(scan)
    }

    /// Whether the scan with this id has expired.
    pub(crate) fn is_expired(&self, id: &Bytes) -> bool {
        self.expired.contains(id)
    }

    pub(crate) fn close(&mut self, id: &Bytes) {
        self.open.remove(id);
    }

    /// Removes the scans of a server that is down.
    pub(super) fn on_down(&mut self, server: i32) {
        self.open.retain(|_, scan| scan.server != server);
    }

    fn expire(&mut self, now_millis: i64) {
        let expired = &mut self.expired;
        self.open.retain(|id, scan| {
            let keeps = now_millis - scan.used_millis < IDLE_MILLIS;
            if !keeps {
                expired.insert(id.clone());
            }
            keeps
        });
    }
}
