//! The state of a cluster. All servers share it, so replication is immediate.

mod access;
mod buckets;
mod catalog;
mod config;
mod housekeeping;
mod index;
mod log;
mod members;
mod notes;
mod ops;
mod placement;
mod scans;
mod segments;
mod snapshot;
mod tiering;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use fluss_metadata::TableId;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub(crate) use access::{Access, matches};
pub(crate) use buckets::{Bucket, Numbers, Value};
pub(crate) use catalog::{Catalog, Database, Partition, Table, unordered};
pub(crate) use config::Config;
pub(crate) use housekeeping::Check;
pub(crate) use log::{Appended, Log};
pub(crate) use members::Node;
pub(crate) use placement::Placement;
pub(crate) use scans::Scans;

pub(crate) use notes::{Lake, LakeSnapshot, Lease, ProducerOffsets};
pub(crate) use snapshot::{Snapshot, Snapshots};

use buckets::Buckets;
use housekeeping::Due;
use members::Members;

use crate::clock::Clock;
use crate::fault::Faults;
use crate::journal::Journal;
use crate::release::Release;
use crate::settings::Settings;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) release: Release,
    /// Passwords by user; without any, no authentication is required.
    pub(crate) users: BTreeMap<String, String>,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    state: Mutex<State>,
    /// Wakes waiting fetches after every change of a log, in the order of their arrival, so that simulations are
    /// repeatable.
    news: Notify,
}

/// Everything that can change.
pub(crate) struct State {
    pub(crate) release: Release,
    /// Whether rows end a held fetch even if the bucket has one replica.
    pub(crate) wakes_all_fetches: bool,
    pub(crate) clock: Clock,
    pub(crate) coordinator: SocketAddr,
    pub(crate) members: Members,
    pub(crate) catalog: Catalog,
    pub(crate) config: Config,
    /// `None` if all callers may do everything.
    pub(crate) access: Option<Access>,
    /// Tags by server id.
    pub(crate) tags: BTreeMap<i32, i32>,
    /// The number of rebalances, and the id of the last one.
    pub(crate) rebalances: u64,
    pub(crate) rebalance: Option<String>,
    pub(crate) producers: BTreeMap<String, ProducerOffsets>,
    /// By table id.
    pub(crate) lakes: BTreeMap<TableId, Lake>,
    /// Leases on snapshots, by name.
    pub(crate) leases: BTreeMap<String, Lease>,
    /// Scans of whole buckets.
    pub(crate) scans: Scans,
    due: Due,
    buckets: Buckets,
    next_writer_id: i64,
}

impl Shared {
    pub(crate) fn new(settings: &Settings, coordinator: SocketAddr, nodes: Vec<Node>) -> Self {
        let clock = Clock::new(settings.wall_clock);
        let config = Config::new(settings.config.clone());
        let access = config
            .has_access_rules()
            .then(|| Access::new(config.super_users()));
        let ids = nodes.iter().map(|node| node.id).collect();
        Self {
            release: settings.release,
            users: settings.users.clone(),
            faults: Faults::new(settings.seed),
            journal: Journal::default(),
            state: Mutex::new(State {
                release: settings.release,
                wakes_all_fetches: settings.wakes_all_fetches,
                clock,
                coordinator,
                members: Members::new(nodes),
                catalog: Catalog::new(settings.seed, ids, clock.now_millis()),
                config,
                access,
                tags: BTreeMap::new(),
                rebalances: 0,
                rebalance: None,
                producers: BTreeMap::new(),
                lakes: BTreeMap::new(),
                leases: BTreeMap::new(),
                scans: Scans::default(),
                due: Due::new(clock.now_millis()),
                buckets: Buckets::default(),
                next_writer_id: 0,
            }),
            news: Notify::new(),
        }
    }

    /// Runs `act` with exclusive access to the state.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // The state is consistent even after a panic: each step replaces one value.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes all waiting fetches: a log may have changed.
    pub(crate) fn announce(&self) {
        self.news.notify_waiters();
    }

    /// Completes with the next announcement, once it is polled or enabled.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.news.notified()
    }
}
