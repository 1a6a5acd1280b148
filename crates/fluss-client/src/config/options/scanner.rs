//! Options of scanners.

use super::option::{ConfigOption, OptionKind, ignored, own, sets};
use super::parse;
use crate::config::ReadPreference;

const PREFERENCES: &[&str] = &["local-first", "remote-first"];
const STREAMED: &str =
    "remote segments are streamed, within the prefetch limit of the scanner; no file is downloaded";

pub(super) const OPTIONS: &[ConfigOption] = &[
    sets(
        "client.scanner.log.check-crc",
        OptionKind::Boolean,
        Some("true"),
        "verifies the CRC of each batch",
        "scanner_check_crc",
        |config, text| parse::boolean(text).map(|value| config.scanner_check_crc = value),
    ),
    sets(
        "client.scanner.log.max-poll-records",
        OptionKind::Integer,
        Some("500"),
        "maximum number of rows per poll",
        "scanner_max_poll_records",
        |config, text| parse::count(text).map(|value| config.scanner_max_poll_records = value),
    ),
    sets(
        "client.scanner.log.fetch.max-bytes",
        OptionKind::MemorySize,
        Some("16mb"),
        "soft limit for one fetch response",
        "scanner_fetch_max_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_fetch_max_bytes = value),
    ),
    sets(
        "client.scanner.log.fetch.max-bytes-for-bucket",
        OptionKind::MemorySize,
        Some("1mb"),
        "soft limit per bucket in a fetch response",
        "scanner_fetch_max_bytes_for_bucket",
        |config, text| {
            parse::size(text).map(|value| config.scanner_fetch_max_bytes_for_bucket = value)
        },
    ),
    sets(
        "client.scanner.log.fetch.min-bytes",
        OptionKind::MemorySize,
        Some("1b"),
        "minimum bytes before the server answers a fetch",
        "scanner_fetch_min_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_fetch_min_bytes = value),
    ),
    sets(
        "client.scanner.log.fetch.wait-max-time",
        OptionKind::Duration,
        Some("500ms"),
        "maximum time the server waits for them before it answers a fetch",
        "scanner_fetch_wait_max_time",
        |config, text| {
            parse::duration(text).map(|value| config.scanner_fetch_wait_max_time = value)
        },
    ),
    sets(
        "client.scanner.log.read-preference",
        OptionKind::Choice(PREFERENCES),
        Some("local-first"),
        "where to read records that are both on the server and in remote storage",
        "scanner_read_preference",
        |config, text| {
            config.scanner_read_preference = match parse::choice(text, PREFERENCES)? {
                "remote-first" => ReadPreference::RemoteFirst,
                _ => ReadPreference::LocalFirst,
            };
            Ok(())
        },
    ),
    sets(
        "client.scanner.kv.fetch.max-bytes",
        OptionKind::MemorySize,
        Some("4mb"),
        "soft limit for one response when reading all rows of a primary-key table",
        "scanner_kv_fetch_max_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_kv_fetch_max_bytes = value),
    ),
    own(sets(
        "client.scanner.log.tail-latency",
        OptionKind::Duration,
        Some("8ms"),
        "maximum pause between fetches at the end of a bucket that received rows recently",
        "scanner_tail_latency",
        |config, text| parse::duration(text).map(|value| config.scanner_tail_latency = value),
    )),
    own(sets(
        "client.scanner.log.prefetch-max-bytes",
        OptionKind::MemorySize,
        Some("8mb"),
        "bytes that a scanner prefetches ahead of poll",
        "scanner_prefetch_max_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_prefetch_max_bytes = value),
    )),
    own(sets(
        "client.scanner.remote-log.read-bytes",
        OptionKind::MemorySize,
        Some("4mb"),
        "size of one read of a log segment in remote storage",
        "scanner_remote_read_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_remote_read_bytes = value),
    )),
    own(sets(
        "client.scanner.log.max-batch-bytes",
        OptionKind::MemorySize,
        Some("256mb"),
        "maximum decompressed size of a batch",
        "scanner_max_batch_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_max_batch_bytes = value),
    )),
    own(sets(
        "client.scanner.partition-discovery-interval",
        OptionKind::Duration,
        Some("10s"),
        "how often a scan of a whole partitioned table looks for new partitions",
        "scanner_partition_discovery_interval",
        |config, text| {
            parse::duration(text).map(|value| config.scanner_partition_discovery_interval = value)
        },
    )),
    ignored(
        "client.scanner.kv.batch-strategy",
        OptionKind::Choice(&["snapshot-merge", "server-scan"]),
        Some("snapshot-merge"),
        "how Flink reads a primary-key table in a bounded scan",
        "it only concerns the Flink connector",
    ),
    ignored(
        "client.scanner.remote-log.prefetch-num",
        OptionKind::Integer,
        Some("4"),
        "number of remote segments to download ahead",
        STREAMED,
    ),
    ignored(
        "client.scanner.io.tmpdir",
        OptionKind::Text,
        Some("${java.io.tmpdir}/fluss"),
        "directory for downloaded remote segments",
        STREAMED,
    ),
    ignored(
        "client.remote-file.download-thread-num",
        OptionKind::Integer,
        Some("3"),
        "threads that download remote files",
        STREAMED,
    ),
    ignored(
        "client.filesystem.security.token.renewal.backoff",
        OptionKind::Duration,
        Some("1h"),
        "delay before retrying a failed renewal of a file system token",
        "the client retries after 10 s, and only while segments are read",
    ),
    ignored(
        "client.filesystem.security.token.renewal.time-ratio",
        OptionKind::Double,
        Some("0.75"),
        "fraction of a token's lifetime after which it is renewed",
        "it is always three quarters, the default of the Java client",
    ),
];
