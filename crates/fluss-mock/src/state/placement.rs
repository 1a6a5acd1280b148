//! Which servers have a bucket, and which of them leads it.

/// The replicas of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placement {
    pub(crate) replicas: Vec<i32>,
    /// Nobody, while no replica that is in sync is up.
    pub(crate) leader: Option<i32>,
    /// Goes up with every change of the leader.
    pub(crate) epoch: i32,
    pub(crate) in_sync: Vec<i32>,
}

impl Placement {
    /// Of new replicas, the first leads.
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

    /// Finds a leader among those that are up, if the last one is not. Who is down is not in sync any more, unless nobody else is.
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

    /// A replica that is up again has all that was written, as the data is one here.
    pub(crate) fn catch_up(&mut self, server: i32) {
        if self.replicas.contains(&server) && !self.in_sync.contains(&server) {
            self.in_sync.push(server);
        }
    }
}
