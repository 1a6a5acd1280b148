//! Rules, and the builders that make them.

use std::fmt;
use std::sync::Arc;

use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec;
use fluss_wire::frame::RequestFrame;

use super::bucketed::names_bucket;
use super::kinds::{ConnectFault, Fault, Mangle};
use super::when::When;
use crate::server_id::ServerId;

/// Starts a rule about requests to this API. [`or`](OnRequest::or) adds more APIs.
pub fn on(api: ApiKey) -> OnRequest {
    OnRequest {
        apis: vec![api],
        ..on_any()
    }
}

/// Starts a rule about requests to any API.
pub fn on_any() -> OnRequest {
    OnRequest {
        when: When::default(),
        apis: Vec::new(),
        bucket: None,
        predicate: None,
    }
}

/// Starts a rule about new connections.
pub fn on_connect() -> OnConnect {
    OnConnect {
        when: When::default(),
    }
}

type Predicate = Arc<dyn Fn(&RequestFrame) -> bool + Send + Sync>;

/// Selects requests. [`before`](Self::before), [`after`](Self::after) and [`mangle`](Self::mangle) turn it into a
/// [`Rule`].
#[derive(Clone)]
#[must_use = "it only selects requests; add a fault"]
pub struct OnRequest {
    when: When,
    apis: Vec<ApiKey>,
    bucket: Option<i32>,
    predicate: Option<Predicate>,
}

/// Selects new connections. [`reject`](Self::reject), [`ignore`](Self::ignore) and
/// [`stay_silent`](Self::stay_silent) turn it into a [`Rule`].
#[derive(Debug, Clone)]
#[must_use = "it only selects connections; add a fault"]
pub struct OnConnect {
    when: When,
}

/// A fault, and the requests or connections that it affects.
#[derive(Debug, Clone)]
#[must_use = "it has no effect until it is injected"]
pub struct Rule {
    pub(super) when: When,
    pub(super) subject: Subject,
}

#[derive(Clone)]
pub(super) enum Subject {
    Requests { on: OnRequest, timing: Timing },
    Connections(ConnectFault),
}

/// The fault of a rule about requests, and when it happens relative to the request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Timing {
    Before(Fault),
    After(Fault),
    Mangle(Mangle),
}

/// A rule that applies to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) timing: Timing,
    /// The bucket that the rule names.
    pub(crate) bucket: Option<i32>,
}

macro_rules! conditions {
    () => {
        /// Restricts the rule to this server.
        pub fn server(mut self, server: impl Into<ServerId>) -> Self {
            self.when.server = Some(server.into());
            self
        }

        /// Restricts the rule to the `nth` connection that its server accepted, counted from 1.
        pub fn connection(mut self, nth: u64) -> Self {
            self.when.connection = Some(nth);
            self
        }

        /// Skips the first `count` matches.
        pub fn skip(mut self, count: u64) -> Self {
            self.when.skip = count;
            self
        }

        /// Applies at most `count` times; unlimited by default.
        pub fn times(mut self, count: u64) -> Self {
            self.when.times = count;
            self
        }

        /// Applies to the `nth` match only, counted from 1.
        pub fn nth(self, nth: u64) -> Self {
            self.skip(nth.saturating_sub(1)).times(1)
        }

        /// Applies to this share of the matches, from 0 to 1. The choice follows from the seed of the cluster.
        pub fn probability(mut self, probability: f64) -> Self {
            self.when.probability = probability;
            self
        }
    };
}

impl OnRequest {
    conditions!();

    /// Includes requests to this API as well.
    pub fn or(mut self, api: ApiKey) -> Self {
        self.apis.push(api);
        self
    }

    /// Restricts the rule to requests that name this bucket, of any table and partition.
    pub fn bucket(mut self, bucket: i32) -> Self {
        self.bucket = Some(bucket);
        self
    }

    /// Restricts the rule to requests of type `R` for which `holds` returns true. A second call replaces the first.
    ///
    /// The message types of the protocol are in [`raw`](crate::raw).
    pub fn when<R: ApiRequest>(
        mut self,
        holds: impl Fn(&R) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicate = Some(Arc::new(move |request| {
            request.api_key == R::API_KEY.code()
                && codec::decode::<R>(request.body.clone()).is_ok_and(|request| holds(&request))
        }));
        self
    }

    /// Makes the fault happen instead of the request. After a [`Fault::Delay`] the request is carried out.
    pub fn before(self, fault: Fault) -> Rule {
        self.rule(Timing::Before(fault))
    }

    /// Carries the request out, then makes the fault happen instead of the response.
    pub fn after(self, fault: Fault) -> Rule {
        self.rule(Timing::After(fault))
    }

    /// Carries the request out, then damages the bytes of its response.
    pub fn mangle(self, mangle: Mangle) -> Rule {
        self.rule(Timing::Mangle(mangle))
    }

    fn rule(self, timing: Timing) -> Rule {
        Rule {
            when: self.when.clone(),
            subject: Subject::Requests { on: self, timing },
        }
    }

    fn matches(&self, request: &RequestFrame) -> bool {
        let api = ApiKey::from_code(request.api_key);
        (self.apis.is_empty() || api.is_some_and(|api| self.apis.contains(&api)))
            && self
                .bucket
                .is_none_or(|bucket| names_bucket(request, bucket))
            && self.predicate.as_ref().is_none_or(|holds| holds(request))
    }
}

impl OnConnect {
    conditions!();

    /// Closes the connection at once. In process, the dial fails with
    /// [`ConnectionRefused`](std::io::ErrorKind::ConnectionRefused).
    pub fn reject(self) -> Rule {
        self.rule(ConnectFault::Reject)
    }

    /// Never accepts the connection: the dial does not return. Over TCP, where the operating system accepts connections
    /// on behalf of the server, this is the same as [`stay_silent`](Self::stay_silent).
    pub fn ignore(self) -> Rule {
        self.rule(ConnectFault::Ignore)
    }

    /// Accepts the connection, but reads nothing from it.
    pub fn stay_silent(self) -> Rule {
        self.rule(ConnectFault::Silent)
    }

    fn rule(self, fault: ConnectFault) -> Rule {
        Rule {
            when: self.when,
            subject: Subject::Connections(fault),
        }
    }
}

impl Rule {
    /// What it does to a request, if it matches.
    pub(super) fn hit(&self, request: &RequestFrame) -> Option<Hit> {
        match &self.subject {
            Subject::Requests { on, timing } => on.matches(request).then_some(Hit {
                timing: *timing,
                bucket: on.bucket,
            }),
            Subject::Connections(_) => None,
        }
    }

    /// What it does to connections.
    pub(super) fn connect_fault(&self) -> Option<ConnectFault> {
        match &self.subject {
            Subject::Requests { .. } => None,
            Subject::Connections(fault) => Some(*fault),
        }
    }
}

impl fmt::Debug for OnRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRequest")
            .field("when", &self.when)
            .field("apis", &self.apis)
            .field("bucket", &self.bucket)
            .field("has_predicate", &self.predicate.is_some())
            .finish()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests { on, timing } => {
                f.debug_tuple("Requests").field(on).field(timing).finish()
            }
            Self::Connections(fault) => f.debug_tuple("Connections").field(fault).finish(),
        }
    }
}
