//! What everybody in a simulation shares.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fluss::client::{FlussConnection, FlussTable};
use fluss::config::{Config, DriverPlacement};
use fluss::metadata::{DataTypes, Schema, TableDescriptor, TablePath};
use fluss_mock::oracle::Oracle;
use fluss_mock::{MockCluster, Release};
use tokio::time::{Instant, timeout};

use crate::dice::Dice;

pub(crate) const SERVERS: i32 = 3;
pub(crate) const BUCKETS: i32 = 3;
/// Longest time from an append to its result.
pub(crate) const DELIVERY: Duration = Duration::from_secs(60);
/// Longest time of a lookup.
pub(crate) const CALL: Duration = Duration::from_secs(20);
/// By how much a call may outlive its deadline: the grace that the client gives late answers, and a turn of everybody.
const GRACE: Duration = Duration::from_secs(3);

/// What a simulation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything that is promised.
    Usual,
    /// A client that asks for trouble.
    WithoutIdempotence,
    /// Servers forget writers. What is repeated after that may be there twice: servers take a first batch of a writer that they don't know
    /// for a new one.
    ForgetfulServers,
    /// Tables with one replica, whose servers answer a fetch that they hold when the wait is over, and no sooner.
    OneReplica,
    /// Servers of release 1.0, whose tables change their numbers of buckets.
    Rescaled,
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) cluster: Arc<MockCluster>,
    pub(crate) log: TablePath,
    pub(crate) keys: TablePath,
    pub(crate) dice: Dice,
    pub(crate) kind: Kind,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    oracle: Oracle,
    operations: u64,
    failures: u64,
    writers: u64,
    wrong: Vec<String>,
    /// What is under way, for whoever asks why it doesn't end.
    at: String,
}

impl World {
    pub(crate) async fn new(seed: u64, kind: Kind) -> Self {
        let release = match kind {
            Kind::Rescaled => Release::V1_0,
            _ => Release::V0_9_1,
        };
        let cluster = MockCluster::builder()
            .release(release)
            .tablet_servers(SERVERS as u16)
            .seed(seed)
            .wall_clock(1_700_000_000_000)
            .config(
                "log.replica.min-in-sync-replicas-number",
                if kind == Kind::OneReplica { "1" } else { "2" },
            )
            .in_memory()
            .start()
            .await
            .unwrap();
        let world = Self {
            cluster: Arc::new(cluster),
            log: TablePath::new("fluss", "log"),
            keys: TablePath::new("fluss", "keys"),
            dice: Dice::new(seed),
            kind,
            inner: Arc::default(),
        };
        let connection = world.connect(0).await;
        let admin = connection.get_admin().await.unwrap();
        let columns = || {
            Schema::builder()
                .column("id", DataTypes::bigint())
                .column("value", DataTypes::bigint())
        };
        for (path, schema) in [
            (&world.log, columns()),
            (&world.keys, columns().primary_key(["id"])),
        ] {
            let descriptor = TableDescriptor::builder()
                .schema(schema.build().unwrap())
                .bucket_count(BUCKETS)
                .property(
                    "table.replication.factor",
                    if kind == Kind::OneReplica { "1" } else { "3" },
                )
                // What it costs is time that more seeds are worth more.
                .property("table.log.arrow.compression.type", "NONE")
                .build()
                .unwrap();
            admin.create_table(path, &descriptor, false).await.unwrap();
        }
        world
    }

    /// A connection whose randomness follows from the seed.
    pub(crate) async fn connect(&self, number: u64) -> FlussConnection {
        let config = Config {
            driver_placement: DriverPlacement::CallerRuntime,
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(5),
            call_timeout: CALL,
            writer_delivery_timeout: DELIVERY,
            writer_enable_idempotence: self.kind != Kind::WithoutIdempotence,
            // Small enough that none is sealed on a thread of its own, which would come back whenever it likes.
            writer_batch_size: 16 * 1024,
            writer_batch_timeout: Duration::from_millis(20),
            ..Config::default()
        };
        let builder = fluss::mock::builder(&self.cluster, config);
        let seed = self.dice.draw() ^ number;
        builder.seed(seed).connect().await.unwrap()
    }

    pub(crate) async fn open(&self, connection: &FlussConnection, path: &TablePath) -> FlussTable {
        connection.get_table(path).await.unwrap()
    }

    pub(crate) fn oracle(&self, tell: impl FnOnce(&mut Oracle)) {
        tell(&mut self.inner().oracle);
    }

    /// Whether a key may have this value.
    pub(crate) fn oracle_says(&self, key: u64, read: Option<u64>) {
        let violation = self.inner().oracle.judge_value(key, read);
        if let Some(violation) = violation {
            self.wrong(format!("{violation:?}"));
        }
    }

    pub(crate) fn at(&self, what: impl Into<String>) {
        self.inner().at = what.into();
    }

    pub(crate) fn where_it_is(&self) -> String {
        self.inner().at.clone()
    }

    fn count(&self) {
        self.inner().operations += 1;
    }

    pub(crate) fn failed(&self) {
        self.inner().failures += 1;
    }

    pub(crate) fn wrong(&self, what: impl Into<String>) {
        self.inner().wrong.push(what.into());
    }

    pub(crate) fn writer_begins(&self) {
        self.inner().writers += 1;
    }

    pub(crate) fn writer_ends(&self) {
        self.inner().writers -= 1;
    }

    pub(crate) fn is_written(&self) -> bool {
        self.inner().writers > 0
    }

    /// Operations, failures and what is wrong.
    pub(crate) fn tally(&self) -> (u64, u64, Vec<String>) {
        let inner = self.inner();
        (inner.operations, inner.failures, inner.wrong.clone())
    }

    /// The output of a call that must end by itself within its time. `since` is when its time began.
    pub(crate) async fn in_time<T>(
        &self,
        what: &str,
        since: Instant,
        limit: Duration,
        call: impl Future<Output = T>,
    ) -> Option<T> {
        self.count();
        let left = (limit + GRACE).saturating_sub(since.elapsed());
        let output = timeout(left, call).await;
        if output.is_err() {
            self.wrong(format!("{what} outlived its deadline of {limit:?}"));
        }
        output.ok()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}
