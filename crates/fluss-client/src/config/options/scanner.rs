//! Options of scanners.

use super::{ConfigOption, OptionKind, ignored, own, parse, sets};
use crate::config::ReadPreference;

const PREFERENCES: &[&str] = &["local-first", "remote-first"];
const STREAMED: &str = "remote segments are read as streams, within the bytes a scanner prefetches; no file is downloaded";

pub(super) const OPTIONS: &[ConfigOption] = &[
    sets(
        "client.scanner.log.check-crc",
        OptionKind::Boolean,
        Some("true"),
        "whether batches read are checked against their CRC",
        "scanner_check_crc",
        |config, text| parse::boolean(text).map(|value| config.scanner_check_crc = value),
    ),
    sets(
        "client.scanner.log.max-poll-records",
        OptionKind::Integer,
        Some("500"),
        "most rows of one poll",
        "scanner_max_poll_records",
        |config, text| parse::count(text).map(|value| config.scanner_max_poll_records = value),
    ),
    sets(
        "client.scanner.log.fetch.max-bytes",
        OptionKind::MemorySize,
        Some("16mb"),
        "soft bound of one fetch answer",
        "scanner_fetch_max_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_fetch_max_bytes = value),
    ),
    sets(
        "client.scanner.log.fetch.max-bytes-for-bucket",
        OptionKind::MemorySize,
        Some("1mb"),
        "soft bound for one bucket in a fetch answer",
        "scanner_fetch_max_bytes_for_bucket",
        |config, text| {
            parse::size(text).map(|value| config.scanner_fetch_max_bytes_for_bucket = value)
        },
    ),
    sets(
        "client.scanner.log.fetch.min-bytes",
        OptionKind::MemorySize,
        Some("1b"),
        "bytes for which a server holds back a fetch answer",
        "scanner_fetch_min_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_fetch_min_bytes = value),
    ),
    sets(
        "client.scanner.log.fetch.wait-max-time",
        OptionKind::Duration,
        Some("500ms"),
        "longest time for which a server holds back a fetch answer",
        "scanner_fetch_wait_max_time",
        |config, text| {
            parse::duration(text).map(|value| config.scanner_fetch_wait_max_time = value)
        },
    ),
    sets(
        "client.scanner.log.read-preference",
        OptionKind::Choice(PREFERENCES),
        Some("local-first"),
        "where records are read from that are on the server and in remote storage",
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
        "soft bound of one answer when all rows of a primary-key table are read",
        "scanner_kv_fetch_max_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_kv_fetch_max_bytes = value),
    ),
    own(sets(
        "client.scanner.log.prefetch-max-bytes",
        OptionKind::MemorySize,
        Some("8mb"),
        "fetched batches that a scanner keeps ahead of poll",
        "scanner_prefetch_max_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_prefetch_max_bytes = value),
    )),
    own(sets(
        "client.scanner.remote-log.read-bytes",
        OptionKind::MemorySize,
        Some("4mb"),
        "bytes read at once of a log segment in remote storage",
        "scanner_remote_read_bytes",
        |config, text| parse::size(text).map(|value| config.scanner_remote_read_bytes = value),
    )),
    own(sets(
        "client.scanner.log.max-batch-bytes",
        OptionKind::MemorySize,
        Some("256mb"),
        "most bytes that one batch may take when decompressed",
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
        "how Flink reads a primary-key table to an end",
        "it concerns the Flink connector alone",
    ),
    ignored(
        "client.scanner.remote-log.prefetch-num",
        OptionKind::Integer,
        Some("4"),
        "remote segments downloaded ahead",
        STREAMED,
    ),
    ignored(
        "client.scanner.io.tmpdir",
        OptionKind::Text,
        Some("${java.io.tmpdir}/fluss"),
        "where remote segments are downloaded to",
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
        "pause after a token of a file system could not be renewed",
        "it is asked for again after 10 s, and only while segments are read",
    ),
    ignored(
        "client.filesystem.security.token.renewal.time-ratio",
        OptionKind::Double,
        Some("0.75"),
        "share of a token's life after which it is renewed",
        "it is three quarters, as by default in the Java client",
    ),
];
