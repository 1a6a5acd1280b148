//! A real cluster of a test's own, for what the shared one is not configured for.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "test support"
)]

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::cluster::{Cluster, from_environment, unique_database};

/// A cluster that ends when this is dropped.
#[derive(Debug)]
pub struct OwnCluster {
    dir: PathBuf,
    bootstrap_servers: String,
}

impl OwnCluster {
    /// Starts it, with options of `cargo xtask cluster up`.
    pub async fn start(options: &[&str]) -> Self {
        let dir = env::temp_dir().join(unique_database("fluss-own"));
        let mut command = Self::command("up", &dir);
        command.args(options);
        let output = tokio::task::spawn_blocking(move || command.output());
        // From here on it is taken down, whatever happened.
        let mut cluster = Self {
            dir,
            bootstrap_servers: String::new(),
        };
        let output = output.await.unwrap().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let address = String::from_utf8_lossy(&output.stdout);
        address.trim().clone_into(&mut cluster.bootstrap_servers);
        cluster
    }

    /// Runs a test on it: what the tests share then connects to it.
    pub async fn run<T>(&self, test: impl Future<Output = T>) -> T {
        Cluster::at(&self.bootstrap_servers).run(test).await
    }

    /// Where a tablet server keeps its data.
    pub fn data_of(&self, tablet: u32) -> PathBuf {
        self.dir.join(format!("data/tablet-{tablet}"))
    }

    fn command(name: &str, dir: &std::path::Path) -> Command {
        let mut command = Command::new(from_environment("FLUSS_XTASK"));
        command.args(["cluster", name, "--dir"]).arg(dir);
        // A cluster that is named would be used in its place.
        command.env_remove("FLUSS_BOOTSTRAP_SERVERS");
        command
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        let status = Self::command("down", &self.dir).status();
        // What can't be removed stays where temporary files are.
        let _ = std::fs::remove_dir_all(&self.dir);
        let ended = status.is_ok_and(|status| status.success());
        assert!(
            ended || std::thread::panicking(),
            "the cluster in {} does not end",
            self.dir.display()
        );
    }
}
