//! What a user may set, with its defaults.

mod builder;
mod file_system;
mod load;
mod options;
mod properties;
mod scanner;
mod secret;
mod validate;
mod writer;

pub use builder::ConfigBuilder;
pub use file_system::FileSystemProperties;
pub use options::{ConfigOption, Effect, OptionKind, Origin, environment_variable, options};
pub use scanner::ReadPreference;
pub use secret::Password;
pub use writer::{Acks, BucketAssigner};

use std::time::Duration;

/// Settings of a [`FlussConnection`](crate::FlussConnection).
///
/// Plain fields with defaults; take [`Config::default`] and set what differs, or write `Config { …, ..Config::default() }`, which goes
/// on compiling when fields are added. [`Config::builder`] sets fields in a chain and checks them; [`Config::from_map`],
/// [`Config::from_properties`] and [`Config::from_env`] read them as text. The key of the Java client that means the same stands
/// with each field. Values are checked when a connection is made, and an error names the field, the value and what was expected.
///
/// ```
/// use fluss_client::config::Config;
///
/// let mut config = Config::default();
/// config.bootstrap_server = "localhost:9123".to_string();
/// ```
#[expect(
    clippy::struct_excessive_bools,
    reason = "settings that are on or off, each by itself"
)]
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Servers for the first contact: `host:port`, several separated by commas. Java: `bootstrap.servers`. Default `127.0.0.1:9123`.
    pub bootstrap_server: String,
    /// Name of this client in the servers' logs. Java: `client.id`. Default empty.
    pub client_id: String,
    /// Longest time for one dial with its handshake. Java: `client.connect-timeout`. Default 15 s.
    pub connect_timeout: Duration,
    /// Longest time that one request may take, retries apart. Java: `client.request-timeout`, which only the server honours there.
    /// Default 30 s.
    pub request_timeout: Duration,
    /// Longest time that a call which repeats requests (admin reads, metadata, lookups) may take in all. Default 60 s.
    pub call_timeout: Duration,
    /// Largest answer accepted from a server, in bytes. Default 128 MiB.
    pub max_frame_size: usize,
    /// Connections kept to one tablet server. They are made as they are needed; a bucket always uses the same one. Default 4.
    pub connections_per_server: usize,
    /// Where the connection's own tasks run. Default [`DriverPlacement::Auto`].
    pub driver_placement: DriverPlacement,

    /// How to authenticate. Java: `client.security.protocol`. Default [`SecurityProtocol::Plaintext`].
    pub security_protocol: SecurityProtocol,
    /// User of SASL/PLAIN. Java: `client.security.sasl.username`. Default empty.
    pub sasl_username: String,
    /// Password of SASL/PLAIN. Java: `client.security.sasl.password`. Default empty.
    pub sasl_password: Password,

    /// Replicas that must have a batch before it counts as written. Java: `client.writer.acks`. Default [`Acks::All`].
    pub writer_acks: Acks,
    /// Size at which a batch is sent, in bytes; less for tables with few rows, see
    /// [`writer_dynamic_batch_size`](Self::writer_dynamic_batch_size). Java: `client.writer.batch-size`. Default 2 MiB.
    pub writer_batch_size: usize,
    /// Whether the batches of tables and partitions with few rows become smaller, down to 256 KiB, and larger again with more rows. Java:
    /// `client.writer.dynamic-batch-size.enabled`. Default true.
    pub writer_dynamic_batch_size: bool,
    /// How long a batch that nobody awaits may wait for more rows. Java: `client.writer.batch-timeout`. Default 100 ms.
    pub writer_batch_timeout: Duration,
    /// Memory of all rows of all writers of a connection that are not yet acknowledged, in bytes. Java:
    /// `client.writer.buffer.memory-size`. Default 64 MiB.
    pub writer_buffer_memory_size: usize,
    /// Longest time that `append` and `upsert` wait for room in that memory. Java: `client.writer.buffer.wait-timeout`. Default 60 s.
    pub writer_buffer_wait_timeout: Duration,
    /// Largest write request, in bytes; one larger batch still goes alone. Java: `client.writer.request-max-size`. Default 10 MiB.
    pub writer_request_max_size: usize,
    /// Repetitions of a batch that failed for a passing reason. Java: `client.writer.retries`. Default `u32::MAX`, bounded by
    /// [`writer_delivery_timeout`](Self::writer_delivery_timeout).
    pub writer_retries: u32,
    /// Longest time from a row's append to its acknowledgement or failure. Default 120 s.
    pub writer_delivery_timeout: Duration,
    /// Longest pause of a bucket after its server told of storage back-pressure. Java:
    /// `client.writer.kv-backpressure.max-throttle`. Default 3 s.
    pub writer_kv_backpressure_max_throttle: Duration,
    /// Whether the server weeds out repeated batches. Java: `client.writer.enable-idempotence`. Default true.
    pub writer_enable_idempotence: bool,
    /// Batches of one bucket that may be on their way at once, 1 to 5. Java: `client.writer.max-inflight-requests-per-bucket`.
    /// Default 5.
    pub writer_max_inflight_requests_per_bucket: usize,
    /// How rows without a bucket key choose a bucket. Java: `client.writer.bucket.no-key-assigner`. Default
    /// [`BucketAssigner::Sticky`].
    pub writer_bucket_no_key_assigner: BucketAssigner,
    /// Whether a write to a missing partition creates it. Java: `client.writer.dynamic-create-partition.enabled`. Default true.
    pub writer_dynamic_create_partition: bool,
    /// Time zone of the servers, such as `Asia/Shanghai` or `GMT+08:00`, in which they name partitions by time where the table has no
    /// `table.auto-partition.time-zone`: servers take that of their own machines, and do not tell which it is. It is what
    /// [`FlussTable::auto_partition`](crate::FlussTable::auto_partition) goes by. Default `UTC`.
    pub server_time_zone: String,

    /// Whether batches read are checked against their CRC. Java: `client.scanner.log.check-crc`. Default true.
    pub scanner_check_crc: bool,
    /// Most rows of one `poll`. Java: `client.scanner.log.max-poll-records`. Default 500.
    pub scanner_max_poll_records: usize,
    /// Soft bound of one fetch answer, in bytes. Java: `client.scanner.log.fetch.max-bytes`. Default 16 MiB.
    pub scanner_fetch_max_bytes: usize,
    /// Soft bound for one bucket in a fetch answer, in bytes. Java: `client.scanner.log.fetch.max-bytes-for-bucket`. Default 1 MiB.
    pub scanner_fetch_max_bytes_for_bucket: usize,
    /// Bytes for which a server holds back a fetch answer. Java: `client.scanner.log.fetch.min-bytes`. Default 1.
    pub scanner_fetch_min_bytes: usize,
    /// Longest time for which a server holds back a fetch answer. Java: `client.scanner.log.fetch.wait-max-time`. Default 500 ms.
    pub scanner_fetch_wait_max_time: Duration,
    /// Bytes of fetched batches that a scanner keeps ahead of `poll`. Default 8 MiB.
    pub scanner_prefetch_max_bytes: usize,
    /// How often a scanner of a whole partitioned table looks for new partitions. Default 10 s.
    pub scanner_partition_discovery_interval: Duration,
    /// Where records are read from that are both on the server and in remote storage; a server before 1.0 decides by itself. Java:
    /// `client.scanner.log.read-preference`. Default [`ReadPreference::LocalFirst`].
    pub scanner_read_preference: ReadPreference,
    /// Bytes read at once of a log segment in remote storage, one read ahead of `poll`; within
    /// [`scanner_prefetch_max_bytes`](Self::scanner_prefetch_max_bytes). Default 4 MiB.
    pub scanner_remote_read_bytes: usize,
    /// Settings of the remote storage that differ from what the cluster hands out, such as `s3.endpoint` or, instead of the cluster's
    /// own, `s3.access-key` and `s3.secret-key`. Java: `client.fs.*`, without `client.fs.` in front. Default none.
    pub file_system_properties: FileSystemProperties,
    /// Most bytes that one batch may take when decompressed. Default 256 MiB.
    pub scanner_max_batch_bytes: usize,
    /// Soft bound of one answer when all rows of a primary-key table are read, in bytes; one answer is read ahead. A server may send
    /// less. Java: `client.scanner.kv.fetch.max-bytes`. Default 4 MiB.
    pub scanner_kv_fetch_max_bytes: usize,

    /// Lookups that may wait to be sent, for all tables of a connection. Java: `client.lookup.queue-size`. Default 25,600.
    pub lookup_queue_size: usize,
    /// Most keys of one lookup request. Java: `client.lookup.max-batch-size`. Default 1024.
    pub lookup_max_batch_size: usize,
    /// Lookup requests that may be on their way at once to one server. Java: `client.lookup.max-inflight-requests`. Default 4.
    pub lookup_max_inflight_requests: usize,
    /// Repetitions of a lookup that failed for a passing reason. Java: `client.lookup.max-retries`. Default `u32::MAX`, bounded by
    /// [`call_timeout`](Self::call_timeout).
    pub lookup_max_retries: u32,
}

/// How a connection proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SecurityProtocol {
    /// Not at all.
    #[default]
    Plaintext,
    /// SASL with the mechanism PLAIN: user name and password.
    SaslPlain,
}

/// Where the tasks of a connection run, which own its sockets and send its batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DriverPlacement {
    /// On the caller's runtime if that is multi-threaded, otherwise on a thread of the connection's own, so that a thread waiting in
    /// `append` never waits for itself.
    #[default]
    Auto,
    /// Always on the runtime that made the connection. On a `current_thread` runtime `append` and `upsert` then never wait for room:
    /// a full buffer is an error at once. Meant for tests with paused time.
    CallerRuntime,
    /// Always on a thread of the connection's own.
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
