//! The active rules.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fluss_wire::frame::RequestFrame;
use tokio::sync::watch;

use super::kinds::ConnectFault;
use super::rule::{Hit, Rule};
use super::when::Count;
use crate::random::Random;
use crate::server_id::ServerId;

/// Rules in the order of their injection. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Faults {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    rules: BTreeMap<u64, ActiveRule>,
    next: u64,
    random: Random,
}

struct ActiveRule {
    rule: Rule,
    count: Count,
    hits: watch::Sender<u64>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let inner = Inner {
            rules: BTreeMap::new(),
            next: 0,
            random: Random::new(seed),
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    pub(crate) fn inject(&self, rule: Rule) -> FaultHandle {
        let (sender, hits) = watch::channel(0);
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        let active = ActiveRule {
            rule,
            count: Count::default(),
            hits: sender,
        };
        inner.rules.insert(id, active);
        FaultHandle {
            faults: self.clone(),
            id,
            hits,
        }
    }

    pub(crate) fn remove_all(&self) {
        self.lock().rules.clear();
    }

    /// The hit of the first rule that applies to a request.
    pub(crate) fn on_request(
        &self,
        server: ServerId,
        connection: u64,
        request: &RequestFrame,
    ) -> Option<Hit> {
        self.first(server, connection, |rule| rule.hit(request))
    }

    /// The fault of the first rule that applies to a connection.
    pub(crate) fn on_connect(&self, server: ServerId, connection: u64) -> Option<ConnectFault> {
        self.first(server, connection, Rule::connect_fault)
    }

    fn first<T>(
        &self,
        server: ServerId,
        connection: u64,
        effect: impl Fn(&Rule) -> Option<T>,
    ) -> Option<T> {
        let mut inner = self.lock();
        let Inner { rules, random, .. } = &mut *inner;
        for ActiveRule { rule, count, hits } in rules.values_mut() {
            if rule.when.matches(server, connection)
                && let Some(effect) = effect(rule)
                && rule.when.applies(count, random)
            {
                hits.send_replace(count.hits);
                return Some(effect);
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An active rule. Dropping the handle leaves the rule active.
#[derive(Clone)]
pub struct FaultHandle {
    faults: Faults,
    id: u64,
    hits: watch::Receiver<u64>,
}

impl FaultHandle {
    /// Returns how many times the rule has applied.
    pub fn hits(&self) -> u64 {
        *self.hits.borrow()
    }

    /// Waits until the rule has applied `times` times; never returns if it is removed first.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn hit_at_least(&self, times: u64) {
        let mut hits = self.hits.clone();
        if hits.wait_for(|hits| *hits >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Removes the rule. What it has already done to connections stays.
    pub fn remove(&self) {
        self.faults.lock().rules.remove(&self.id);
    }
}

impl fmt::Debug for FaultHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultHandle")
            .field("hits", &self.hits())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        let rules = inner.rules.values().map(|active| &active.rule);
        f.debug_list().entries(rules).finish()
    }
}
