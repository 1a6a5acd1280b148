//! Options of lookups.

use super::{ConfigOption, OptionKind, ignored, parse, sets};

pub(super) const OPTIONS: &[ConfigOption] = &[
    sets(
        "client.lookup.queue-size",
        OptionKind::Integer,
        Some("25600"),
        "lookups that may wait to be sent",
        "lookup_queue_size",
        |config, text| parse::count(text).map(|value| config.lookup_queue_size = value),
    ),
    sets(
        "client.lookup.max-batch-size",
        OptionKind::Integer,
        Some("1024"),
        "most keys of one lookup request",
        "lookup_max_batch_size",
        |config, text| parse::count(text).map(|value| config.lookup_max_batch_size = value),
    ),
    sets(
        "client.lookup.max-inflight-requests",
        OptionKind::Integer,
        Some("4"),
        "lookup requests on their way at once; to one server here, in all in the Java client",
        "lookup_max_inflight_requests",
        |config, text| parse::count(text).map(|value| config.lookup_max_inflight_requests = value),
    ),
    sets(
        "client.lookup.max-retries",
        OptionKind::Integer,
        Some("2147483647"),
        "repetitions of a lookup that failed for a passing reason, within the call timeout",
        "lookup_max_retries",
        |config, text| parse::retries(text).map(|value| config.lookup_max_retries = value),
    ),
    ignored(
        "client.lookup.batch-timeout",
        OptionKind::Duration,
        Some("100ms"),
        "wait for more keys before a request is sent",
        "a lookup goes out at once unless others are under way, and then keys gather by themselves",
    ),
];
