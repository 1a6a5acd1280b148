//! Describes a cluster before it starts.

use std::io;
use std::time::Duration;

use crate::cluster::MockCluster;
use crate::release::Release;
use crate::settings::Settings;

/// Settings of a [`MockCluster`].
#[derive(Debug, Clone, Default)]
#[must_use = "it starts nothing until `start` is called"]
pub struct MockClusterBuilder {
    settings: Settings,
}

impl MockClusterBuilder {
    /// The number of tablet servers, in addition to the coordinator: 1 by default, and at least 1.
    pub fn tablet_servers(mut self, count: u16) -> Self {
        self.settings.tablet_servers = count.max(1);
        self
    }

    /// Seed for random choices, such as bucket leaders and the [probability](crate::fault::OnRequest::probability) of
    /// faults. The same seed and the same calls give the same cluster. 0 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// The release to behave like: [`Release::V0_9_1`] by default.
    pub fn release(mut self, release: Release) -> Self {
        self.settings.release = release;
        self
    }

    /// Requires SASL/PLAIN and adds a user; all other users are rejected. Without any user, no authentication is
    /// required.
    pub fn sasl_user(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.settings.users.insert(user.into(), password.into());
        self
    }

    /// Opens no sockets: the servers are reached only through [`MockCluster::network`], at addresses reserved for
    /// documentation. Nothing then waits for the operating system, so tokio's paused clock covers the whole round trip.
    pub fn in_memory(mut self) -> Self {
        self.settings.in_memory = true;
        self
    }

    /// How long the cluster takes to notice that a server was [killed](MockCluster::kill_server): 1 s by default.
    pub fn notices_after(mut self, time: Duration) -> Self {
        self.settings.notices_after = time;
        self
    }

    /// Lets servers answer a fetch that they hold as soon as rows arrive, even if a bucket has one replica. No release
    /// so far does this: a follower has to fetch the rows.
    pub fn wakes_all_fetches(mut self) -> Self {
        self.settings.wakes_all_fetches = true;
        self
    }

    /// The wall clock at the start, in milliseconds since 1970: the machine's by default. From then on it follows
    /// tokio's clock.
    pub fn wall_clock(mut self, millis: i64) -> Self {
        self.settings.wall_clock = Some(millis);
        self
    }

    /// Sets an entry of the servers' configuration, as in their `server.yaml`. Clients can describe every entry; the
    /// README of this crate lists those that change behavior.
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.config.insert(key.into(), value.into());
        self
    }

    /// Enables access rules (`authorizer.enabled`) for everyone except this user, who is added to `super.users`.
    pub fn super_user(self, user: impl AsRef<str>) -> Self {
        let user = format!("User:{}", user.as_ref());
        let others = self.settings.config.get("super.users");
        let users = others.map_or_else(|| user.clone(), |others| format!("{others};{user}"));
        self.config("authorizer.enabled", "true")
            .config("super.users", users)
    }

    /// Starts the servers: on free ports of the loopback interface, or [in memory](Self::in_memory).
    ///
    /// # Errors
    ///
    /// Returns an error if the operating system has no free port.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime with time enabled, and with I/O enabled unless the cluster is in memory.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, nothing is left running.
    pub async fn start(self) -> io::Result<MockCluster> {
        MockCluster::launch(self.settings).await
    }
}

impl MockCluster {
    /// Starts a cluster with one tablet server and default settings.
    ///
    /// # Errors
    ///
    /// See [`MockClusterBuilder::start`].
    ///
    /// # Panics
    ///
    /// See [`MockClusterBuilder::start`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if dropped, nothing is left running.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Returns a builder for a cluster with other settings.
    pub fn builder() -> MockClusterBuilder {
        MockClusterBuilder::default()
    }
}
