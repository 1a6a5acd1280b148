//! Requests to the leaders of many buckets, retried for buckets whose leader has moved.

use std::collections::BTreeMap;
use std::time::Instant;

use fluss_metadata::{TableBucket, TablePath};
use fluss_rpc::RetryPolicy;
use fluss_wire::api::ApiRequest;
use fluss_wire::error_code::ServerError;
use futures::future::join_all;

use super::handle::FlussAdmin;
use crate::error::{Error, Result};
use crate::turn::take_turn;

/// The response of a leader for one of its buckets.
pub(super) struct BucketAnswer<T> {
    pub(super) bucket: TableBucket,
    pub(super) outcome: Result<T, ServerError>,
}

/// The responses of all leaders, grouped by what has to happen next.
struct Round<T> {
    answers: BTreeMap<TableBucket, T>,
    failed: Vec<TableBucket>,
    error: Option<Error>,
}

impl FlussAdmin {
    /// Sends one request per leader of the `buckets` of a table, all at once. Transient failures are retried until
    /// the call timeout; a permanent failure of one bucket fails the call.
    pub(super) async fn ask_leaders<R: ApiRequest, T>(
        &self,
        path: &TablePath,
        buckets: Vec<TableBucket>,
        request: impl Fn(&[TableBucket]) -> R,
        read: impl Fn(R::Response) -> Result<Vec<BucketAnswer<T>>>,
    ) -> Result<BTreeMap<TableBucket, T>> {
        take_turn().await;
        let started = Instant::now();
        let mut answers = BTreeMap::new();
        let mut pending = buckets;
        let mut attempts = 0;
        while !pending.is_empty() {
            let seen = self.context.cluster.view().generation();
            let round = self.ask_once(path, &pending, &request, &read).await?;
            answers.extend(round.answers);
            attempts += 1;
            let Some(error) = round.error else { break };
            let left = self
                .context
                .config
                .call_timeout
                .saturating_sub(started.elapsed());
            let pause = RetryPolicy::CALL.next_pause(attempts, 0.5, left);
            let Some(pause) = pause.filter(|_| error.is_retriable()) else {
                return Err(if attempts > 1 {
                    error.after_attempts(attempts)
                } else {
                    error
                });
            };
            self.context.cluster.invalidate_buckets(&round.failed, seen);
            self.pause(pause).await;
            pending = round.failed;
        }
        Ok(answers)
    }

    async fn ask_once<R: ApiRequest, T>(
        &self,
        path: &TablePath,
        buckets: &[TableBucket],
        request: &impl Fn(&[TableBucket]) -> R,
        read: &impl Fn(R::Response) -> Result<Vec<BucketAnswer<T>>>,
    ) -> Result<Round<T>> {
        let by_leader = self.by_leader(path, buckets).await?;
        let asked = by_leader.values().filter_map(|group| {
            let first = *group.first()?;
            let request = request(group);
            Some(async move {
                let cluster = &self.context.cluster;
                let response = cluster.call_leader(path, first, &request).await;
                response.map_err(|error| Error::from(error).of_bucket(first))
            })
        });
        let mut round = Round {
            answers: BTreeMap::new(),
            failed: Vec::new(),
            error: None,
        };
        for response in join_all(asked).await {
            for answer in read(response?)? {
                match answer.outcome {
                    Ok(value) => {
                        round.answers.insert(answer.bucket, value);
                    }
                    Err(error) => round.fail(answer.bucket, error),
                }
            }
        }
        let unanswered = buckets
            .iter()
            .find(|bucket| !round.answers.contains_key(bucket) && !round.failed.contains(bucket));
        match unanswered {
            Some(bucket) => Err(Error::corrupt("the response lacks a bucket").of_bucket(*bucket)),
            None => Ok(round),
        }
    }

    /// Groups the buckets by leader.
    async fn by_leader(
        &self,
        path: &TablePath,
        buckets: &[TableBucket],
    ) -> Result<BTreeMap<i32, Vec<TableBucket>>> {
        // Use one request if several leaders are unknown.
        let cluster = &self.context.cluster;
        let view = cluster.view();
        if buckets
            .iter()
            .any(|bucket| view.leader_of(bucket).is_none())
        {
            cluster.refresh_buckets(path, buckets).await?;
        }
        let mut by_leader: BTreeMap<i32, Vec<TableBucket>> = BTreeMap::new();
        for bucket in buckets {
            let leader = cluster
                .leader(path, *bucket)
                .await
                .map_err(|error| Error::from(error).of_bucket(*bucket))?;
            by_leader.entry(leader.id()).or_default().push(*bucket);
        }
        Ok(by_leader)
    }
}

impl<T> Round<T> {
    /// Keeps the error that decides the call: the first permanent one, or else the first.
    fn fail(&mut self, bucket: TableBucket, error: ServerError) {
        self.failed.push(bucket);
        let error = Error::from(error).of_bucket(bucket);
        let settled = self.error.as_ref().is_some_and(|kept| !kept.is_retriable());
        if self.error.is_none() || (!settled && !error.is_retriable()) {
            self.error = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use fluss_wire::error_code::ErrorCode;

    use super::*;

    fn refused(code: i32) -> ServerError {
        ServerError {
            code: ErrorCode::new(code),
            message: None,
        }
    }

    #[test]
    fn an_error_that_will_not_pass_counts_more_than_one_that_may() {
        let mut round = Round::<i64> {
            answers: BTreeMap::new(),
            failed: Vec::new(),
            error: None,
        };
        for (bucket, code) in [(0, 12), (1, 48), (2, 44), (3, 38)] {
            round.fail(TableBucket::new(7, bucket), refused(code));
        }
        assert_eq!(round.failed.len(), 4);
        let error = round.error.unwrap();
        assert_eq!(error.server_code(), Some(48));
        assert_eq!(error.bucket(), Some(TableBucket::new(7, 1)));
    }
}
