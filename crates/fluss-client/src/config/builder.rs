//! The builder of a configuration.

use std::time::Duration;

use super::{
    Acks, BucketAssigner, Config, DriverPlacement, FileSystemProperties, Password, ReadPreference,
    SecurityProtocol,
};
use crate::error::Result;

/// Builds a [`Config`]. Created by [`Config::builder`].
#[derive(Debug, Clone, Default)]
pub struct ConfigBuilder {
    config: Config,
}

impl Config {
    /// Returns a builder that starts with the defaults.
    ///
    /// ```
    /// use fluss_client::config::Config;
    ///
    /// let config = Config::builder()
    ///     .bootstrap_server("localhost:9123")
    ///     .writer_batch_size(1024 * 1024)
    ///     .build()?;
    /// # Ok::<(), fluss_client::Error>(())
    /// ```
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }
}

impl From<Config> for ConfigBuilder {
    fn from(config: Config) -> Self {
        Self { config }
    }
}

macro_rules! setters {
    ($($field:ident: $type:ty,)*; into $($text:ident: $text_type:ty,)*) => {
        impl ConfigBuilder {
            $(
                #[doc = concat!("Sets [`Config::", stringify!($field), "`].")]
                #[must_use]
                pub fn $field(mut self, value: $type) -> Self {
                    self.config.$field = value;
                    self
                }
            )*
            $(
                #[doc = concat!("Sets [`Config::", stringify!($text), "`].")]
                #[must_use]
                pub fn $text(mut self, value: impl Into<$text_type>) -> Self {
                    self.config.$text = value.into();
                    self
                }
            )*
        }
    };
}

setters! {
    connect_timeout: Duration,
    request_timeout: Duration,
    call_timeout: Duration,
    max_frame_size: usize,
    connections_per_server: usize,
    driver_placement: DriverPlacement,
    security_protocol: SecurityProtocol,
    writer_acks: Acks,
    writer_batch_size: usize,
    writer_dynamic_batch_size: bool,
    writer_batch_timeout: Duration,
    writer_buffer_memory_size: usize,
    writer_buffer_wait_timeout: Duration,
    writer_request_max_size: usize,
    writer_retries: u32,
    writer_delivery_timeout: Duration,
    writer_kv_backpressure_max_throttle: Duration,
    writer_enable_idempotence: bool,
    writer_max_inflight_requests_per_bucket: usize,
    writer_bucket_no_key_assigner: BucketAssigner,
    writer_dynamic_create_partition: bool,
    scanner_check_crc: bool,
    scanner_max_poll_records: usize,
    scanner_fetch_max_bytes: usize,
    scanner_fetch_max_bytes_for_bucket: usize,
    scanner_fetch_min_bytes: usize,
    scanner_fetch_wait_max_time: Duration,
    scanner_tail_latency: Duration,
    scanner_prefetch_max_bytes: usize,
    scanner_partition_discovery_interval: Duration,
    scanner_read_preference: ReadPreference,
    scanner_remote_read_bytes: usize,
    file_system_properties: FileSystemProperties,
    scanner_max_batch_bytes: usize,
    scanner_kv_fetch_max_bytes: usize,
    lookup_queue_size: usize,
    lookup_max_batch_size: usize,
    lookup_max_inflight_requests: usize,
    lookup_max_retries: u32,
    ; into
    bootstrap_server: String,
    client_id: String,
    sasl_username: String,
    sasl_password: Password,
    server_time_zone: String,
}

impl ConfigBuilder {
    /// Sets the option with a key of the Java client; see [`Config::set`].
    ///
    /// # Errors
    ///
    /// The same as [`Config::set`].
    pub fn set(mut self, key: &str, value: &str) -> Result<Self> {
        self.config.set(key, value)?;
        Ok(self)
    }

    /// Validates every field.
    ///
    /// # Errors
    ///
    /// The same as [`Config::validate`].
    pub fn build(self) -> Result<Config> {
        self.config.validate()?;
        Ok(self.config)
    }
}
