//! The settings that a cluster starts with.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::release::Release;

/// What a builder has collected.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) tablet_servers: u16,
    pub(crate) seed: u64,
    pub(crate) release: Release,
    /// Passwords by user.
    pub(crate) users: BTreeMap<String, String>,
    pub(crate) in_memory: bool,
    /// How long after a server was killed the cluster notices it.
    pub(crate) notices_after: Duration,
    /// Whether rows end a held fetch even if the bucket has one replica.
    pub(crate) wakes_all_fetches: bool,
    /// Milliseconds since 1970.
    pub(crate) wall_clock: Option<i64>,
    pub(crate) config: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tablet_servers: 1,
            seed: 0,
            release: Release::default(),
            users: BTreeMap::new(),
            in_memory: false,
            notices_after: Duration::from_secs(1),
            wakes_all_fetches: false,
            wall_clock: None,
            config: BTreeMap::new(),
        }
    }
}

/// Leaves out the passwords.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("tablet_servers", &self.tablet_servers)
            .field("seed", &self.seed)
            .field("release", &self.release)
            .field("users", &self.users.keys())
            .field("in_memory", &self.in_memory)
            .field("notices_after", &self.notices_after)
            .field("wakes_all_fetches", &self.wakes_all_fetches)
            .field("wall_clock", &self.wall_clock)
            .field("config", &self.config)
            .finish()
    }
}
