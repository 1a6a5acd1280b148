//! Options of writers.

use super::{ConfigOption, OptionKind, ignored, own, parse, sets};
use crate::config::{Acks, BucketAssigner};

const ASSIGNERS: &[&str] = &["STICKY", "ROUND_ROBIN"];
const ACKS: &[&str] = &["all", "-1", "1", "0"];

pub(super) const OPTIONS: &[ConfigOption] = &[
    sets(
        "client.writer.acks",
        OptionKind::Choice(ACKS),
        Some("all"),
        "replicas that must have a batch before it counts as written; -1 is all",
        "writer_acks",
        |config, text| {
            config.writer_acks = match parse::choice(text, ACKS)? {
                "1" => Acks::Leader,
                "0" => Acks::None,
                _ => Acks::All,
            };
            Ok(())
        },
    ),
    sets(
        "client.writer.batch-size",
        OptionKind::MemorySize,
        Some("2mb"),
        "size at which a batch is sent",
        "writer_batch_size",
        |config, text| parse::size(text).map(|value| config.writer_batch_size = value),
    ),
    sets(
        "client.writer.dynamic-batch-size.enabled",
        OptionKind::Boolean,
        Some("true"),
        "whether the batches of tables and partitions with few rows become smaller, and larger again with more",
        "writer_dynamic_batch_size",
        |config, text| parse::boolean(text).map(|value| config.writer_dynamic_batch_size = value),
    ),
    sets(
        "client.writer.batch-timeout",
        OptionKind::Duration,
        Some("100ms"),
        "how long a batch that nobody awaits may wait for more rows",
        "writer_batch_timeout",
        |config, text| parse::duration(text).map(|value| config.writer_batch_timeout = value),
    ),
    sets(
        "client.writer.buffer.memory-size",
        OptionKind::MemorySize,
        Some("64mb"),
        "memory of all rows that are not yet acknowledged",
        "writer_buffer_memory_size",
        |config, text| parse::size(text).map(|value| config.writer_buffer_memory_size = value),
    ),
    sets(
        "client.writer.buffer.wait-timeout",
        OptionKind::Duration,
        Some("60s"),
        "longest wait for room in that memory",
        "writer_buffer_wait_timeout",
        |config, text| parse::duration(text).map(|value| config.writer_buffer_wait_timeout = value),
    ),
    sets(
        "client.writer.request-max-size",
        OptionKind::MemorySize,
        Some("10mb"),
        "largest write request; one larger batch still goes alone",
        "writer_request_max_size",
        |config, text| parse::size(text).map(|value| config.writer_request_max_size = value),
    ),
    sets(
        "client.writer.retries",
        OptionKind::Integer,
        Some("2147483647"),
        "repetitions of a batch that failed for a passing reason, within the delivery timeout",
        "writer_retries",
        |config, text| parse::retries(text).map(|value| config.writer_retries = value),
    ),
    own(sets(
        "client.writer.delivery-timeout",
        OptionKind::Duration,
        Some("120s"),
        "longest time from a row's append to its acknowledgement or failure",
        "writer_delivery_timeout",
        |config, text| parse::duration(text).map(|value| config.writer_delivery_timeout = value),
    )),
    sets(
        "client.writer.kv-backpressure.max-throttle",
        OptionKind::Duration,
        Some("3s"),
        "longest pause of a bucket after its server told of storage back-pressure",
        "writer_kv_backpressure_max_throttle",
        |config, text| {
            parse::duration(text).map(|value| config.writer_kv_backpressure_max_throttle = value)
        },
    ),
    sets(
        "client.writer.enable-idempotence",
        OptionKind::Boolean,
        Some("true"),
        "whether the server weeds out repeated batches",
        "writer_enable_idempotence",
        |config, text| parse::boolean(text).map(|value| config.writer_enable_idempotence = value),
    ),
    sets(
        "client.writer.max-inflight-requests-per-bucket",
        OptionKind::Integer,
        Some("5"),
        "batches of one bucket that may be on their way at once",
        "writer_max_inflight_requests_per_bucket",
        |config, text| {
            parse::count(text).map(|value| config.writer_max_inflight_requests_per_bucket = value)
        },
    ),
    sets(
        "client.writer.bucket.no-key-assigner",
        OptionKind::Choice(ASSIGNERS),
        Some("STICKY"),
        "how rows without a bucket key choose a bucket",
        "writer_bucket_no_key_assigner",
        |config, text| {
            config.writer_bucket_no_key_assigner = match parse::choice(text, ASSIGNERS)? {
                "ROUND_ROBIN" => BucketAssigner::RoundRobin,
                _ => BucketAssigner::Sticky,
            };
            Ok(())
        },
    ),
    sets(
        "client.writer.dynamic-create-partition.enabled",
        OptionKind::Boolean,
        Some("true"),
        "whether a write to a missing partition creates it",
        "writer_dynamic_create_partition",
        |config, text| {
            parse::boolean(text).map(|value| config.writer_dynamic_create_partition = value)
        },
    ),
    ignored(
        "client.writer.buffer.page-size",
        OptionKind::MemorySize,
        Some("128kb"),
        "size of a page of the buffer",
        "the buffer is a budget of bytes, not a pool of pages",
    ),
    ignored(
        "client.writer.buffer.per-request-memory-size",
        OptionKind::MemorySize,
        Some("16mb"),
        "memory taken at once",
        "the buffer is a budget of bytes, not a pool of pages",
    ),
];
