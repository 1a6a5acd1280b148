//! The conditions that all rules have in common.

use crate::random::Random;
use crate::server_id::ServerId;

/// The conditions that don't depend on the request.
#[derive(Debug, Clone)]
pub(super) struct When {
    pub(super) server: Option<ServerId>,
    pub(super) connection: Option<u64>,
    pub(super) skip: u64,
    pub(super) times: u64,
    pub(super) probability: f64,
}

impl Default for When {
    fn default() -> Self {
        Self {
            server: None,
            connection: None,
            skip: 0,
            times: u64::MAX,
            probability: 1.0,
        }
    }
}

/// The progress of a rule.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    /// Matches so far.
    seen: u64,
    pub(super) hits: u64,
}

impl When {
    pub(super) fn matches(&self, server: ServerId, connection: u64) -> bool {
        self.server.is_none_or(|named| named == server)
            && self.connection.is_none_or(|named| named == connection)
    }

    /// Whether the rule applies to a match.
    pub(super) fn applies(&self, count: &mut Count, random: &mut Random) -> bool {
        if count.hits >= self.times {
            return false;
        }
        count.seen += 1;
        let applies =
            count.seen > self.skip && (self.probability >= 1.0 || random.happens(self.probability));
        count.hits += u64::from(applies);
        applies
    }
}
