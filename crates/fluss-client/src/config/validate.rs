//! Validates a configuration before it is used.

use std::time::Duration;

use fluss_metadata::TimeZone;
use fluss_metadata::text::Readable;

use super::{Acks, Config, SecurityProtocol};
use crate::error::{Error, Result};

/// Number of recent batches per bucket of which a server recognizes duplicates. Source: `WriterStateEntry` of the
/// server.
const SERVER_DEDUPLICATION_WINDOW: usize = 5;

/// What a time zone must be.
pub(super) const TIME_ZONE: &str = "a time zone such as UTC, Europe/Paris or GMT+08:00";

impl Config {
    /// Validates every field.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::error::ErrorKind::Config), with the first invalid field, its value and what was
    /// expected.
    pub fn validate(&self) -> Result<()> {
        self.bootstrap_addresses()?;
        self.validate_security()?;
        self.validate_writer()?;
        at_least_one("scanner_max_poll_records", self.scanner_max_poll_records)?;
        fits_i32("scanner_fetch_max_bytes", self.scanner_fetch_max_bytes)?;
        fits_i32(
            "scanner_fetch_max_bytes_for_bucket",
            self.scanner_fetch_max_bytes_for_bucket,
        )?;
        fits_i32("scanner_fetch_min_bytes", self.scanner_fetch_min_bytes)?;
        at_least_one(
            "scanner_prefetch_max_bytes",
            self.scanner_prefetch_max_bytes,
        )?;
        at_least_one("scanner_remote_read_bytes", self.scanner_remote_read_bytes)?;
        at_least_one("scanner_max_batch_bytes", self.scanner_max_batch_bytes)?;
        fits_i32(
            "scanner_kv_fetch_max_bytes",
            self.scanner_kv_fetch_max_bytes,
        )?;
        at_least_one("lookup_queue_size", self.lookup_queue_size)?;
        at_least_one("lookup_max_batch_size", self.lookup_max_batch_size)?;
        at_least_one(
            "lookup_max_inflight_requests",
            self.lookup_max_inflight_requests,
        )?;
        at_least_one("connections_per_server", self.connections_per_server)?;
        fits_i32("max_frame_size", self.max_frame_size)?;
        not_zero("connect_timeout", self.connect_timeout)?;
        not_zero("call_timeout", self.call_timeout)?;
        not_zero(
            "scanner_partition_discovery_interval",
            self.scanner_partition_discovery_interval,
        )?;
        fits_i32_millis(
            "scanner_fetch_wait_max_time",
            self.scanner_fetch_wait_max_time,
        )?;
        if TimeZone::get(&self.server_time_zone).is_none() {
            return Err(Error::config(
                "server_time_zone",
                &self.server_time_zone,
                TIME_ZONE,
            ));
        }
        if self.scanner_tail_latency < Duration::from_millis(1) {
            return Err(Error::config(
                "scanner_tail_latency",
                format!("{:?}", self.scanner_tail_latency),
                "at least 1 ms",
            ));
        }
        not_zero("request_timeout", self.request_timeout)?;
        fits_i32_millis("request_timeout", self.request_timeout)
    }

    /// Returns the bootstrap servers as pairs of host and port.
    pub(crate) fn bootstrap_addresses(&self) -> Result<Vec<(String, u16)>> {
        let addresses = self
            .bootstrap_server
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| {
                let (host, port) = part.rsplit_once(':').unwrap_or((part, ""));
                // Only an address in brackets has colons of its own.
                let bracketed = host
                    .strip_prefix('[')
                    .and_then(|host| host.strip_suffix(']'));
                let is_host =
                    !host.contains([':', ';', '[', ']']) && !host.contains(char::is_whitespace);
                let host = bracketed.or(is_host.then_some(host)).unwrap_or_default();
                match port.parse::<u16>() {
                    Ok(port) if port > 0 && !host.is_empty() => Ok((host.to_owned(), port)),
                    _ => Err(Error::config(
                        "bootstrap_server",
                        part,
                        "host:port, several separated by commas",
                    )),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        if addresses.is_empty() {
            return Err(Error::config(
                "bootstrap_server",
                &self.bootstrap_server,
                "at least one host:port",
            ));
        }
        Ok(addresses)
    }

    fn validate_security(&self) -> Result<()> {
        if self.security_protocol == SecurityProtocol::SaslPlain {
            if self.sasl_username.is_empty() {
                return Err(Error::config(
                    "sasl_username",
                    "",
                    "a user name, because security_protocol is SaslPlain",
                ));
            }
            if self.sasl_password.is_empty() {
                return Err(Error::config(
                    "sasl_password",
                    "",
                    "a password, because security_protocol is SaslPlain",
                ));
            }
        }
        Ok(())
    }

    fn validate_writer(&self) -> Result<()> {
        at_least_one("writer_batch_size", self.writer_batch_size)?;
        at_least_one("writer_buffer_memory_size", self.writer_buffer_memory_size)?;
        at_least_one("writer_request_max_size", self.writer_request_max_size)?;
        not_zero("writer_delivery_timeout", self.writer_delivery_timeout)?;
        at_least_one(
            "writer_max_inflight_requests_per_bucket",
            self.writer_max_inflight_requests_per_bucket,
        )?;
        if self.writer_batch_size > self.writer_buffer_memory_size {
            return Err(Error::config(
                "writer_batch_size",
                self.writer_batch_size,
                format!(
                    "at most writer_buffer_memory_size ({})",
                    self.writer_buffer_memory_size
                ),
            ));
        }
        if self.writer_enable_idempotence {
            if self.writer_acks != Acks::All {
                return Err(Error::config(
                    "writer_acks",
                    self.writer_acks,
                    "all, because writer_enable_idempotence is on",
                ));
            }
            if self.writer_retries == 0 {
                return Err(Error::config(
                    "writer_retries",
                    0,
                    "at least 1, because writer_enable_idempotence is on",
                ));
            }
            if self.writer_max_inflight_requests_per_bucket > SERVER_DEDUPLICATION_WINDOW {
                return Err(Error::config(
                    "writer_max_inflight_requests_per_bucket",
                    self.writer_max_inflight_requests_per_bucket,
                    format!(
                        "at most {SERVER_DEDUPLICATION_WINDOW}, because writer_enable_idempotence is on"
                    ),
                ));
            }
        }
        Ok(())
    }
}

fn at_least_one(field: &'static str, value: usize) -> Result<()> {
    if value == 0 {
        Err(Error::config(field, value, "at least 1"))
    } else {
        Ok(())
    }
}

fn fits_i32(field: &'static str, value: usize) -> Result<()> {
    match i32::try_from(value) {
        Ok(1..) => Ok(()),
        _ => Err(Error::config(field, value, "1 to 2147483647")),
    }
}

fn fits_i32_millis(field: &'static str, value: Duration) -> Result<()> {
    if i32::try_from(value.as_millis()).is_ok() {
        Ok(())
    } else {
        Err(Error::config(
            field,
            Readable(value),
            "at most 2147483647 ms",
        ))
    }
}

fn not_zero(field: &'static str, value: Duration) -> Result<()> {
    if value.is_zero() {
        Err(Error::config(field, "0", "more than zero"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_is_named_with_its_value_and_what_was_expected() {
        type Case = (fn(&mut Config), &'static str);
        let cases: [Case; 10] = [
            (
                |c| c.bootstrap_server = "nowhere".into(),
                "bootstrap_server",
            ),
            (|c| c.bootstrap_server = " , ".into(), "bootstrap_server"),
            (
                |c| c.bootstrap_server = "a:1;b:2".into(),
                "bootstrap_server",
            ),
            (|c| c.bootstrap_server = "::1:2".into(), "bootstrap_server"),
            (|c| c.writer_batch_size = 0, "writer_batch_size"),
            (|c| c.writer_acks = Acks::Leader, "writer_acks"),
            (
                |c| c.writer_max_inflight_requests_per_bucket = 6,
                "writer_max_inflight_requests_per_bucket",
            ),
            (
                |c| c.security_protocol = SecurityProtocol::SaslPlain,
                "sasl_username",
            ),
            (|c| c.request_timeout = Duration::MAX, "request_timeout"),
            (
                |c| c.scanner_tail_latency = Duration::from_micros(999),
                "scanner_tail_latency",
            ),
        ];
        for (change, field) in cases {
            let mut config = Config::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(
                error.contains(field) && error.contains("expected"),
                "{field}: {error}"
            );
        }
    }

    #[test]
    fn several_bootstrap_servers_and_ipv6_are_understood() {
        let config = Config {
            bootstrap_server: "a:1, [::1]:2,b:3".into(),
            ..Config::default()
        };
        let expected = vec![
            ("a".to_owned(), 1),
            ("::1".to_owned(), 2),
            ("b".to_owned(), 3),
        ];
        assert_eq!(config.bootstrap_addresses().unwrap(), expected);
        assert!(Config::default().validate().is_ok());
    }
}
