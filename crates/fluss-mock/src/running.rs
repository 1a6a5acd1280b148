//! The tasks of the servers that are up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use crate::server_id::ServerId;

/// The address and the task of each server. Cheap to clone.
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

    /// Stops a server and returns its address, if it was up: its last address may belong to another server by now.
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
