//! The rules that are in force.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fluss_wire::frame::RequestFrame;
use tokio::sync::watch;

use super::rule::Rule;
use super::when::Count;
use super::{Door, Strike};
use crate::random::Random;
use crate::server_id::ServerId;

/// Rules in the order of their injection. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Faults {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    rules: BTreeMap<u64, InForce>,
    next: u64,
    random: Random,
}

struct InForce {
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

    pub(crate) fn inject(&self, rule: Rule) -> Injected {
        let (sender, hits) = watch::channel(0);
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        let in_force = InForce {
            rule,
            count: Count::default(),
            hits: sender,
        };
        inner.rules.insert(id, in_force);
        Injected {
            faults: self.clone(),
            id,
            hits,
        }
    }

    pub(crate) fn lift_all(&self) {
        self.lock().rules.clear();
    }

    /// What happens to a request.
    pub(crate) fn on_request(
        &self,
        server: ServerId,
        connection: u64,
        request: &RequestFrame,
    ) -> Option<Strike> {
        self.first(server, connection, |rule| rule.about(request))
    }

    /// What happens to a connection.
    pub(crate) fn on_connect(&self, server: ServerId, connection: u64) -> Option<Door> {
        self.first(server, connection, Rule::door)
    }

    fn first<T>(
        &self,
        server: ServerId,
        connection: u64,
        about: impl Fn(&Rule) -> Option<T>,
    ) -> Option<T> {
        let mut inner = self.lock();
        let Inner { rules, random, .. } = &mut *inner;
        for InForce { rule, count, hits } in rules.values_mut() {
            if rule.when.is_about(server, connection)
                && let Some(what) = about(rule)
                && rule.when.strikes(count, random)
            {
                hits.send_replace(count.hits);
                return Some(what);
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rule in force. Dropping this leaves it in force.
#[derive(Clone)]
pub struct Injected {
    faults: Faults,
    id: u64,
    hits: watch::Receiver<u64>,
}

impl Injected {
    /// How often the rule struck.
    pub fn hits(&self) -> u64 {
        *self.hits.borrow()
    }

    /// Waits until the rule has struck so many times. If it is lifted before, until for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done, nothing is lost: it may be asked again.
    pub async fn struck(&self, times: u64) {
        let mut hits = self.hits.clone();
        if hits.wait_for(|hits| *hits >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes the rule back. What it has already done to connections stays.
    pub fn lift(&self) {
        self.faults.lock().rules.remove(&self.id);
    }
}

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injected")
            .field("hits", &self.hits())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        let rules = inner.rules.values().map(|in_force| &in_force.rule);
        f.debug_list().entries(rules).finish()
    }
}
