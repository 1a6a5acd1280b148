//! The settings of a connection, with their defaults.

use std::time::Duration;

use super::file_system::FileSystemProperties;
use super::scanner::ReadPreference;
use super::secret::Password;
use super::writer::{Acks, BucketAssigner};

/// Settings of a [`FlussConnection`](crate::FlussConnection).
///
/// Plain fields with defaults. Start from [`Config::default`] and change what you need, or write
/// `Config { …, ..Config::default() }`, which keeps compiling when fields are added. [`Config::builder`] sets fields in a chain
/// and validates them. [`Config::from_map`], [`Config::from_properties`] and [`Config::from_env`] read them from text. Each
/// field names its key in the Java client. Values are validated when you connect; an error names the field, the value and what
/// was expected.
///
/// ```
/// use fluss_client::config::Config;
///
/// let mut config = Config::default();
/// config.bootstrap_server = "localhost:9123".to_string();
/// ```
// Not `#[non_exhaustive]`: outside of this crate, that would forbid `Config { …, ..Config::default() }`.
#[expect(clippy::struct_excessive_bools, reason = "independent on/off settings")]
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Bootstrap servers as `host:port`, separated by commas. Java: `bootstrap.servers`. Default `127.0.0.1:9123`.
    pub bootstrap_server: String,
    /// Name of this client in the servers' logs. Java: `client.id`. Default empty.
    pub client_id: String,
    /// Maximum time for connecting to a server, including the handshake. Java: `client.connect-timeout`. Default 15
    /// s.
    pub connect_timeout: Duration,
    /// Maximum time for one request, not counting retries. Java: `client.request-timeout`, which only the server
    /// honors there. Default 30 s.
    pub request_timeout: Duration,
    /// Maximum total time for a call that retries requests: admin reads, metadata, lookups. Default 60 s.
    pub call_timeout: Duration,
    /// Maximum size of a response from a server, in bytes. Default 128 MiB.
    pub max_frame_size: usize,
    /// Connections per tablet server, created on demand. A bucket always uses the same one. Default 4.
    pub connections_per_server: usize,
    /// Where the tasks of a connection run. Default [`DriverPlacement::Auto`].
    pub driver_placement: DriverPlacement,

    /// Authentication protocol. Java: `client.security.protocol`. Default [`SecurityProtocol::Plaintext`].
    pub security_protocol: SecurityProtocol,
    /// User name for SASL/PLAIN. Java: `client.security.sasl.username`. Default empty.
    pub sasl_username: String,
    /// Password for SASL/PLAIN. Java: `client.security.sasl.password`. Default empty.
    pub sasl_password: Password,

    /// Replicas that must have a batch before it is acknowledged. Java: `client.writer.acks`. Default [`Acks::All`].
    pub writer_acks: Acks,
    /// Size at which a batch is sent, in bytes. Tables with few rows use smaller batches, see
    /// [`writer_dynamic_batch_size`](Self::writer_dynamic_batch_size). Java: `client.writer.batch-size`. Default 2
    /// MiB.
    pub writer_batch_size: usize,
    /// Adapts the batch size of each table and partition to its rate of rows, between 256 KiB and
    /// [`writer_batch_size`](Self::writer_batch_size). Java: `client.writer.dynamic-batch-size.enabled`. Default
    /// true.
    pub writer_dynamic_batch_size: bool,
    /// How long a batch waits for more rows if none of its rows is awaited. Java: `client.writer.batch-timeout`.
    /// Default 100 ms.
    pub writer_batch_timeout: Duration,
    /// Memory for all unacknowledged rows of all writers of a connection, in bytes. Java:
    /// `client.writer.buffer.memory-size`. Default 64 MiB.
    pub writer_buffer_memory_size: usize,
    /// Maximum time that `append` and `upsert` wait for room in that memory. Java:
    /// `client.writer.buffer.wait-timeout`. Default 60 s.
    pub writer_buffer_wait_timeout: Duration,
    /// Maximum size of a write request, in bytes. A single larger batch is sent on its own. Java:
    /// `client.writer.request-max-size`. Default 10 MiB.
    pub writer_request_max_size: usize,
    /// Retries of a batch after a transient failure. Java: `client.writer.retries`. Default `u32::MAX`, limited by
    /// [`writer_delivery_timeout`](Self::writer_delivery_timeout).
    pub writer_retries: u32,
    /// Maximum time from appending a row to its acknowledgement or failure. Default 120 s.
    pub writer_delivery_timeout: Duration,
    /// Maximum pause of a bucket after its server reported storage backpressure. Java:
    /// `client.writer.kv-backpressure.max-throttle`. Default 3 s.
    pub writer_kv_backpressure_max_throttle: Duration,
    /// Enables idempotent writes: the server discards duplicate batches. Java: `client.writer.enable-idempotence`.
    /// Default true.
    pub writer_enable_idempotence: bool,
    /// Maximum number of batches in flight per bucket, 1 to 5. Java:
    /// `client.writer.max-inflight-requests-per-bucket`. Default 5.
    pub writer_max_inflight_requests_per_bucket: usize,
    /// How buckets are chosen for rows without a bucket key. Java: `client.writer.bucket.no-key-assigner`. Default
    /// [`BucketAssigner::Sticky`].
    pub writer_bucket_no_key_assigner: BucketAssigner,
    /// Creates a missing partition when you write to it. Java: `client.writer.dynamic-create-partition.enabled`.
    /// Default true.
    pub writer_dynamic_create_partition: bool,
    /// Time zone in which the servers name time-based partitions of tables without `table.auto-partition.time-zone`,
    /// such as `Asia/Shanghai` or `GMT+08:00`. Servers use the time zone of their machines and do not report it.
    /// [`FlussTable::auto_partition`](crate::FlussTable::auto_partition) uses this setting. Default `UTC`.
    pub server_time_zone: String,

    /// Verifies the CRC of each batch. Java: `client.scanner.log.check-crc`. Default true.
    pub scanner_check_crc: bool,
    /// Maximum number of rows per `poll`. Java: `client.scanner.log.max-poll-records`. Default 500.
    pub scanner_max_poll_records: usize,
    /// Soft limit for one fetch response, in bytes. Java: `client.scanner.log.fetch.max-bytes`. Default 16 MiB.
    pub scanner_fetch_max_bytes: usize,
    /// Soft limit per bucket in a fetch response, in bytes. Java: `client.scanner.log.fetch.max-bytes-for-bucket`.
    /// Default 1 MiB.
    pub scanner_fetch_max_bytes_for_bucket: usize,
    /// Minimum bytes before the server answers a fetch. Java: `client.scanner.log.fetch.min-bytes`. Default 1.
    pub scanner_fetch_min_bytes: usize,
    /// Maximum time the server waits for [`scanner_fetch_min_bytes`](Self::scanner_fetch_min_bytes) before it answers
    /// a fetch. Java: `client.scanner.log.fetch.wait-max-time`. Default 500 ms.
    pub scanner_fetch_wait_max_time: Duration,
    /// Maximum pause between fetches at the end of a bucket that received rows recently. At least 1 ms. Default 8 ms.
    ///
    /// If a bucket has one replica, a server does not answer a held fetch when a row arrives, so the scanner repeats
    /// its fetch instead. While rows arrive, each scanner sends each server at most `1 s / scanner_tail_latency`
    /// requests a second (125 by default) for all such buckets together. Buckets that received no rows for some
    /// seconds share one request. It is repeated every 90 ms, or every 0.5 ms times their number if that is longer,
    /// but at least every [`scanner_fetch_wait_max_time`](Self::scanner_fetch_wait_max_time). If the table has several
    /// replicas, the server holds the fetches and answers as soon as a row arrives.
    ///
    /// If this is not less than `scanner_fetch_wait_max_time`, or if
    /// [`scanner_fetch_min_bytes`](Self::scanner_fetch_min_bytes) is above 1, the server holds every fetch, as with
    /// the Java client.
    pub scanner_tail_latency: Duration,
    /// Bytes that a scanner prefetches ahead of `poll`, counted as decompressed. Default 8 MiB.
    pub scanner_prefetch_max_bytes: usize,
    /// How often a scan of a whole partitioned table looks for new partitions. Default 10 s.
    pub scanner_partition_discovery_interval: Duration,
    /// Where to read records that are both on the server and in remote storage. Servers before release 1.0 decide
    /// this themselves. Java: `client.scanner.log.read-preference`. Default [`ReadPreference::LocalFirst`].
    pub scanner_read_preference: ReadPreference,
    /// Size of one read of a log segment in remote storage, in bytes. One read is prefetched ahead of `poll`, within
    /// [`scanner_prefetch_max_bytes`](Self::scanner_prefetch_max_bytes). Default 4 MiB.
    pub scanner_remote_read_bytes: usize,
    /// Settings of the remote storage that override what the cluster provides, such as `s3.endpoint`, or
    /// `s3.access-key` and `s3.secret-key` in place of the cluster's own. Java: `client.fs.*`, without the prefix
    /// `client.fs.`. Default none.
    pub file_system_properties: FileSystemProperties,
    /// Maximum decompressed size of a batch, in bytes. Default 256 MiB.
    pub scanner_max_batch_bytes: usize,
    /// Soft limit for one response when reading all rows of a primary-key table, in bytes. One response is
    /// prefetched. A server may send less. Java: `client.scanner.kv.fetch.max-bytes`. Default 4 MiB.
    pub scanner_kv_fetch_max_bytes: usize,

    /// Maximum number of lookups waiting to be sent, for all tables of a connection. Java:
    /// `client.lookup.queue-size`. Default 25,600.
    pub lookup_queue_size: usize,
    /// Maximum number of keys per lookup request. Java: `client.lookup.max-batch-size`. Default 1024.
    pub lookup_max_batch_size: usize,
    /// Maximum number of lookup requests in flight per server. Java: `client.lookup.max-inflight-requests`. Default
    /// 4.
    pub lookup_max_inflight_requests: usize,
    /// Retries of a lookup after a transient failure. Java: `client.lookup.max-retries`. Default `u32::MAX`, limited
    /// by [`call_timeout`](Self::call_timeout).
    pub lookup_max_retries: u32,
}

/// Authentication mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SecurityProtocol {
    /// No authentication.
    #[default]
    Plaintext,
    /// SASL/PLAIN: user name and password.
    SaslPlain,
}

/// Where the tasks of a connection run. They own its sockets and send its batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DriverPlacement {
    /// On the caller's runtime if it is multi-threaded, otherwise on a dedicated thread, so that a thread blocked in `append`
    /// never waits for itself.
    #[default]
    Auto,
    /// Always on the runtime that created the connection. On a `current_thread` runtime, `append` and `upsert` then never wait
    /// for room: they fail immediately if the buffer is full. Meant for tests with paused time.
    CallerRuntime,
    /// Always on a dedicated thread.
    OwnThread,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Default for Config {
    fn default() -> Self {
        Self {
            bootstrap_server: "127.0.0.1:9123".to_owned(),
            client_id: String::new(),
            connect_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(60),
            max_frame_size: 128 * MIB,
            connections_per_server: 4,
            driver_placement: DriverPlacement::default(),
            security_protocol: SecurityProtocol::default(),
            sasl_username: String::new(),
            sasl_password: Password::default(),
            writer_acks: Acks::All,
            writer_batch_size: 2 * MIB,
            writer_dynamic_batch_size: true,
            writer_batch_timeout: Duration::from_millis(100),
            writer_buffer_memory_size: 64 * MIB,
            writer_buffer_wait_timeout: Duration::from_secs(60),
            writer_request_max_size: 10 * MIB,
            writer_retries: u32::MAX,
            writer_delivery_timeout: Duration::from_secs(120),
            writer_kv_backpressure_max_throttle: Duration::from_secs(3),
            writer_enable_idempotence: true,
            writer_max_inflight_requests_per_bucket: 5,
            writer_bucket_no_key_assigner: BucketAssigner::Sticky,
            writer_dynamic_create_partition: true,
            server_time_zone: "UTC".to_owned(),
            scanner_check_crc: true,
            scanner_max_poll_records: 500,
            scanner_fetch_max_bytes: 16 * MIB,
            scanner_fetch_max_bytes_for_bucket: MIB,
            scanner_fetch_min_bytes: 1,
            scanner_fetch_wait_max_time: Duration::from_millis(500),
            scanner_tail_latency: Duration::from_millis(8),
            scanner_prefetch_max_bytes: 8 * MIB,
            scanner_partition_discovery_interval: Duration::from_secs(10),
            scanner_read_preference: ReadPreference::LocalFirst,
            scanner_remote_read_bytes: 4 * MIB,
            file_system_properties: FileSystemProperties::new(),
            scanner_max_batch_bytes: 256 * MIB,
            scanner_kv_fetch_max_bytes: 4 * MIB,
            lookup_queue_size: 25_600,
            lookup_max_batch_size: 1024,
            lookup_max_inflight_requests: 4,
            lookup_max_retries: u32::MAX,
        }
    }
}
