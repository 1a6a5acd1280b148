//! Options of writers.

use super::option::{ConfigOption, OptionKind, ignored, own, sets};
use super::parse;
use crate::config::{Acks, BucketAssigner};

const ASSIGNERS: &[&str] = &["STICKY", "ROUND_ROBIN"];
const ACKS: &[&str] = &["all", "-1", "1", "0"];

pub(super) const OPTIONS: &[ConfigOption] = &[
    sets(
        "client.writer.acks",
        OptionKind::Choice(ACKS),
        Some("all"),
        "replicas that must have a batch before it is acknowledged; -1 means all",
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
        "adapts the batch size of each table and partition to its rate of rows",
        "writer_dynamic_batch_size",
        |config, text| parse::boolean(text).map(|value| config.writer_dynamic_batch_size = value),
    ),
    sets(
        "client.writer.batch-timeout",
        OptionKind::Duration,
        Some("100ms"),
        "how long a batch waits for more rows if none of its rows is awaited",
        "writer_batch_timeout",
        |config, text| parse::duration(text).map(|value| config.writer_batch_timeout = value),
    ),
    sets(
        "client.writer.buffer.memory-size",
        OptionKind::MemorySize,
        Some("64mb"),
        "memory for all rows that are not yet acknowledged",
        "writer_buffer_memory_size",
        |config, text| parse::size(text).map(|value| config.writer_buffer_memory_size = value),
    ),
    sets(
        "client.writer.buffer.wait-timeout",
        OptionKind::Duration,
        Some("60s"),
        "maximum time to wait for room in that memory",
        "writer_buffer_wait_timeout",
        |config, text| parse::duration(text).map(|value| config.writer_buffer_wait_timeout = value),
    ),
    sets(
        "client.writer.request-max-size",
        OptionKind::MemorySize,
        Some("10mb"),
        "maximum size of a write request; a single larger batch is sent on its own",
        "writer_request_max_size",
        |config, text| parse::size(text).map(|value| config.writer_request_max_size = value),
    ),
    sets(
        "client.writer.retries",
        OptionKind::Integer,
        Some("2147483647"),
        "retries of a batch after a transient failure, within the delivery timeout",
        "writer_retries",
        |config, text| parse::retries(text).map(|value| config.writer_retries = value),
    ),
    own(sets(
        "client.writer.delivery-timeout",
        OptionKind::Duration,
        Some("120s"),
        "maximum time from appending a row to its acknowledgement or failure",
        "writer_delivery_timeout",
        |config, text| parse::duration(text).map(|value| config.writer_delivery_timeout = value),
    )),
    sets(
        "client.writer.kv-backpressure.max-throttle",
        OptionKind::Duration,
        Some("3s"),
        "maximum pause of a bucket after its server reported storage backpressure",
        "writer_kv_backpressure_max_throttle",
        |config, text| {
            parse::duration(text).map(|value| config.writer_kv_backpressure_max_throttle = value)
        },
    ),
    sets(
        "client.writer.enable-idempotence",
        OptionKind::Boolean,
        Some("true"),
        "enables idempotent writes: the server discards duplicate batches",
        "writer_enable_idempotence",
        |config, text| parse::boolean(text).map(|value| config.writer_enable_idempotence = value),
    ),
    sets(
        "client.writer.max-inflight-requests-per-bucket",
        OptionKind::Integer,
        Some("5"),
        "maximum number of batches in flight per bucket",
        "writer_max_inflight_requests_per_bucket",
        |config, text| {
            parse::count(text).map(|value| config.writer_max_inflight_requests_per_bucket = value)
        },
    ),
    sets(
        "client.writer.bucket.no-key-assigner",
        OptionKind::Choice(ASSIGNERS),
        Some("STICKY"),
        "how buckets are chosen for rows without a bucket key",
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
        "creates a missing partition when you write to it",
        "writer_dynamic_create_partition",
        |config, text| {
            parse::boolean(text).map(|value| config.writer_dynamic_create_partition = value)
        },
    ),
    ignored(
        "client.writer.buffer.page-size",
        OptionKind::MemorySize,
        Some("128kb"),
        "page size of the buffer",
        "the buffer is a budget of bytes, not a pool of pages",
    ),
    ignored(
        "client.writer.buffer.per-request-memory-size",
        OptionKind::MemorySize,
        Some("16mb"),
        "memory allocated at once",
        "the buffer is a budget of bytes, not a pool of pages",
    ),
];
