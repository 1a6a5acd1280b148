//! What tests run on: the cluster that `cargo xtask test` started for this run, or that the environment names, or a mock cluster.

#![expect(
    clippy::panic,
    reason = "test support: without a cluster every test must fail, and say why"
)]

use std::{
    env,
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use fluss_mock::{MockCluster, MockClusterBuilder};
use tokio::task::JoinHandle;

const BOOTSTRAP: &str = "FLUSS_BOOTSTRAP_SERVERS";
const SASL_BOOTSTRAP: &str = "FLUSS_SASL_BOOTSTRAP_SERVERS";

tokio::task_local! {
    /// What the scenario that runs in this task runs on.
    static CURRENT: Cluster;
}

/// What a scenario runs on.
#[derive(Debug, Clone)]
pub struct Cluster {
    bootstrap_servers: String,
    sasl_bootstrap_servers: String,
    /// What stops with the last clone; nothing if this is a real cluster.
    mocks: Option<Arc<Mocks>>,
}

/// Mock clusters, and where they put what moves to remote storage.
#[derive(Debug)]
struct Mocks {
    _clusters: [MockCluster; 2],
    dir: PathBuf,
}

impl Drop for Mocks {
    fn drop(&mut self) {
        // What can't be removed stays where temporary files are.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Cluster {
    /// The cluster of the environment, as [`bootstrap_servers`] and [`sasl_bootstrap_servers`] tell.
    ///
    /// # Panics
    ///
    /// If the environment names none.
    pub fn real() -> Self {
        Self {
            bootstrap_servers: from_environment(BOOTSTRAP),
            sasl_bootstrap_servers: from_environment(SASL_BOOTSTRAP),
            mocks: None,
        }
    }

    /// A real cluster at this address, without authentication.
    pub(crate) fn at(bootstrap_servers: &str) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
            sasl_bootstrap_servers: bootstrap_servers.to_owned(),
            mocks: None,
        }
    }

    /// Two mock clusters for the two listeners of a real one, configured as `cargo xtask cluster` configures it: no scenario uses both.
    ///
    /// # Panics
    ///
    /// If they can't be started.
    pub async fn mock() -> Self {
        let dir = env::temp_dir().join(unique_database("fluss-mock"));
        let remote = dir.join("remote").display().to_string();
        let builder = || {
            MockCluster::builder()
                .tablet_servers(3)
                .config("remote.data.dir", remote.as_str())
                .config("log.segment.file-size", "64kb")
                .config("kv.snapshot.interval", "2s")
                .config("default.bucket.number", "3")
                .config("default.replication.factor", "1")
        };
        let users = |builder: MockClusterBuilder| {
            builder
                .sasl_user("admin", "admin-pass")
                .sasl_user("fluss", "fluss-pass")
                .super_user("admin")
        };
        let mocks = match (builder().start().await, users(builder()).start().await) {
            (Ok(open), Ok(guarded)) => [open, guarded],
            (Err(error), _) | (_, Err(error)) => panic!("cannot start a mock cluster: {error}"),
        };
        let [open, guarded] = &mocks;
        Self {
            bootstrap_servers: one_of(open),
            sasl_bootstrap_servers: one_of(guarded),
            mocks: Some(Arc::new(Mocks {
                _clusters: mocks,
                dir,
            })),
        }
    }

    /// Runs a scenario on it.
    pub async fn run<T>(self, scenario: impl Future<Output = T>) -> T {
        CURRENT.scope(self, scenario).await
    }
}

/// One address, as real clusters have in the environment.
fn one_of(cluster: &MockCluster) -> String {
    let addresses = cluster.tablet_servers();
    addresses
        .first()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// Spawns a task that knows on which cluster it runs.
pub fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    match CURRENT.try_with(Cluster::clone) {
        Ok(cluster) => tokio::spawn(cluster.run(task)),
        Err(_) => tokio::spawn(task),
    }
}

/// The directory of the cluster of this scenario, in which its remote storage is as `remote`.
///
/// # Panics
///
/// Outside of scenarios on mock clusters without `FLUSS_CLUSTER_DIR`.
pub fn directory() -> PathBuf {
    let of_mock = CURRENT.try_with(|cluster| {
        let mocks = cluster.mocks.as_ref();
        mocks.map(|mocks| mocks.dir.clone())
    });
    match of_mock {
        Ok(Some(dir)) => dir,
        _ => PathBuf::from(from_environment("FLUSS_CLUSTER_DIR")),
    }
}

/// Whether the scenario of this task runs on a mock cluster.
pub fn is_mock() -> bool {
    CURRENT
        .try_with(|cluster| cluster.mocks.is_some())
        .unwrap_or(false)
}

/// Where clients connect to without authentication: the cluster of this scenario, or that of the environment.
///
/// # Panics
///
/// Outside of scenarios without `FLUSS_BOOTSTRAP_SERVERS`: a missing cluster is a failure, never a reason to skip.
pub fn bootstrap_servers() -> String {
    CURRENT
        .try_with(|cluster| cluster.bootstrap_servers.clone())
        .unwrap_or_else(|_| from_environment(BOOTSTRAP))
}

/// Where clients connect to with SASL/PLAIN: as `admin` with `admin-pass` or as `fluss` with `fluss-pass`.
///
/// # Panics
///
/// Outside of scenarios without `FLUSS_SASL_BOOTSTRAP_SERVERS`, which `cargo xtask test` sets for a cluster that it starts.
pub fn sasl_bootstrap_servers() -> String {
    CURRENT
        .try_with(|cluster| cluster.sasl_bootstrap_servers.clone())
        .unwrap_or_else(|_| from_environment(SASL_BOOTSTRAP))
}

/// A database name that no other test and no other run uses.
pub fn unique_database(test: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let run = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_millis());
    format!(
        "{test}_{run}_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Kills tablet server `id`, as a crash does. Tests that do so start it again and do not run beside others.
///
/// # Panics
///
/// If it cannot be done, as with a cluster that `cargo xtask test` didn't start.
pub fn kill_tablet(id: u32) {
    cluster_command("kill-tablet", Some(id));
}

/// Starts tablet server `id` again, with its data and its port, and waits until the coordinator knows it.
///
/// # Panics
///
/// As [`kill_tablet`].
pub fn start_tablet(id: u32) {
    cluster_command("start-tablet", Some(id));
}

/// Kills the coordinator, as a crash does. Tests that do so start it again and do not run beside others.
///
/// # Panics
///
/// As [`kill_tablet`].
pub fn kill_coordinator() {
    cluster_command("kill-coordinator", None);
}

/// Starts the coordinator again, and waits until it knows the tablet servers.
///
/// # Panics
///
/// As [`kill_tablet`].
pub fn start_coordinator() {
    cluster_command("start-coordinator", None);
}

fn cluster_command(command: &str, id: Option<u32>) {
    let xtask = from_environment("FLUSS_XTASK");
    let dir = from_environment("FLUSS_CLUSTER_DIR");
    let id = id.map(|id| id.to_string());
    let told = id.as_deref().unwrap_or_default();
    match Command::new(&xtask)
        .args(["cluster", command])
        .args(&id)
        .args(["--dir", &dir])
        .status()
    {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("`xtask cluster {command} {told}`: {status}"),
        Err(error) => panic!("cannot start {xtask}: {error}"),
    }
}

pub(crate) fn from_environment(name: &str) -> String {
    match env::var(name) {
        Ok(value) if !value.trim().is_empty() => value,
        _ => panic!(
            "{name} is not set: these tests need a real Fluss cluster. Run `cargo xtask test`, which starts one, or \
             `export FLUSS_BOOTSTRAP_SERVERS=$(cargo xtask cluster up)`"
        ),
    }
}
