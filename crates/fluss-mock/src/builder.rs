//! What a cluster is to be like before it starts.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::cluster::MockCluster;

/// The release of Fluss whose versions of APIs a cluster tells its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Release {
    /// 0.9.1.
    #[default]
    V0_9_1,
    /// 1.0.0.
    V1_0,
}

/// Settings of a [`MockCluster`].
#[derive(Clone)]
pub struct MockClusterBuilder {
    pub(crate) tablet_servers: u16,
    pub(crate) seed: u64,
    pub(crate) release: Release,
    pub(crate) users: BTreeMap<String, String>,
    pub(crate) in_memory: bool,
    pub(crate) notices_after: Duration,
    pub(crate) wall_clock: Option<i64>,
    pub(crate) config: BTreeMap<String, String>,
}

impl Default for MockClusterBuilder {
    fn default() -> Self {
        Self {
            tablet_servers: 1,
            seed: 0,
            release: Release::default(),
            users: BTreeMap::new(),
            in_memory: false,
            notices_after: Duration::from_secs(1),
            wall_clock: None,
            config: BTreeMap::new(),
        }
    }
}

impl MockClusterBuilder {
    /// How many tablet servers there are beside the coordinator: 1 unless set, and at least 1.
    #[must_use]
    pub fn tablet_servers(mut self, count: u16) -> Self {
        self.tablet_servers = count.max(1);
        self
    }

    /// From what is drawn which server leads the first bucket of a table. The same seed and the same calls give the same
    /// leaders.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Which release it looks like: [`Release::V0_9_1`] unless set.
    #[must_use]
    pub fn release(mut self, release: Release) -> Self {
        self.release = release;
        self
    }

    /// Lets nobody in but those named like this, by SASL/PLAIN. Without any user, everybody is let in.
    #[must_use]
    pub fn sasl_user(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.users.insert(user.into(), password.into());
        self
    }

    /// Opens no sockets: servers are reached through [`MockCluster::network`] alone, at addresses that nobody else has. Nothing
    /// then waits for the operating system, and paused time passes only when everybody waits.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.in_memory = true;
        self
    }

    /// How long it takes until a server that was [killed](MockCluster::kill_server) is known to be gone: 1 s unless set.
    #[must_use]
    pub fn notices_after(mut self, time: Duration) -> Self {
        self.notices_after = time;
        self
    }

    /// The time at the start, in milliseconds since 1970: that of the machine unless set. From there on it goes as tokio's clock does.
    #[must_use]
    pub fn wall_clock(mut self, millis: i64) -> Self {
        self.wall_clock = Some(millis);
        self
    }

    /// Configures the servers as their `server.yaml` does. What they tell about their configuration begins with this; what it does
    /// is what the README of this crate says.
    #[must_use]
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(key.into(), value.into());
        self
    }

    /// Asks for access rules of everybody but this user: `authorizer.enabled` and one of the `super.users`.
    #[must_use]
    pub fn super_user(self, user: impl AsRef<str>) -> Self {
        let user = format!("User:{}", user.as_ref());
        let others = self.config.get("super.users");
        let users = others.map_or_else(|| user.clone(), |others| format!("{others};{user}"));
        self.config("authorizer.enabled", "true")
            .config("super.users", users)
    }

    /// Starts the servers, on free ports of the loopback interface unless they are [in memory](Self::in_memory).
    ///
    /// # Errors
    ///
    /// What the operating system says when it has no port to give.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time enabled, and I/O unless in memory.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing is left running.
    pub async fn start(self) -> io::Result<MockCluster> {
        MockCluster::launch(self).await
    }
}

/// Without the passwords.
impl fmt::Debug for MockClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockClusterBuilder")
            .field("tablet_servers", &self.tablet_servers)
            .field("seed", &self.seed)
            .field("release", &self.release)
            .field("users", &self.users.keys())
            .field("in_memory", &self.in_memory)
            .field("notices_after", &self.notices_after)
            .field("wall_clock", &self.wall_clock)
            .field("config", &self.config)
            .finish()
    }
}
