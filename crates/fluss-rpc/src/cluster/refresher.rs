//! The single task that fetches metadata. It runs while callers are waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fluss_wire::api::ApiKey;
use fluss_wire::error_code::{ErrorClass, ErrorCode};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::Inner;
use super::interest::{Interest, request};
use super::refresh::has_code;
use crate::error::{Result, RpcError};
use crate::retry::{LEAST_ATTEMPT, RetryPolicy};

/// Maximum number of items per request.
const MAX_INTERESTS: usize = 500;

/// Number of separate failures in one round after which the whole round fails.
const MAX_FAILED: usize = 4;

/// What a round failed to fetch.
#[derive(Default)]
struct Told {
    missing: BTreeMap<Interest, RpcError>,
    /// What a server failed to report, for now.
    failed: BTreeMap<Interest, RpcError>,
}

/// A caller that waits for metadata.
pub(super) struct Waiter {
    pub(super) interests: BTreeSet<Interest>,
    pub(super) since: Instant,
    pub(super) deadline: Instant,
    /// Number of attempts for this caller.
    pub(super) attempts: u32,
    pub(super) done: oneshot::Sender<Result<()>>,
}

impl Waiter {
    fn answer(self, outcome: Result<()>) {
        // An error means that the caller is gone.
        let _ = self.done.send(outcome);
    }
}

/// The waiting callers, and whether the task is running. Its length is bounded by the number of waiting callers.
#[derive(Default)]
pub(super) struct Waiting {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: bool,
    waiters: Vec<Waiter>,
    /// The items being fetched, and the later callers that need nothing else.
    asked: Option<BTreeSet<Interest>>,
    joined: Vec<Waiter>,
}

impl Waiting {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Registers a waiter, and starts the task if it is not running.
pub(super) fn leave(inner: &Arc<Inner>, waiter: Waiter) {
    if inner.pool.closed().is_cancelled() {
        return waiter.answer(Err(RpcError::Closed));
    }
    let start = {
        let mut state = inner.waiting.state();
        let covered = state
            .asked
            .as_ref()
            .is_some_and(|asked| asked.is_superset(&waiter.interests));
        if covered {
            state.joined.push(waiter);
        } else {
            state.waiters.push(waiter);
        }
        !std::mem::replace(&mut state.running, true)
    };
    if start {
        let refresher = Refresher {
            inner: Arc::clone(inner),
            batch: Vec::new(),
            failures: 0,
            failure: None,
            ended: false,
        };
        inner.pool.runtime().spawn(refresher.run());
    }
}

/// The task. When it is dropped, because it ends or its runtime does, no caller is left waiting.
struct Refresher {
    inner: Arc<Inner>,
    /// The callers being served.
    batch: Vec<Waiter>,
    /// Number of consecutive failed rounds, and the last failure.
    failures: u32,
    failure: Option<RpcError>,
    /// No caller is waiting: the next caller starts a new task.
    ended: bool,
}

impl Refresher {
    async fn run(mut self) {
        let closed = self.inner.pool.closed().clone();
        tokio::select! {
            biased;
            () = closed.cancelled() => {}
            () = self.rounds() => {}
        }
    }

    async fn rounds(&mut self) {
        while let Some(interests) = self.gather() {
            let deadline = self.batch.iter().map(|waiter| waiter.deadline).min();
            let deadline = deadline.unwrap_or_else(Instant::now);
            let outcome = self.round(interests, deadline).await;
            {
                let mut state = self.inner.waiting.state();
                state.asked = None;
                self.batch.append(&mut state.joined);
            }
            match outcome {
                Ok(told) => {
                    for waiter in std::mem::take(&mut self.batch) {
                        let find = |among: &BTreeMap<Interest, RpcError>| {
                            waiter
                                .interests
                                .iter()
                                .find_map(|interest| among.get(interest))
                                .cloned()
                        };
                        match find(&told.missing) {
                            Some(error) => waiter.answer(Err(error)),
                            None if find(&told.failed).is_some() => self.batch.push(waiter),
                            None => waiter.answer(Ok(())),
                        }
                    }
                    if let Some(error) = told.failed.into_values().next() {
                        self.after_failure(&error).await;
                    } else {
                        (self.failures, self.failure) = (0, None);
                    }
                }
                Err(error) => self.after_failure(&error).await,
            }
        }
    }

    /// Takes the waiting callers and returns what they need. `None` ends the task.
    fn gather(&mut self) -> Option<BTreeSet<Interest>> {
        let mut state = self.inner.waiting.state();
        self.batch.append(&mut state.waiters);
        self.batch.retain(|waiter| !waiter.done.is_closed());
        if let Some(failure) = &self.failure {
            dismiss_the_late(&mut self.batch, failure);
        }
        if self.batch.is_empty() {
            state.running = false;
            self.ended = true;
            return None;
        }
        let interests = self.batch.iter().flat_map(|waiter| &waiter.interests);
        let interests = interests.cloned().collect::<BTreeSet<_>>();
        state.asked = Some(interests.clone());
        Some(interests)
    }

    /// Fetches everything. Returns what does not exist, and what could not be fetched and why.
    ///
    /// A single missing item fails a request for many. Such a request is split in half until the missing item is
    /// isolated.
    async fn round(&self, interests: BTreeSet<Interest>, deadline: Instant) -> Result<Told> {
        let mut told = Told::default();
        let mut open = vec![interests.into_iter().collect::<Vec<_>>()];
        while let Some(mut interests) = open.pop() {
            if interests.len() > MAX_INTERESTS {
                open.push(interests.split_off(MAX_INTERESTS));
            }
            let request = request(&interests);
            let error = match self.inner.ask_for_metadata(&request, deadline).await {
                Ok(answer) => {
                    self.inner.change_view(|view| Some(view.updated(&answer)));
                    continue;
                }
                Err(error) => self.explain(&interests, error, deadline).await,
            };
            let is_unknown = has_code(&error, ErrorCode::UNKNOWN_SERVER_ERROR);
            if !is_missing(&error) && !is_unknown {
                return Err(error);
            }
            match interests.len() {
                0 => return Err(error),
                1 if is_unknown => {
                    told.failed.extend(
                        interests
                            .into_iter()
                            .map(|interest| (interest, error.clone())),
                    );
                    if told.failed.len() >= MAX_FAILED {
                        return Err(error);
                    }
                }
                1 => {
                    for interest in interests {
                        if let Some(error) = self.forget(&interest, error.clone()) {
                            told.missing.insert(interest, error);
                        }
                    }
                }
                several => {
                    open.push(interests.split_off(several / 2));
                    open.push(interests);
                }
            }
        }
        Ok(told)
    }

    /// Servers of release 0.9.1 return "unknown error" both for problems with their ZooKeeper, which are transient,
    /// and for a table that was just dropped, which is permanent. So this asks whether the table exists.
    async fn explain(
        &self,
        interests: &[Interest],
        error: RpcError,
        deadline: Instant,
    ) -> RpcError {
        let [interest] = interests else { return error };
        if has_code(&error, ErrorCode::UNKNOWN_SERVER_ERROR)
            && let Ok(false) = self.inner.table_exists(interest.path(), deadline).await
        {
            return RpcError::Server {
                api: ApiKey::TableExists,
                server: "any server".into(),
                error: ErrorCode::TABLE_NOT_EXIST.into(),
            };
        }
        error
    }

    /// Evicts what no longer exists from the view, and returns the error for the callers that asked for it.
    fn forget(&self, interest: &Interest, error: RpcError) -> Option<RpcError> {
        let table_is_gone = has_code(&error, ErrorCode::TABLE_NOT_EXIST);
        self.inner.change_view(|view| match interest {
            _ if table_is_gone => view.without_table(interest.path()),
            Interest::Table(_) => None,
            Interest::Partition(path, partition) => {
                view.without_partition(view.table_id(path)?, *partition)
            }
            Interest::PartitionNamed(path, name) => view.without_partition_named(path, name),
        });
        // A caller that asks for the leaders of a dropped partition sees that there are none.
        let silent = matches!(interest, Interest::Partition(..)) && !table_is_gone;
        (!silent).then_some(error)
    }

    /// Fails the callers whose time is up, and pauses for the others.
    async fn after_failure(&mut self, error: &RpcError) {
        self.failures += 1;
        self.failure = Some(error.clone());
        let first_contact = self.inner.view().learned() == 0;
        let policy = if first_contact && !matches!(error, RpcError::Unknown { .. }) {
            RetryPolicy::BOOTSTRAP
        } else {
            RetryPolicy::CALL
        };
        let (failures, chance, now) = (
            self.failures,
            self.inner.pool.config().chance.unit(),
            Instant::now(),
        );
        for mut waiter in std::mem::take(&mut self.batch) {
            waiter.attempts += 1;
            let left = waiter.deadline.saturating_duration_since(now);
            let goes_on = error.is_retriable()
                && policy.pause(failures, chance) + LEAST_ATTEMPT <= left
                && waiter.attempts < policy.max_attempts;
            if goes_on {
                self.batch.push(waiter);
            } else {
                let outcome = given_up(error, waiter.attempts, now - waiter.since);
                waiter.answer(Err(outcome));
            }
        }
        if !self.batch.is_empty() {
            sleep(policy.pause(failures, chance)).await;
        }
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let left = std::mem::take(&mut *self.inner.waiting.state());
        let waiters = self.batch.drain(..).chain(left.waiters).chain(left.joined);
        for waiter in waiters {
            waiter.answer(Err(RpcError::Closed));
        }
    }
}

/// Callers whose time ended during a pause get the failure of the last round. Another round would only report that it
/// had no time.
fn dismiss_the_late(waiters: &mut Vec<Waiter>, failure: &RpcError) {
    let now = Instant::now();
    let is_late =
        |waiter: &mut Waiter| waiter.deadline.saturating_duration_since(now) < LEAST_ATTEMPT;
    for waiter in waiters.extract_if(.., is_late) {
        let outcome = given_up(failure, waiter.attempts, now - waiter.since);
        waiter.answer(Err(outcome));
    }
}

/// Whether the server reports that a requested item does not exist.
fn is_missing(error: &RpcError) -> bool {
    error
        .server_error()
        .is_some_and(|error| error.code.class() == ErrorClass::Gone)
}

fn given_up(error: &RpcError, attempts: u32, waited: std::time::Duration) -> RpcError {
    if attempts > 1 {
        RpcError::Exhausted {
            attempts,
            waited,
            source: Box::new(error.clone()),
        }
    } else {
        error.clone()
    }
}
