//! The servers of a cluster that are up, as tasks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use crate::server_id::ServerId;

/// What is known of each server. Cheap to clone; the tasks end with whoever calls [`stop`](Self::stop).
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    servers: Arc<Mutex<BTreeMap<ServerId, Place>>>,
}

#[derive(Debug)]
struct Place {
    address: SocketAddr,
    task: Option<AbortHandle>,
}

impl Running {
    pub(crate) fn start(&self, server: ServerId, address: SocketAddr, task: AbortHandle) {
        let task = Some(task);
        self.lock().insert(server, Place { address, task });
    }

    /// Ends a server. Where it was, if it was up: by now its last address may be another server's.
    pub(crate) fn stop(&self, server: ServerId) -> Option<SocketAddr> {
        let mut servers = self.lock();
        let place = servers.get_mut(&server)?;
        place.task.take()?.abort();
        Some(place.address)
    }

    pub(crate) fn is_up(&self, server: ServerId) -> bool {
        let servers = self.lock();
        servers
            .get(&server)
            .is_some_and(|place| place.task.is_some())
    }

    pub(crate) fn address(&self, server: ServerId) -> Option<SocketAddr> {
        self.lock().get(&server).map(|place| place.address)
    }

    /// The tablet servers, by id.
    pub(crate) fn tablet_servers(&self) -> Vec<SocketAddr> {
        let servers = self.lock();
        let tablets = servers.iter();
        tablets
            .filter(|(server, _)| **server != ServerId::Coordinator)
            .map(|(_, place)| place.address)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ServerId, Place>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
