//! A lease that keeps snapshots of primary-key tables while they are read: a handle, and the task that renews the
//! lease.

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

/// Maximum number of queued calls.
const QUEUE: usize = 16;
/// A shorter lease could not be renewed in time.
const SHORTEST: Duration = Duration::from_millis(100);
/// Renewals per duration of a lease; two of them may fail.
const RENEWALS: u32 = 3;

/// Keeps snapshots of primary-key tables from being deleted. Source: `KvSnapshotLease.java`.
///
/// While it holds snapshots, a task of the connection renews the lease, three times within its duration.
/// [`close`](Self::close) ends it, releases all snapshots and reports whether that worked. If you drop it instead,
/// the task releases them in the background. If that fails too, because the runtime has ended or no coordinator
/// responds, they are released when the duration is over.
///
/// DIFFERS: a renewal of the Java client contains no snapshots, so a lease that expired in the meantime silently
/// comes back empty. Here each renewal contains all of them, and [`has_lapsed`](Self::has_lapsed) reports an expiry.
pub struct KvSnapshotLease {
    lease_id: String,
    duration: Duration,
    commands: mpsc::Sender<Command>,
    state: watch::Receiver<State>,
}

/// State that the handle can read without asking the task.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Until when the cluster keeps the snapshots; `None` while there are none.
    valid_until: Option<Instant>,
    /// Whether that time ever passed before a renewal.
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
    /// Creates a lease on snapshots that lasts for `duration` from its last renewal. Nothing is sent until you
    /// acquire snapshots.
    ///
    /// You choose the `lease_id`. All clients with the same id share the lease, and it ends for all of them.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) for an empty id, an id with a slash, or a duration of less than 100 ms.
    pub fn create_kv_snapshot_lease(
        &self,
        lease_id: &str,
        duration: Duration,
    ) -> Result<KvSnapshotLease> {
        let refused = if lease_id.is_empty() || lease_id.contains('/') {
            Some(format!("{lease_id:?} is not a valid lease id"))
        } else if duration < SHORTEST {
            Some(format!(
                "the duration of the lease is {}, expected at least {}",
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
    /// Returns the id of the lease.
    pub fn lease_id(&self) -> &str {
        &self.lease_id
    }

    /// Returns how long the lease lasts from its last renewal.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Asks the cluster to keep these snapshots in addition to those already held. A new snapshot of a bucket
    /// replaces the previous one.
    ///
    /// A server of release 0.9.1 does not check whether a snapshot exists: read its
    /// [metadata](FlussAdmin::get_kv_snapshot_metadata) after you leased it.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) without snapshots, or for a table without a primary key;
    /// [`NotFound`](crate::ErrorKind::NotFound) if a table no longer exists;
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not read a table;
    /// [`Closed`](crate::ErrorKind::Closed) if the connection is closed.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the snapshots may still be held, and are renewed.
    pub async fn acquire_snapshots(
        &self,
        snapshots: &BTreeMap<TableBucket, SnapshotId>,
    ) -> Result<AcquireKvSnapshotLeaseResult> {
        take_turn().await;
        if snapshots.is_empty() {
            return Err(Error::usage("no snapshots to acquire were given")
                .during("acquire_kv_snapshot_lease"));
        }
        let snapshots = snapshots.clone();
        self.command("acquire_kv_snapshot_lease", |reply| {
            Command::Acquire(snapshots, reply)
        })
        .await
    }

    /// Renews the lease now. You don't have to call this; the lease is renewed automatically.
    ///
    /// # Errors
    ///
    /// Returns an error if the coordinator did not renew it.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn renew(&self) -> Result<()> {
        take_turn().await;
        self.command("renew_kv_snapshot_lease", Command::Renew)
            .await
    }

    /// Releases the snapshots of these buckets. Buckets without a held snapshot are ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if the coordinator did not release them. They are still held then.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the snapshots may still be released.
    pub async fn release_snapshots(&self, buckets: &[TableBucket]) -> Result<()> {
        take_turn().await;
        let buckets = buckets.to_vec();
        self.command("release_kv_snapshot_lease", |reply| {
            Command::Release(buckets, reply)
        })
        .await
    }

    /// Ends the lease and releases all its snapshots. Source: `KvSnapshotLease.java#dropLease`.
    ///
    /// # Errors
    ///
    /// Returns an error if the coordinator did not release them. They are released when the duration is over.
    ///
    /// # Cancel safety
    ///
    /// If dropped before completion, the lease ends in the background.
    pub async fn close(self) -> Result<()> {
        take_turn().await;
        self.command("drop_kv_snapshot_lease", Command::Close).await
    }

    /// Returns how long the cluster will keep the snapshots if no further renewal succeeds, by this computer's clock,
    /// or `None` if no snapshots are held.
    pub fn valid_for(&self) -> Option<Duration> {
        let until = self.state.borrow().valid_until?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Returns whether renewals ever failed for longer than the duration, so that the cluster was free to delete the
    /// held snapshots. Snapshots acquired before that may no longer exist.
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

/// Owns the held snapshots, sends the requests of the lease one at a time, and ends with the handle.
struct LeaseTask {
    cluster: Cluster,
    /// Keeps the runtime of the connection alive until the lease is dropped.
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
                        warn!(lease = %self.lease_id, %error, "failed to renew the kv snapshot lease");
                        // Retry soon: the calls themselves already backed off.
                        self.renew_at = Some(after(self.duration / (RENEWALS * 4)));
                    }
                }
            }
        }
        if self.held.is_empty() {
            return;
        }
        if let Err(error) = self.drop_lease().await {
            debug!(lease = %self.lease_id, %error, "failed to release the kv snapshot lease; it will expire");
        }
    }

    /// Executes a command of the handle and returns whether it was the last one. A result that no caller waits for is
    /// not a failure.
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
        // A lost response may have been a success. Holding snapshots too long does less harm than releasing them too
        // early.
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
            warn!(lease = %self.lease_id, ?unavailable, "leased kv snapshots no longer exist");
            self.held
                .retain(|bucket, _| !unavailable.contains_key(bucket));
            self.state.send_modify(|state| state.lapsed = true);
        }
        self.on_renewed(started);
        Ok(())
    }

    async fn release(&mut self, mut buckets: Vec<TableBucket>) -> Result<()> {
        // A server of release 0.9.1 fails if the lease holds no snapshot of the bucket's table.
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

    /// The lease lasts from the time of the request or later.
    fn on_renewed(&mut self, started: Instant) {
        if self.held.is_empty() {
            self.rest();
            return;
        }
        let now = Instant::now();
        let valid_until = started.checked_add(self.duration).unwrap_or(now);
        self.renew_at = Some(after(self.duration / RENEWALS));
        self.state.send_modify(|state| {
            // When the request reached the server, which may be later than it was sent.
            state.lapsed |= state.valid_until.is_some_and(|until| until < now);
            state.valid_until = Some(valid_until);
        });
    }

    /// No snapshots are held, so nothing is renewed.
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
