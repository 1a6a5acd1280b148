//! Calls that find their server: the coordinator, any server, a bucket's leader, a given one. Repeated where that does no harm.

use fluss_metadata::{ServerNode, TableBucket, TablePath};
use fluss_wire::api::{ApiRequest, Repeatable};
use tokio::time::Instant;

use super::Cluster;
use super::refresh::sleep_on;
use crate::error::{Result, RpcError};
use crate::retry::{RetryPolicy, chance, random_below};

/// Who shall answer.
#[derive(Debug, Clone, Copy)]
enum Route<'a> {
    Coordinator,
    Any,
    Tablet,
    Leader(&'a TablePath, TableBucket),
}

impl Cluster {
    /// Calls the coordinator. A request that changes something is repeated only if it certainly was not sent.
    ///
    /// # Errors
    ///
    /// What the server answered, or why nobody did within the call timeout.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the answer; a request that was sent may take effect.
    pub async fn call_coordinator<R: ApiRequest>(&self, request: &R) -> Result<R::Response> {
        self.route(Route::Coordinator, request).await
    }

    /// Calls any server, another one if the first fails.
    ///
    /// # Errors
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    pub async fn call_any<R: ApiRequest>(&self, request: &R) -> Result<R::Response> {
        self.route(Route::Any, request).await
    }

    /// Calls any tablet server, once, until `deadline`.
    ///
    /// # Errors
    ///
    /// What the server answered, or why it did not.
    pub async fn call_tablet<R: ApiRequest>(
        &self,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response> {
        let server = self.pick(Route::Tablet, 0).await?;
        self.inner
            .pool
            .get(&server, 0)
            .await?
            .call(request, deadline)
            .await
    }

    /// Calls the leader of a bucket; after a failure that may come from a moved leader, the leader is asked for again.
    ///
    /// # Errors
    ///
    /// As [`call_coordinator`](Self::call_coordinator).
    pub async fn call_leader<R: ApiRequest>(
        &self,
        path: &TablePath,
        bucket: TableBucket,
        request: &R,
    ) -> Result<R::Response> {
        self.route(Route::Leader(path, bucket), request).await
    }

    /// Calls one tablet server, once, until `deadline`, over the connection that `lane` is pinned to.
    ///
    /// # Errors
    ///
    /// [`RpcError::Unknown`] if there is no such server now; what the server answered, or why it did not.
    pub async fn call_server<R: ApiRequest>(
        &self,
        server: i32,
        lane: usize,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response> {
        let node = self
            .view()
            .tablet_server(server)
            .cloned()
            .ok_or_else(|| RpcError::Unknown {
                what: format!("tablet server {server}"),
            })?;
        self.inner
            .pool
            .get(&node, lane)
            .await?
            .call(request, deadline)
            .await
    }

    async fn route<R: ApiRequest>(&self, route: Route<'_>, request: &R) -> Result<R::Response> {
        let started = Instant::now();
        let deadline = started + self.config().call_timeout;
        let repeatable = R::API_KEY.entry().repeatable == Repeatable::Yes;
        let mut attempts: u32 = 0;
        loop {
            let seen = self.view().generation();
            let outcome = self.attempt(route, attempts, request, deadline).await;
            attempts += 1;
            let error = match outcome {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let refused_unprocessed = error
                .server_error()
                .is_some_and(|error| error.is_retriable());
            let may_repeat =
                error.is_retriable() && (repeatable || error.was_not_sent() || refused_unprocessed);
            if !may_repeat {
                return Err(give_up(error, attempts, started));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(pause) = RetryPolicy::CALL.next_pause(attempts, chance(), left) else {
                return Err(give_up(error, attempts, started));
            };
            sleep_on(self, pause).await;
            if error.invalidates_metadata() {
                self.relearn(route, seen).await;
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
        let server = self.pick(route, attempt).await?;
        let connection = self.inner.pool.get(&server, 0).await?;
        let deadline = deadline.min(Instant::now() + self.config().request_timeout);
        connection.call(request, deadline).await
    }

    async fn pick(&self, route: Route<'_>, attempt: u32) -> Result<ServerNode> {
        let view = self.view();
        let tablet = || {
            let count = view.tablet_servers().len();
            view.tablet_servers()
                .nth(random_below(count.max(1)))
                .cloned()
        };
        let (picked, what) = match route {
            Route::Leader(path, bucket) => return self.leader(path, bucket).await,
            Route::Coordinator => (view.coordinator().cloned(), "the coordinator"),
            Route::Tablet => (tablet(), "any tablet server"),
            // Every other attempt goes to the coordinator, which may answer while the tablet servers do not.
            Route::Any if attempt % 2 == 1 => {
                (view.coordinator().cloned().or_else(tablet), "any server")
            }
            Route::Any => (
                tablet().or_else(|| view.coordinator().cloned()),
                "any server",
            ),
        };
        picked.ok_or_else(|| RpcError::Unknown {
            what: what.to_owned(),
        })
    }

    /// Asks the cluster anew after a failure. That it may fail too is no news: the next attempt will tell.
    async fn relearn(&self, route: Route<'_>, seen: u64) {
        let _ = match route {
            Route::Leader(path, bucket) => {
                self.invalidate_bucket(&bucket, seen);
                self.refresh_buckets(path, &[bucket]).await
            }
            Route::Coordinator | Route::Any | Route::Tablet if self.view().generation() == seen => {
                self.refresh_all().await
            }
            Route::Coordinator | Route::Any | Route::Tablet => Ok(()),
        };
    }
}

fn give_up(error: RpcError, attempts: u32, started: Instant) -> RpcError {
    if attempts == 1 {
        return error;
    }
    RpcError::Exhausted {
        attempts,
        waited: started.elapsed(),
        source: Box::new(error),
    }
}
