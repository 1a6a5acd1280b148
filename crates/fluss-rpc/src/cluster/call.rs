//! Calls routed to the coordinator, any server, a bucket's leader or a given server. Retried if that is safe.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use fluss_metadata::{ServerNode, TableBucket, TablePath};
use fluss_wire::Segments;
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec::ResponseBody;
use tokio::time::Instant;
use tracing::debug;

use super::{Cluster, ClusterView};
use crate::deadline::{after, timer};
use crate::error::{DisconnectCause, Result, RpcError};
use crate::lane::Lane;
use crate::retry::{LEAST_ATTEMPT, pause_before_repeat};

/// Maximum dials in a row for one request, if a connection ends between being acquired and being used.
const MAX_STALE: usize = 3;

/// Which server to call.
#[derive(Debug, Clone, Copy)]
enum Destination<'a> {
    Coordinator,
    Any,
    Tablet,
    Leader(&'a TablePath, TableBucket),
}

impl Cluster {
    /// Calls the coordinator. A request that changes something is retried only if it was definitely not executed.
    ///
    /// # Errors
    ///
    /// The server's error, or why no server responded within the call timeout. [`RpcError::Exhausted`] includes the
    /// number of attempts.
    ///
    /// # Cancel safety
    ///
    /// If dropped, a request that was sent may still be executed.
    pub async fn call_coordinator<R: ApiRequest>(&self, request: &R) -> Result<R::Response> {
        self.call(Destination::Coordinator, request, |_, _| false)
            .await
    }

    /// Like [`call_coordinator`](Self::call_coordinator), but stops retrying once `is_final` returns true for the
    /// error and the number of attempts so far.
    ///
    /// # Errors
    ///
    /// The same as [`call_coordinator`](Self::call_coordinator).
    ///
    /// # Cancel safety
    ///
    /// The same as [`call_coordinator`](Self::call_coordinator).
    pub async fn call_coordinator_unless<R: ApiRequest>(
        &self,
        request: &R,
        is_final: impl Fn(&RpcError, u32) -> bool,
    ) -> Result<R::Response> {
        self.call(Destination::Coordinator, request, is_final).await
    }

    /// Returns the version of an API negotiated with the coordinator, for requests that an older server would
    /// misunderstand. Connects to the coordinator if necessary.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unsupported`] if the coordinator does not have the API. Also if it cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn coordinator_version(&self, api: ApiKey) -> Result<i16> {
        let deadline = self.call_deadline();
        if self.view().coordinator().is_none() {
            self.refresh_all().await?;
        }
        let server = self.pick(Destination::Coordinator, 0, deadline).await?;
        self.version_of(api, &server, Lane::FIRST, deadline).await
    }

    /// Returns the version of an API negotiated with a tablet server, over the connection that
    /// [`call_server`](Self::call_server) uses for the same lane. Connects if necessary.
    ///
    /// # Errors
    ///
    /// The same as [`coordinator_version`](Self::coordinator_version) and [`call_server`](Self::call_server).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn server_version(
        &self,
        server: i32,
        lane: Lane,
        api: ApiKey,
        deadline: Instant,
    ) -> Result<i16> {
        let view = self.view();
        self.version_of(api, tablet(&view, server)?, lane, deadline)
            .await
    }

    async fn version_of(
        &self,
        api: ApiKey,
        server: &ServerNode,
        lane: Lane,
        deadline: Instant,
    ) -> Result<i16> {
        let connection = self.pool().get_for(api, server, lane, deadline).await?;
        connection
            .api_versions()
            .negotiate(api)
            .map_err(|source| RpcError::Unsupported {
                server: format!("{}:{}", server.host(), server.port()).into(),
                source,
            })
    }

    /// Calls any server, and another one if the first fails.
    ///
    /// # Errors
    ///
    /// The same as [`call_coordinator`](Self::call_coordinator).
    ///
    /// # Cancel safety
    ///
    /// The same as [`call_coordinator`](Self::call_coordinator).
    pub async fn call_any<R: ApiRequest>(&self, request: &R) -> Result<R::Response> {
        self.call(Destination::Any, request, |_, _| false).await
    }

    /// Calls the leader of a bucket. After a failure that a leader change may have caused, looks up the leader again.
    ///
    /// # Errors
    ///
    /// The same as [`call_coordinator`](Self::call_coordinator).
    ///
    /// # Cancel safety
    ///
    /// The same as [`call_coordinator`](Self::call_coordinator).
    pub async fn call_leader<R: ApiRequest>(
        &self,
        path: &TablePath,
        bucket: TableBucket,
        request: &R,
    ) -> Result<R::Response> {
        let destination = Destination::Leader(path, bucket);
        self.call(destination, request, |_, _| false).await
    }

    /// Calls any tablet server once, until `deadline`.
    ///
    /// # Errors
    ///
    /// The server's error, or why it did not respond.
    ///
    /// # Cancel safety
    ///
    /// The same as [`call_coordinator`](Self::call_coordinator).
    pub async fn call_tablet<R: ApiRequest>(
        &self,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response> {
        let server = self.pick(Destination::Tablet, 0, deadline).await?;
        self.exchange(&server, Lane::FIRST, request, deadline, Duration::MAX)
            .await
    }

    /// Calls a tablet server once, until `deadline`, over the connection that `lane` is pinned to. If a bucket always
    /// uses the same lane, its requests are processed in order.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unknown`] if there is no such server now. Otherwise the server's error, or why it did not respond.
    ///
    /// # Cancel safety
    ///
    /// The same as [`call_coordinator`](Self::call_coordinator).
    pub async fn call_server<R: ApiRequest>(
        &self,
        server: i32,
        lane: Lane,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response> {
        self.call_server_as(server, lane, request, deadline).await
    }

    /// Like [`call_server`](Self::call_server), but decodes the response to a type other than its message, such as
    /// [`LookupAnswer`](fluss_wire::lookup::LookupAnswer).
    ///
    /// # Errors
    ///
    /// The same as [`call_server`](Self::call_server).
    ///
    /// # Cancel safety
    ///
    /// The same as [`call_server`](Self::call_server).
    pub async fn call_server_as<R: ApiRequest, A: ResponseBody>(
        &self,
        server: i32,
        lane: Lane,
        request: &R,
        deadline: Instant,
    ) -> Result<A> {
        let view = self.view();
        let server = tablet(&view, server)?;
        self.exchange(server, lane, request, deadline, Duration::MAX)
            .await
    }

    /// Like [`call_server`](Self::call_server), with a message that is already encoded, for requests that are repeated.
    /// Returns the bytes of the response.
    ///
    /// # Errors
    ///
    /// See [`call_server`](Self::call_server).
    ///
    /// # Cancel safety
    ///
    /// See [`call_server`](Self::call_server).
    pub async fn call_server_encoded(
        &self,
        server: i32,
        lane: Lane,
        api: ApiKey,
        message: Segments,
        deadline: Instant,
    ) -> Result<Bytes> {
        let view = self.view();
        let server = tablet(&view, server)?;
        let mut stale = 0;
        loop {
            let connection = self.pool().get_for(api, server, lane, deadline).await?;
            let outcome = connection
                .call_encoded(api, message.clone(), deadline)
                .await;
            match outcome {
                // As in `exchange`.
                Err(RpcError::Disconnected { sent: false, .. }) if stale < MAX_STALE => stale += 1,
                outcome => return outcome,
            }
        }
    }

    /// Sends a request and waits for the response, dialing first if necessary. Everything ends at `deadline`, and
    /// everything after the dial within `timeout`.
    async fn exchange<R: ApiRequest, A: ResponseBody>(
        &self,
        server: &ServerNode,
        lane: Lane,
        request: &R,
        deadline: Instant,
        timeout: Duration,
    ) -> Result<A> {
        let mut stale = 0;
        loop {
            let pool = self.pool();
            let connection = pool.get_for(R::API_KEY, server, lane, deadline).await?;
            let outcome = connection
                .call_as(request, deadline.min(after(timeout)))
                .await;
            match outcome {
                // It ended just before it was used, which is not a failure.
                Err(RpcError::Disconnected { sent: false, .. }) if stale < MAX_STALE => stale += 1,
                // Connections end this way when the cluster is closed, or when their runtime ends and the cluster
                // with it.
                Err(RpcError::Disconnected { cause, .. })
                    if matches!(*cause, DisconnectCause::Local) =>
                {
                    return Err(RpcError::Closed);
                }
                outcome => return outcome,
            }
        }
    }

    async fn call<R: ApiRequest>(
        &self,
        destination: Destination<'_>,
        request: &R,
        is_final: impl Fn(&RpcError, u32) -> bool,
    ) -> Result<R::Response> {
        let started = Instant::now();
        let deadline = self.call_deadline();
        let mut attempts = 0;
        loop {
            let seen = self.view().generation();
            let outcome = self.attempt(destination, attempts, request, deadline).await;
            attempts += 1;
            let error = match outcome {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if is_final(&error, attempts) {
                return Err(give_up(error, attempts, started));
            }
            let repeatable = R::API_KEY.entry().repeatable;
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(pause) = pause_before_repeat(
                &error,
                repeatable,
                attempts,
                self.config().chance.unit(),
                left,
            ) else {
                return Err(give_up(error, attempts, started));
            };
            debug!(api = %R::API_KEY, %error, attempts, ?pause, "call will be retried");
            self.sleep_until(after(pause)).await?;
            if error.invalidates_metadata() {
                self.relearn(destination, seen, deadline).await;
                if deadline.saturating_duration_since(Instant::now()) < LEAST_ATTEMPT {
                    return Err(exhausted(error, attempts, started));
                }
            }
        }
    }

    async fn attempt<R: ApiRequest>(
        &self,
        destination: Destination<'_>,
        attempt: u32,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response> {
        let server = self.pick(destination, attempt, deadline).await?;
        let timeout = self.config().request_timeout;
        self.exchange(&server, Lane::FIRST, request, deadline, timeout)
            .await
    }

    async fn pick(
        &self,
        destination: Destination<'_>,
        attempt: u32,
        deadline: Instant,
    ) -> Result<ServerNode> {
        let view = self.view();
        let tablet = || {
            let count = view.tablet_servers().len();
            view.tablet_servers()
                .nth(self.config().chance.below(count.max(1)))
                .cloned()
        };
        let coordinator = || view.coordinator().cloned();
        let (picked, what) = match destination {
            Destination::Leader(path, bucket) => {
                return self.leader_until(path, bucket, deadline).await;
            }
            Destination::Coordinator => (coordinator(), "the coordinator"),
            Destination::Tablet => (tablet(), "any tablet server"),
            // A connected server responds sooner than one that must be dialed first.
            Destination::Any if attempt == 0 => {
                let connected = self.connected(&view);
                (connected.or_else(tablet).or_else(coordinator), "any server")
            }
            // Every other attempt goes to the coordinator, which may respond when the tablet servers do not.
            Destination::Any if attempt % 2 == 1 => (coordinator().or_else(tablet), "any server"),
            Destination::Any => (tablet().or_else(coordinator), "any server"),
        };
        picked.ok_or_else(|| RpcError::Unknown {
            what: what.to_owned(),
        })
    }

    /// A random connected tablet server, or else the coordinator if it is connected.
    fn connected(&self, view: &ClusterView) -> Option<ServerNode> {
        let connected = |server: &&ServerNode| self.pool().is_connected(server);
        let tablets = view.tablet_servers().filter(connected);
        let mut tablets = tablets.cloned().collect::<Vec<_>>();
        if tablets.is_empty() {
            return view.coordinator().filter(connected).cloned();
        }
        Some(tablets.swap_remove(self.config().chance.below(tablets.len())))
    }

    /// Refreshes the metadata after a failure. Its own failure is ignored: the next attempt will show it.
    async fn relearn(&self, destination: Destination<'_>, seen: u64, deadline: Instant) {
        let _ = match destination {
            Destination::Leader(path, bucket) => {
                self.invalidate_bucket(&bucket, seen);
                self.learn_buckets(path, &[bucket], deadline).await
            }
            _ if self.view().learned() <= seen => self.learn(BTreeSet::new(), deadline).await,
            _ => Ok(()),
        };
    }

    /// Waits until `deadline`, by the clock of the cluster's runtime. Callers can be on any runtime or on none.
    ///
    /// # Errors
    ///
    /// [`RpcError::Closed`] as soon as the cluster is closed or its runtime has ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub fn sleep_until(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (closed, timer) = (
            self.pool().closed().clone(),
            timer(self.pool().runtime(), deadline),
        );
        async move {
            tokio::select! {
                biased;
                () = closed.cancelled() => Err(RpcError::Closed),
                () = timer => if closed.is_cancelled() { Err(RpcError::Closed) } else { Ok(()) },
            }
        }
    }

    /// Returns whether the cluster is closed or its runtime has ended.
    pub fn is_closed(&self) -> bool {
        self.pool().closed().is_cancelled()
    }
}

/// Returns a live tablet server.
fn tablet(view: &ClusterView, server: i32) -> Result<&ServerNode> {
    view.tablet_server(server).ok_or_else(|| RpcError::Unknown {
        what: format!("tablet server {server}"),
    })
}

fn give_up(error: RpcError, attempts: u32, started: Instant) -> RpcError {
    if attempts == 1 {
        return error;
    }
    exhausted(error, attempts, started)
}

fn exhausted(error: RpcError, attempts: u32, started: Instant) -> RpcError {
    RpcError::Exhausted {
        attempts,
        waited: started.elapsed(),
        source: Box::new(error),
    }
}
