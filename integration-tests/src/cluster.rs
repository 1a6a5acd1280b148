//! The cluster that `cargo xtask test` started for this run, or that the environment names.

#![expect(
    clippy::panic,
    reason = "test support: without a cluster every test must fail, and say why"
)]

use std::{
    env,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

/// Where clients connect to without authentication.
///
/// # Panics
///
/// Without `FLUSS_BOOTSTRAP_SERVERS`: a missing cluster is a failure, never a reason to skip.
pub fn bootstrap_servers() -> String {
    from_environment("FLUSS_BOOTSTRAP_SERVERS")
}

/// Where clients connect to with SASL/PLAIN: as `admin` with `admin-pass` or as `fluss` with `fluss-pass`.
///
/// # Panics
///
/// Without `FLUSS_SASL_BOOTSTRAP_SERVERS`, which `cargo xtask test` sets for a cluster that it starts.
pub fn sasl_bootstrap_servers() -> String {
    from_environment("FLUSS_SASL_BOOTSTRAP_SERVERS")
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
