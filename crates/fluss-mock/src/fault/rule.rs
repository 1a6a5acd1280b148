//! Rules, and how they are written.

use std::fmt;
use std::sync::Arc;

use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec;
use fluss_wire::frame::RequestFrame;

use super::when::When;
use super::{Door, Fault, Mangle, names_bucket};
use crate::server_id::ServerId;

/// A rule about requests to this API. A second [`or`](OnRequest::or) adds another.
pub fn on(api: ApiKey) -> OnRequest {
    OnRequest {
        apis: vec![api],
        ..on_any()
    }
}

/// A rule about requests to any API.
pub fn on_any() -> OnRequest {
    OnRequest {
        when: When::default(),
        apis: Vec::new(),
        bucket: None,
        predicate: None,
    }
}

/// A rule about connections.
pub fn on_connect() -> OnConnect {
    OnConnect {
        when: When::default(),
    }
}

type Predicate = Arc<dyn Fn(&RequestFrame) -> bool + Send + Sync>;

/// Requests that a rule is about; say what happens to them to make it a [`Rule`].
#[derive(Clone)]
#[must_use = "it says when, not yet what"]
pub struct OnRequest {
    when: When,
    apis: Vec<ApiKey>,
    bucket: Option<i32>,
    predicate: Option<Predicate>,
}

/// Connections that a rule is about; say what happens to them to make it a [`Rule`].
#[derive(Debug, Clone)]
#[must_use = "it says when, not yet what"]
pub struct OnConnect {
    when: When,
}

/// What goes wrong, and when.
#[derive(Debug, Clone)]
#[must_use = "it must be injected"]
pub struct Rule {
    pub(super) when: When,
    pub(super) subject: Subject,
}

#[derive(Clone)]
pub(super) enum Subject {
    Requests { on: OnRequest, what: What },
    Connections(Door),
}

/// What a rule about requests does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What {
    Before(Fault),
    After(Fault),
    Mangle(Mangle),
}

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strike {
    pub(crate) what: What,
    /// The bucket that it is about.
    pub(crate) bucket: Option<i32>,
}

macro_rules! conditions {
    () => {
        /// Only at this server.
        pub fn server(mut self, server: impl Into<ServerId>) -> Self {
            self.when.server = Some(server.into());
            self
        }

        /// Only on the connection that its server took in as its `nth`, from 1 on.
        pub fn connection(mut self, nth: u64) -> Self {
            self.when.connection = Some(nth);
            self
        }

        /// Not the first so many times.
        pub fn skip(mut self, count: u64) -> Self {
            self.when.skip = count;
            self
        }

        /// So many times in all; for ever unless said.
        pub fn times(mut self, count: u64) -> Self {
            self.when.times = count;
            self
        }

        /// The nth time alone, from 1 on.
        pub fn nth(self, nth: u64) -> Self {
            self.skip(nth.saturating_sub(1)).times(1)
        }

        /// Only in this share of the cases, 0 to 1, drawn by the seed of the cluster.
        pub fn probability(mut self, probability: f64) -> Self {
            self.when.probability = probability;
            self
        }
    };
}

impl OnRequest {
    conditions!();

    /// To this API as well.
    pub fn or(mut self, api: ApiKey) -> Self {
        self.apis.push(api);
        self
    }

    /// Only requests that name this bucket, of whichever table and partition.
    pub fn bucket(mut self, bucket: i32) -> Self {
        self.bucket = Some(bucket);
        self
    }

    /// Only requests of this type that `holds` is true of. Of several, the last one counts.
    ///
    /// The messages are those of the protocol, in [`message`](crate::message).
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

    /// The request is not carried out; this happens instead. After a [`Fault::Delay`] it is carried out.
    pub fn before(self, fault: Fault) -> Rule {
        self.rule(What::Before(fault))
    }

    /// The request is carried out, then this happens in place of the answer.
    pub fn after(self, fault: Fault) -> Rule {
        self.rule(What::After(fault))
    }

    /// The request is carried out, and this happens to the bytes of its answer.
    pub fn mangle(self, mangle: Mangle) -> Rule {
        self.rule(What::Mangle(mangle))
    }

    fn rule(self, what: What) -> Rule {
        Rule {
            when: self.when.clone(),
            subject: Subject::Requests { on: self, what },
        }
    }

    fn is_about(&self, request: &RequestFrame) -> bool {
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

    /// This happens to whoever connects.
    pub fn door(self, door: Door) -> Rule {
        Rule {
            when: self.when,
            subject: Subject::Connections(door),
        }
    }
}

impl Rule {
    /// What it does to a request, if it is about it.
    pub(super) fn about(&self, request: &RequestFrame) -> Option<Strike> {
        match &self.subject {
            Subject::Requests { on, what } => on.is_about(request).then_some(Strike {
                what: *what,
                bucket: on.bucket,
            }),
            Subject::Connections(_) => None,
        }
    }

    /// What it does to connections.
    pub(super) fn door(&self) -> Option<Door> {
        match &self.subject {
            Subject::Requests { .. } => None,
            Subject::Connections(door) => Some(*door),
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
            Self::Requests { on, what } => f.debug_tuple("Requests").field(on).field(what).finish(),
            Self::Connections(door) => f.debug_tuple("Connections").field(door).finish(),
        }
    }
}
