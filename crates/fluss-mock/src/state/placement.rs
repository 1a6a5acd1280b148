//! The replicas of a bucket, and its leader.

/// The replicas of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) replicas: Vec<i32>,
    /// `None` while no in-sync replica is up.
    pub(crate) leader: Option<i32>,
    /// Incremented with every change of the leader.
    pub(crate) epoch: i32,
    pub(crate) in_sync: Vec<i32>,
}

impl Placement {
    /// Places a new bucket, led by the first replica.
    pub(crate) fn new(replicas: Vec<i32>) -> Self {
        Self {
            leader: replicas.first().copied(),
            epoch: 0,
            in_sync: replicas.clone(),
            replicas,
        }
    }

    pub(crate) fn lead_by(&mut self, leader: Option<i32>) {
        if self.leader != leader {
            self.leader = leader;
            self.epoch += 1;
        }
    }

    /// Elects an in-sync replica that is up, if the leader is down. Removes servers that are down from the in-sync
    /// replicas, unless all are.
    pub(crate) fn elect(&mut self, is_up: impl Fn(i32) -> bool) {
        let up = self.in_sync.iter().copied();
        let up = up.filter(|server| is_up(*server)).collect::<Vec<_>>();
        if !self.leader.is_some_and(&is_up) {
            self.lead_by(up.first().copied());
        }
        if !up.is_empty() {
            self.in_sync = up;
        }
    }

    /// Adds a replica that is up again to the in-sync ones. It needs no time to catch up: replicas share their data.
    pub(crate) fn catch_up(&mut self, server: i32) {
        if self.replicas.contains(&server) && !self.in_sync.contains(&server) {
            self.in_sync.push(server);
        }
    }
}
