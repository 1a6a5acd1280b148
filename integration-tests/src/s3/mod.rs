//! A store in memory that speaks as much of S3 and of STS as the servers and the client need.
//!
//! Who comes with the servers' own key may do everything. STS hands out sessions, with which objects can be read until
//! [`end_sessions`](S3Server::end_sessions). Signatures are not checked.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "test support"
)]

mod chunked;
mod requests;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The access key of the servers, as `cargo xtask cluster up --s3` configures it.
const SERVERS_KEY: &str = "server";

/// A store that serves until it is dropped.
#[derive(Debug)]
pub struct S3Server {
    endpoint: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    /// By their paths: `/bucket/key`.
    objects: BTreeMap<String, Bytes>,
    /// Sessions that were handed out.
    sessions: usize,
    /// Of these, how many are over.
    ended: usize,
    /// Pieces of objects that sessions read.
    reads: usize,
    refusals: usize,
}

impl S3Server {
    /// Starts a store without any object, on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let serving = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&serving);
                let service = service_fn(move |request| {
                    let state = Arc::clone(&state);
                    async move { Ok::<_, Infallible>(requests::answer(&state, request).await) }
                });
                // A client that goes away is no failure of the store.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            endpoint,
            state,
            task,
        }
    }

    /// Where it is, as `http://host:port`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// How many objects there are whose path ends so.
    pub fn objects(&self, end: &str) -> usize {
        let state = self.state();
        state
            .objects
            .keys()
            .filter(|path| path.ends_with(end))
            .count()
    }

    /// How many sessions were handed out.
    pub fn sessions(&self) -> usize {
        self.state().sessions
    }

    /// How often a session read of an object.
    pub fn reads(&self) -> usize {
        self.state().reads
    }

    /// How often a session that is over was refused.
    pub fn refusals(&self) -> usize {
        self.state().refusals
    }

    /// Refuses every session that was handed out up to now.
    pub fn end_sessions(&self) {
        let mut state = self.state();
        state.ended = state.sessions;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
