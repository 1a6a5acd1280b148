//! Options of lookups.

use super::option::{ConfigOption, OptionKind, ignored, sets};
use super::parse;

pub(super) const OPTIONS: &[ConfigOption] = &[
    sets(
        "client.lookup.queue-size",
        OptionKind::Integer,
        Some("25600"),
        "maximum number of lookups waiting to be sent",
        "lookup_queue_size",
        |config, text| parse::count(text).map(|value| config.lookup_queue_size = value),
    ),
    sets(
        "client.lookup.max-batch-size",
        OptionKind::Integer,
        Some("1024"),
        "maximum number of keys per lookup request",
        "lookup_max_batch_size",
        |config, text| parse::count(text).map(|value| config.lookup_max_batch_size = value),
    ),
    sets(
        "client.lookup.max-inflight-requests",
        OptionKind::Integer,
        Some("4"),
        "maximum number of lookup requests in flight; per server here, in total in the Java client",
        "lookup_max_inflight_requests",
        |config, text| parse::count(text).map(|value| config.lookup_max_inflight_requests = value),
    ),
    sets(
        "client.lookup.max-retries",
        OptionKind::Integer,
        Some("2147483647"),
        "retries of a lookup after a transient failure, within the call timeout",
        "lookup_max_retries",
        |config, text| parse::retries(text).map(|value| config.lookup_max_retries = value),
    ),
    ignored(
        "client.lookup.batch-timeout",
        OptionKind::Duration,
        Some("100ms"),
        "how long to wait for more keys before sending a request",
        "a lookup is sent immediately unless others are in flight; in that case keys are batched anyway",
    ),
];
