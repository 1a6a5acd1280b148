//! A lease on snapshots of primary-key tables, which keeps them while they are read: a handle, and the task behind it
//! that renews.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use fluss_metadata::text::Readable;
use fluss_metadata::{AcquireKvSnapshotLeaseResult, SnapshotId, TableBucket};
use fluss_rpc::Cluster;
use fluss_wire::api::ApiRequest;
use fluss_wire::message::{
    AcquireKvSnapshotLeaseRequest, AcquireKvSnapshotLeaseResponse, DropKvSnapshotLeaseRequest,
    PbKvSnapshotLeaseForBucket, PbKvSnapshotLeaseForTable, PbTableBucket,
    ReleaseKvSnapshotLeaseRequest,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use super::call::{by_table, millis};
use super::handle::FlussAdmin;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Drivers;
use crate::turn::take_turn;

/// Calls that may wait for the one under way.
const QUEUE: usize = 16;
/// A lease shorter than that cannot be renewed in time.
const SHORTEST: Duration = Duration::from_millis(100);
/// Renewals within the duration of a lease: two may fail.
const RENEWALS: u32 = 3;

/// Keeps snapshots of primary-key tables from being deleted. Source: `KvSnapshotLease.java`.
///
/// While it holds snapshots, a task of the connection renews the lease, three times within its duration. It ends with
/// [`close`](Self::close), which lets all snapshots go and says whether that worked. Dropped without, the task lets
/// them go in the background; if that cannot be done either, because the runtime ended or no coordinator answers,
/// they go when the duration is over.
///
/// DIFFERS: a renewal of the Java client names no snapshots, so that a lease which ran out meanwhile comes back empty
/// and without a word. Here each renewal names them all, and [`has_lapsed`](Self::has_lapsed) tells.
pub struct KvSnapshotLease {
    lease_id: String,
    duration: Duration,
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
}

/// What the handle may know without asking the task.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Until when the cluster keeps what is held; `None` while nothing is.
    valid_until: Option<Instant>,
    /// Whether that moment once passed before the next renewal.
    lapsed: bool,
}

type Reply<T> = oneshot::Sender<Result<T>>;

enum Command {
    Acquire(
        BTreeMap<TableBucket, SnapshotId>,
        Reply<AcquireKvSnapshotLeaseResult>,
    ),
    Renew(Reply<()>),
    Release(Vec<TableBucket>, Reply<()>),
    Close(Reply<()>),
}

impl FlussAdmin {
    /// A lease on snapshots, for `duration` from its last renewal. Nothing is sent before snapshots are acquired.
    ///
    /// `lease_id` is yours to choose: whoever uses the same one shares the lease, and its end.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) for an empty id, one with a slash, or less than 100 ms.
    pub fn create_kv_snapshot_lease(
        &self,
        lease_id: &str,
        duration: Duration,
    ) -> Result<KvSnapshotLease> {
        let refused = if lease_id.is_empty() || lease_id.contains('/') {
            Some(format!("a lease cannot be named {lease_id:?}"))
        } else if duration < SHORTEST {
            Some(format!(
                "a lease of {} is shorter than {}",
                Readable(duration),
                Readable(SHORTEST)
            ))
        } else {
            None
        };
        if let Some(message) = refused {
            return Err(Error::usage(message).during("create_kv_snapshot_lease"));
        }
        let (commands, queue) = mpsc::channel(QUEUE);
        let (sender, state) = watch::channel(State::default());
        let task = LeaseTask {
            cluster: self.context.cluster.clone(),
            _drivers: self.context.drivers.clone(),
            lease_id: lease_id.to_owned(),
            duration,
            held: BTreeMap::new(),
            renew_at: None,
            state: sender,
        };
        self.context.drivers.handle().spawn(task.run(queue));
        Ok(KvSnapshotLease {
            lease_id: lease_id.to_owned(),
            duration,
            commands,
            state,
        })
    }
}

impl KvSnapshotLease {
    /// The name of the lease.
    pub fn lease_id(&self) -> &str {
        &self.lease_id
    }

    /// How long it lasts from its last renewal.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Asks the cluster to keep these snapshots, beside those that are held already; of a bucket that is, instead of
    /// the former one.
    ///
    /// A server of release 0.9.1 does not look whether a snapshot is there: read its
    /// [metadata](FlussAdmin::get_kv_snapshot_metadata) after it is leased.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) without snapshots, or for a table without primary key;
    /// [`NotFound`](crate::ErrorKind::NotFound) if a table is gone;
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not read a table;
    /// [`Closed`](crate::ErrorKind::Closed) if the connection is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the snapshots may be held nevertheless, and are renewed.
    pub async fn acquire_snapshots(
        &self,
        snapshots: &BTreeMap<TableBucket, SnapshotId>,
    ) -> Result<AcquireKvSnapshotLeaseResult> {
        take_turn().await;
        if snapshots.is_empty() {
            return Err(Error::usage("there are no snapshots to acquire")
                .during("acquire_kv_snapshot_lease"));
        }
        let snapshots = snapshots.clone();
        self.command("acquire_kv_snapshot_lease", |reply| {
            Command::Acquire(snapshots, reply)
        })
        .await
    }

    /// Renews the lease now. There is no need to: it is renewed anyway.
    ///
    /// # Errors
    ///
    /// Why the coordinator did not.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn renew(&self) -> Result<()> {
        take_turn().await;
        self.command("renew_kv_snapshot_lease", Command::Renew)
            .await
    }

    /// Lets the snapshots of these buckets go; buckets that are not held are left out.
    ///
    /// # Errors
    ///
    /// Why the coordinator did not: then they are held on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; the snapshots may be let go nevertheless.
    pub async fn release_snapshots(&self, buckets: &[TableBucket]) -> Result<()> {
        take_turn().await;
        let buckets = buckets.to_vec();
        self.command("release_kv_snapshot_lease", |reply| {
            Command::Release(buckets, reply)
        })
        .await
    }

    /// Ends the lease and lets all its snapshots go. Source: `KvSnapshotLease.java#dropLease`.
    ///
    /// # Errors
    ///
    /// Why the coordinator did not: then they go when the duration is over.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, the lease ends in the background.
    pub async fn close(self) -> Result<()> {
        take_turn().await;
        self.command("drop_kv_snapshot_lease", Command::Close).await
    }

    /// How long the cluster will still keep what is held if no renewal succeeds from now on, by this computer's
    /// clock; `None` while nothing is held.
    pub fn valid_for(&self) -> Option<Duration> {
        let until = self.state.borrow().valid_until?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Whether there was a time at which the cluster was free to delete what is held, because renewals failed for
    /// longer than the duration. Snapshots acquired before may be gone then.
    pub fn has_lapsed(&self) -> bool {
        let state = *self.state.borrow();
        state.lapsed
            || state
                .valid_until
                .is_some_and(|until| until < Instant::now())
    }

    async fn command<T>(
        &self,
        operation: &'static str,
        command: impl FnOnce(Reply<T>) -> Command,
    ) -> Result<T> {
        let closed = || Error::closed("the kv snapshot lease").during(operation);
        let (reply, answer) = oneshot::channel();
        let sent = self.commands.send(command(reply)).await;
        sent.map_err(|_| closed())?;
        answer
            .await
            .map_err(|_| closed())?
            .map_err(|error| error.during(operation))
    }
}

impl fmt::Debug for KvSnapshotLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvSnapshotLease")
            .field("lease_id", &self.lease_id)
            .field("duration", &self.duration)
            .field("valid_for", &self.valid_for())
            .finish_non_exhaustive()
    }
}

/// Owns what is held, sends every request of the lease, one after another, and ends with the handle.
struct LeaseTask {
    cluster: Cluster,
    /// Keeps the runtime of the connection until the lease is dropped.
    _drivers: Drivers,
    lease_id: String,
    duration: Duration,
    held: BTreeMap<TableBucket, SnapshotId>,
    renew_at: Option<Instant>,
    state: watch::Sender<State>,
}

impl LeaseTask {
    async fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        loop {
            let renew_at = self.renew_at;
            let due = async {
                match renew_at {
                    Some(moment) => sleep_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                command = queue.recv() => {
                    let Some(command) = command else { break };
                    if self.obey(command).await {
                        return;
                    }
                }
                () = due => {
                    if let Err(error) = self.renew().await {
                        if error.kind() == ErrorKind::Closed {
                            return;
                        }
                        warn!(lease = %self.lease_id, %error, "kv snapshot lease not renewed");
                        // Soon again: the calls themselves have paused.
                        self.renew_at = Some(after(self.duration / (RENEWALS * 4)));
                    }
                }
            }
        }
        if self.held.is_empty() {
            return;
        }
        if let Err(error) = self.drop_lease().await {
            debug!(lease = %self.lease_id, %error, "kv snapshot lease left to its end");
        }
    }

    /// Does what the handle wants; says whether that was the end. An answer that nobody waits for any more is no
    /// failure.
    async fn obey(&mut self, command: Command) -> bool {
        match command {
            Command::Acquire(snapshots, reply) => {
                let _ = reply.send(self.acquire(snapshots).await);
            }
            Command::Renew(reply) => {
                let _ = reply.send(self.renew().await);
            }
            Command::Release(buckets, reply) => {
                let _ = reply.send(self.release(buckets).await);
            }
            Command::Close(reply) => {
                let dropped = if self.held.is_empty() {
                    Ok(())
                } else {
                    self.drop_lease().await
                };
                let _ = reply.send(dropped);
                return true;
            }
        }
        false
    }

    async fn acquire(
        &mut self,
        snapshots: BTreeMap<TableBucket, SnapshotId>,
    ) -> Result<AcquireKvSnapshotLeaseResult> {
        let started = Instant::now();
        let response = self.call(&self.acquire_request(&snapshots)).await;
        let not_done = response
            .as_ref()
            .is_err_and(|error| error.server_code().is_some() || error.kind() == ErrorKind::Closed);
        if not_done {
            return response.map(|_| AcquireKvSnapshotLeaseResult::new(BTreeMap::new()));
        }
        // An answer that did not come may have been a success: what is held too long does less harm than what goes
        // too early.
        self.held.extend(snapshots);
        self.renew_at.get_or_insert(started);
        let response = response?;
        let unavailable = unavailable(&response);
        self.held
            .retain(|bucket, snapshot| unavailable.get(bucket) != Some(snapshot));
        self.on_renewed(started);
        Ok(AcquireKvSnapshotLeaseResult::new(unavailable))
    }

    async fn renew(&mut self) -> Result<()> {
        if self.held.is_empty() {
            self.rest();
            return Ok(());
        }
        let started = Instant::now();
        let response = self.call(&self.acquire_request(&self.held)).await?;
        let unavailable = unavailable(&response);
        if !unavailable.is_empty() {
            warn!(lease = %self.lease_id, ?unavailable, "leased kv snapshots are gone");
            self.held
                .retain(|bucket, _| !unavailable.contains_key(bucket));
            self.state.send_modify(|state| state.lapsed = true);
        }
        self.on_renewed(started);
        Ok(())
    }

    async fn release(&mut self, mut buckets: Vec<TableBucket>) -> Result<()> {
        // The server of release 0.9.1 fails over a bucket of a table of which the lease holds nothing.
        buckets.retain(|bucket| self.held.contains_key(bucket));
        buckets.sort_unstable();
        buckets.dedup();
        if buckets.is_empty() {
            return Ok(());
        }
        let request = ReleaseKvSnapshotLeaseRequest {
            lease_id: self.lease_id.clone(),
            buckets_to_release: buckets
                .iter()
                .map(|bucket| PbTableBucket {
                    table_id: bucket.table_id(),
                    partition_id: bucket.partition_id(),
                    bucket_id: bucket.bucket_id(),
                })
                .collect(),
        };
        self.call(&request).await?;
        self.held.retain(|bucket, _| !buckets.contains(bucket));
        if self.held.is_empty() {
            self.rest();
        }
        Ok(())
    }

    async fn drop_lease(&mut self) -> Result<()> {
        let request = DropKvSnapshotLeaseRequest {
            lease_id: self.lease_id.clone(),
        };
        self.call(&request).await?;
        Ok(())
    }

    async fn call<R: ApiRequest>(&self, request: &R) -> Result<R::Response> {
        Ok(self.cluster.call_coordinator(request).await?)
    }

    /// The lease lasts from when the request was made, at the latest.
    fn on_renewed(&mut self, started: Instant) {
        if self.held.is_empty() {
            self.rest();
            return;
        }
        let now = Instant::now();
        let valid_until = started.checked_add(self.duration).unwrap_or(now);
        self.renew_at = Some(after(self.duration / RENEWALS));
        self.state.send_modify(|state| {
            // By when it reached the server, which may be later than it was sent.
            state.lapsed |= state.valid_until.is_some_and(|until| until < now);
            state.valid_until = Some(valid_until);
        });
    }

    /// Nothing is held: nothing is renewed.
    fn rest(&mut self) {
        self.renew_at = None;
        self.state.send_modify(|state| state.valid_until = None);
    }

    fn acquire_request(
        &self,
        snapshots: &BTreeMap<TableBucket, SnapshotId>,
    ) -> AcquireKvSnapshotLeaseRequest {
        let tables = by_table(snapshots.iter().map(|(bucket, snapshot)| {
            let message = PbKvSnapshotLeaseForBucket {
                partition_id: bucket.partition_id(),
                bucket_id: bucket.bucket_id(),
                snapshot_id: *snapshot,
            };
            (bucket.table_id(), message)
        }));
        AcquireKvSnapshotLeaseRequest {
            lease_id: self.lease_id.clone(),
            lease_duration_ms: millis(self.duration),
            snapshots_to_lease: tables
                .into_iter()
                .map(|(table_id, bucket_snapshots)| PbKvSnapshotLeaseForTable {
                    table_id,
                    bucket_snapshots: bucket_snapshots.into(),
                })
                .collect(),
        }
    }
}

fn after(pause: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(pause).unwrap_or(now)
}

fn unavailable(response: &AcquireKvSnapshotLeaseResponse) -> BTreeMap<TableBucket, SnapshotId> {
    let tables = response.unavailable_snapshots.iter();
    tables
        .flat_map(|table| {
            table.bucket_snapshots.iter().map(|entry| {
                let bucket = TableBucket::new_with_partition(
                    table.table_id,
                    entry.partition_id,
                    entry.bucket_id,
                );
                (bucket, entry.snapshot_id)
            })
        })
        .collect()
}
