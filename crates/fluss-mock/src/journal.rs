//! The latest requests to a cluster, with their messages.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec;
use fluss_wire::frame::RequestFrame;
use tokio::time::Instant;

use crate::server_id::ServerId;

/// The number of requests that are kept.
const REQUESTS: usize = 4096;
/// The total size in bytes of the messages that are kept.
const BYTES: usize = 16 << 20;

/// A request that a server received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request {
    /// When it was read.
    pub at: Instant,
    /// The server that read it.
    pub server: ServerId,
    /// The number of the connection among those that the server accepted, from 1.
    pub connection: u64,
    /// Its API; `None` if the key is unknown.
    pub api: Option<ApiKey>,
    /// Its version.
    pub version: i16,
    /// Its id, chosen by the client.
    pub id: i32,
    /// Whether a fault rule applied to it.
    pub faulted: bool,
    body: Bytes,
}

impl Request {
    /// Returns the message, if it is a request of this type.
    pub fn message<R: ApiRequest>(&self) -> Option<R> {
        (self.api == Some(R::API_KEY))
            .then(|| codec::decode(self.body.clone()).ok())
            .flatten()
    }
}

/// The latest requests.
#[derive(Default)]
pub(crate) struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    requests: VecDeque<Request>,
    bytes: usize,
}

impl Journal {
    pub(crate) fn record(
        &self,
        server: ServerId,
        connection: u64,
        request: &RequestFrame,
        faulted: bool,
    ) {
        let mut inner = self.lock();
        inner.bytes += request.body.len();
        inner.requests.push_back(Request {
            at: Instant::now(),
            server,
            connection,
            api: ApiKey::from_code(request.api_key),
            version: request.api_version,
            id: request.request_id,
            faulted,
            body: request.body.clone(),
        });
        while inner.requests.len() > REQUESTS || inner.bytes > BYTES {
            let Some(oldest) = inner.requests.pop_front() else {
                return;
            };
            inner.bytes -= oldest.body.len();
        }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lock().requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Inner::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
