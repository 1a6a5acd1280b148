//! What was asked: the last requests to a cluster, with their messages.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec;
use fluss_wire::frame::RequestFrame;
use tokio::time::Instant;

use crate::server_id::ServerId;

/// Requests that are kept.
const REQUESTS: usize = 4096;
/// Bytes of their messages that are kept, together.
const BYTES: usize = 16 << 20;

/// A request that came in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request {
    /// When it was read.
    pub at: Instant,
    /// Who read it.
    pub server: ServerId,
    /// On which of the connections that this server took in, from 1 on.
    pub connection: u64,
    /// For which API; `None` if there is none of this number.
    pub api: Option<ApiKey>,
    /// In which version.
    pub version: i16,
    /// The id that the client gave it.
    pub id: i32,
    /// Whether a rule struck it.
    pub struck: bool,
    body: Bytes,
}

impl Request {
    /// The message, if it is a request of this type.
    pub fn message<R: ApiRequest>(&self) -> Option<R> {
        (self.api == Some(R::API_KEY))
            .then(|| codec::decode(self.body.clone()).ok())
            .flatten()
    }
}

/// The last requests.
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
        struck: bool,
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
            struck,
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
