//! Calls that find their server: the coordinator, any server, a bucket's leader, a given one. Repeated where that does no harm.

use std::collections::BTreeSet;
use std::time::Duration;

use fluss_metadata::{ServerNode, TableBucket, TablePath};
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec::ResponseBody;
use tokio::time::Instant;
use tracing::debug;

use super::{Cluster, ClusterView};
use crate::deadline::{after, timer};
use crate::error::{DisconnectCause, Result, RpcError};
use crate::lane::Lane;
use crate::retry::{LEAST_ATTEMPT, pause_before_repeat};

/// Dials in a row for one request, when a connection ends between being handed out and being used.
const MAX_STALE: usize = 3;

/// Who shall answer.
#[derive(Debug, Clone, Copy)]
enum Route<'a> {
    Coordinator,
    Any,
    Tablet,
    Leader(&'a TablePath, TableBucket),
}

impl Cluster {
    /// Calls the coordinator. A request that changes something is repeated only if it certainly was not carried out.
    ///
    /// # Errors
    ///
    /// What the server answered, or why nobody did within the call timeout. [`RpcError::Exhausted`] tells how often it was tried.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; a request that was sent may take effect.
    pub async fn call_coordinator<R: ApiRequest>(&self, request: &R) -> Result<R::Response> {
        self.route(Route::Coordinator, request, |_, _| false).await
    }

    /// As [`call_coordinator`](Self::call_coordinator), but no attempt follows one after which `is_final` is true of its error and of the
    /// number of attempts so far.
    ///
    /// # Errors
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    ///
    /// # Cancel safety
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    pub async fn call_coordinator_unless<R: ApiRequest>(
        &self,
        request: &R,
        is_final: impl Fn(&RpcError, u32) -> bool,
    ) -> Result<R::Response> {
        self.route(Route::Coordinator, request, is_final).await
    }

    /// The version in which the coordinator takes requests of an API, for requests that an older server would misunderstand. Asked of the
    /// connection to it, which is made if there is none.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unsupported`] if it does not have the API; why there is no connection to it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn coordinator_version(&self, api: ApiKey) -> Result<i16> {
        let deadline = self.call_deadline();
        if self.view().coordinator().is_none() {
            self.refresh_all().await?;
        }
        let server = self.pick(Route::Coordinator, 0, deadline).await?;
        self.version_of(api, &server, Lane::FIRST, deadline).await
    }

    /// The version in which a tablet server takes requests of an API. Asked of the connection that [`call_server`](Self::call_server)
    /// uses for the same lane, which is made if there is none.
    ///
    /// # Errors
    ///
    /// As [`coordinator_version`](Self::coordinator_version), and as [`call_server`](Self::call_server).
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
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

    /// Calls any server, another one if the first fails.
    ///
    /// # Errors
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    ///
    /// # Cancel safety
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    pub async fn call_any<R: ApiRequest>(&self, request: &R) -> Result<R::Response> {
        self.route(Route::Any, request, |_, _| false).await
    }

    /// Calls the leader of a bucket; after a failure that may come from a moved leader, the leader is asked for again.
    ///
    /// # Errors
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    ///
    /// # Cancel safety
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    pub async fn call_leader<R: ApiRequest>(
        &self,
        path: &TablePath,
        bucket: TableBucket,
        request: &R,
    ) -> Result<R::Response> {
        let route = Route::Leader(path, bucket);
        self.route(route, request, |_, _| false).await
    }

    /// Calls any tablet server, once, until `deadline`.
    ///
    /// # Errors
    ///
    /// What the server answered, or why it did not.
    ///
    /// # Cancel safety
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    pub async fn call_tablet<R: ApiRequest>(
        &self,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response> {
        let server = self.pick(Route::Tablet, 0, deadline).await?;
        self.exchange(&server, Lane::FIRST, request, deadline, Duration::MAX)
            .await
    }

    /// Calls one tablet server, once, until `deadline`, over the connection that `lane` is pinned to. A bucket that always gives the
    /// same lane has its requests worked through in their order.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unknown`] if there is no such server now; what the server answered, or why it did not.
    ///
    /// # Cancel safety
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    pub async fn call_server<R: ApiRequest>(
        &self,
        server: i32,
        lane: Lane,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response> {
        self.call_server_as(server, lane, request, deadline).await
    }

    /// As [`call_server`](Self::call_server), with the answer read into something else than its message, as
    /// [`LookupAnswer`](fluss_wire::lookup::LookupAnswer) is.
    ///
    /// # Errors
    ///
    /// As [`call_server`](Self::call_server).
    ///
    /// # Cancel safety
    ///
    /// As [`call_server`](Self::call_server).
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

    /// One request and its answer, dialling first where that is needed. All of it ends at `deadline`, and what comes after the dial
    /// within `timeout`.
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
                // It ended just before it was used: that is nobody's failure.
                Err(RpcError::Disconnected { sent: false, .. }) if stale < MAX_STALE => stale += 1,
                // Connections end like that when the cluster is closed, or with their runtime, and with it the cluster.
                Err(RpcError::Disconnected { cause, .. })
                    if matches!(*cause, DisconnectCause::Local) =>
                {
                    return Err(RpcError::Closed);
                }
                outcome => return outcome,
            }
        }
    }

    async fn route<R: ApiRequest>(
        &self,
        route: Route<'_>,
        request: &R,
        is_final: impl Fn(&RpcError, u32) -> bool,
    ) -> Result<R::Response> {
        let started = Instant::now();
        let deadline = self.call_deadline();
        let mut attempts = 0;
        loop {
            let seen = self.view().generation();
            let outcome = self.attempt(route, attempts, request, deadline).await;
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
            debug!(api = %R::API_KEY, %error, attempts, ?pause, "call will be repeated");
            self.sleep_until(after(pause)).await?;
            if error.invalidates_metadata() {
                self.relearn(route, seen, deadline).await;
                if deadline.saturating_duration_since(Instant::now()) < LEAST_ATTEMPT {
                    return Err(exhausted(error, attempts, started));
                }
            }
        }
    }

    async fn attempt<R: ApiRequest>(
        &self,
        route: Route<'_>,
        attempt: u32,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response> {
        let server = self.pick(route, attempt, deadline).await?;
        let timeout = self.config().request_timeout;
        self.exchange(&server, Lane::FIRST, request, deadline, timeout)
            .await
    }

    async fn pick(&self, route: Route<'_>, attempt: u32, deadline: Instant) -> Result<ServerNode> {
        let view = self.view();
        let tablet = || {
            let count = view.tablet_servers().len();
            view.tablet_servers()
                .nth(self.config().chance.below(count.max(1)))
                .cloned()
        };
        let coordinator = || view.coordinator().cloned();
        let (picked, what) = match route {
            Route::Leader(path, bucket) => return self.leader_until(path, bucket, deadline).await,
            Route::Coordinator => (coordinator(), "the coordinator"),
            Route::Tablet => (tablet(), "any tablet server"),
            // A server that is connected answers sooner than one that must be dialled first.
            Route::Any if attempt == 0 => {
                let connected = self.connected(&view);
                (connected.or_else(tablet).or_else(coordinator), "any server")
            }
            // Every other attempt goes to the coordinator, which may answer while the tablet servers do not.
            Route::Any if attempt % 2 == 1 => (coordinator().or_else(tablet), "any server"),
            Route::Any => (tablet().or_else(coordinator), "any server"),
        };
        picked.ok_or_else(|| RpcError::Unknown {
            what: what.to_owned(),
        })
    }

    /// A tablet server that is connected, a random one of several; else the coordinator if it is.
    fn connected(&self, view: &ClusterView) -> Option<ServerNode> {
        let connected = |server: &&ServerNode| self.pool().is_connected(server);
        let tablets = view.tablet_servers().filter(connected);
        let mut tablets = tablets.cloned().collect::<Vec<_>>();
        if tablets.is_empty() {
            return view.coordinator().filter(connected).cloned();
        }
        Some(tablets.swap_remove(self.config().chance.below(tablets.len())))
    }

    /// Asks the cluster anew after a failure. That it may fail too is no news: the next attempt will tell.
    async fn relearn(&self, route: Route<'_>, seen: u64, deadline: Instant) {
        let _ = match route {
            Route::Leader(path, bucket) => {
                self.invalidate_bucket(&bucket, seen);
                self.learn_buckets(path, &[bucket], deadline).await
            }
            _ if self.view().learnt() <= seen => self.learn(BTreeSet::new(), deadline).await,
            _ => Ok(()),
        };
    }

    /// Waits until `deadline`, by the clock of the cluster's runtime, for callers on any runtime or on none.
    ///
    /// # Errors
    ///
    /// [`RpcError::Closed`] as soon as the cluster is closed, or its runtime has ended.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
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

    /// Whether the cluster was closed, or its runtime has ended.
    pub fn is_closed(&self) -> bool {
        self.pool().closed().is_cancelled()
    }
}

/// A tablet server that is alive.
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
