//! Time-based partitions. Source: `AutoPartitionStrategy.java`, `PartitionUtils.java`.

use std::collections::BTreeMap;

use super::time_format::TimeFormat;
use super::zone::{Local, TimeZone};
use super::{PartitionSpec, ResolvedPartitionSpec};
use crate::calendar::Date;
use crate::choice::choices;
use crate::config_value::{parse_boolean, parse_integer};
use crate::error::{MetadataError, Result};
use crate::path::{validate_name, validate_prefix};
use crate::table::property;

choices! {
    /// The time span of a partition.
    AutoPartitionTimeUnit("auto-partition time unit") {
        /// A year, `2024`.
        Year => "YEAR",
        /// A quarter, `20241`.
        Quarter => "QUARTER",
        /// A month, `202401`.
        Month => "MONTH",
        /// A day, `20240131`, the default.
        Day => "DAY",
        /// An hour, `2024013123`.
        Hour => "HOUR",
    }
}

impl AutoPartitionTimeUnit {
    /// Returns the format of partition names if the table does not set one.
    pub fn default_format(self) -> &'static str {
        match self {
            Self::Year => "yyyy",
            Self::Quarter => "yyyyQ",
            Self::Month => "yyyyMM",
            Self::Day => "yyyyMMdd",
            Self::Hour => "yyyyMMddHH",
        }
    }
}

/// The properties `table.auto-partition.…` of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoPartitionStrategy {
    enabled: bool,
    key: Option<String>,
    time_unit: AutoPartitionTimeUnit,
    time_format: Option<String>,
    time_zone: Option<String>,
    num_precreate: i32,
    num_retention: i32,
}

impl AutoPartitionStrategy {
    /// Parses the properties of a table.
    ///
    /// # Errors
    ///
    /// Returns an error with the property if a value is invalid. The time format is checked when it is used.
    pub fn from_properties(properties: &BTreeMap<String, String>) -> Result<Self> {
        fn read<T>(
            properties: &BTreeMap<String, String>,
            key: &str,
            parse: impl FnOnce(&str) -> Result<T>,
            default: T,
        ) -> Result<T> {
            match properties.get(key) {
                None => Ok(default),
                Some(text) => {
                    parse(text).map_err(|error| error.within(|_| format!("property {key}")))
                }
            }
        }
        let text = |key| properties.get(key).cloned();
        Ok(Self {
            enabled: read(
                properties,
                property::AUTO_PARTITION_ENABLED,
                parse_boolean,
                false,
            )?,
            key: text(property::AUTO_PARTITION_KEY),
            time_unit: read(
                properties,
                property::AUTO_PARTITION_TIME_UNIT,
                AutoPartitionTimeUnit::parse,
                AutoPartitionTimeUnit::Day,
            )?,
            time_format: text(property::AUTO_PARTITION_TIME_FORMAT),
            time_zone: text(property::AUTO_PARTITION_TIME_ZONE),
            num_precreate: read(
                properties,
                property::AUTO_PARTITION_NUM_PRECREATE,
                parse_integer,
                2,
            )?,
            num_retention: read(
                properties,
                property::AUTO_PARTITION_NUM_RETENTION,
                parse_integer,
                7,
            )?,
        })
    }

    /// Returns whether the table has time-based partitions.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Returns the partition key that contains the time, if it is set; the default is the first one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the time span of a partition.
    pub fn time_unit(&self) -> AutoPartitionTimeUnit {
        self.time_unit
    }

    /// Returns the format of partition names, if the table sets one. Since release 1.0.
    pub fn time_format(&self) -> Option<&str> {
        self.time_format.as_deref()
    }

    /// Returns the name of the time zone, if the table sets one.
    pub fn time_zone(&self) -> Option<&str> {
        self.time_zone.as_deref()
    }

    /// Returns the time zone; UTC if the table does not set one or it is unknown.
    ///
    /// DIFFERS: if the table does not set one, the Java client uses the time zone of its own machine, and the server
    /// that of its machine. Most servers run in UTC; use [`with_time_zone`](Self::with_time_zone) for those that do
    /// not.
    pub fn zone(&self) -> TimeZone {
        self.time_zone()
            .map_or_else(TimeZone::utc, TimeZone::get_or_utc)
    }

    /// Returns the same strategy with another time zone.
    #[must_use]
    pub fn with_time_zone(mut self, zone: impl Into<String>) -> Self {
        self.time_zone = Some(zone.into());
        self
    }

    /// Returns how many partitions are created ahead of time.
    pub fn num_precreate(&self) -> i32 {
        self.num_precreate
    }

    /// Returns how many partitions are kept.
    pub fn num_retention(&self) -> i32 {
        self.num_retention
    }

    fn pattern(&self) -> &str {
        self.time_format()
            .unwrap_or_else(|| self.time_unit.default_format())
    }

    fn format(&self) -> Result<TimeFormat> {
        TimeFormat::parse(self.pattern())
    }

    /// Returns the value that names the partition for a time in milliseconds since 1970, or the partition `offset`
    /// units later.
    ///
    /// # Errors
    ///
    /// Returns an error if the time format is invalid.
    pub fn partition_time(&self, epoch_millis: i64, offset: i32) -> Result<String> {
        let format = self.format()?;
        let zone = self.zone();
        let seconds = epoch_millis.div_euclid(1000);
        let offset = i64::from(offset);
        let now = zone.to_local(seconds);
        let months_later = |months: i64| {
            zone.settle(Local {
                day: now.day.plus_months(months),
                second: now.second,
            })
        };
        let local = match self.time_unit {
            AutoPartitionTimeUnit::Year => months_later(offset * 12),
            AutoPartitionTimeUnit::Quarter => months_later(offset * 3),
            AutoPartitionTimeUnit::Month => months_later(offset),
            AutoPartitionTimeUnit::Day => zone.settle(Local {
                day: Date::of_epoch(now.day.to_epoch() + offset),
                second: now.second,
            }),
            // Hours are elapsed time, whatever clocks do.
            AutoPartitionTimeUnit::Hour => zone.to_local(seconds.saturating_add(offset * 3600)),
        };
        Ok(format.format(local))
    }

    /// Returns whether a value matches the table's format.
    ///
    /// As strict as the Java classes: no value matches `yyyyQ`, the default for quarters, because Java parses all
    /// following digits as the year. Servers also reject such partitions from clients.
    pub fn is_valid_partition_time(&self, value: &str) -> bool {
        self.format().is_ok_and(|format| format.matches(value))
    }

    /// Checks that the time format sorts partition names by time, and only produces valid partition names.
    ///
    /// # Errors
    ///
    /// Returns an error if the format is invalid, has different fields than the time unit requires, or produces
    /// invalid names.
    pub fn validate_time_format(&self) -> Result<()> {
        let Some(pattern) = self.time_format() else {
            return Ok(());
        };
        let field = || format!("property {}", property::AUTO_PARTITION_TIME_FORMAT);
        let format = TimeFormat::parse(pattern).map_err(|error| error.within(|_| field()))?;
        if !format.has_fields_of(self.time_unit) {
            return Err(MetadataError::invalid(
                field(),
                format!("{pattern:?}"),
                format!(
                    "the fields of {:?} in their order, for the time unit {}",
                    self.time_unit.default_format(),
                    self.time_unit
                ),
            ));
        }
        // 2024-11-11 11:00; any time would do.
        let sample = format.format(Local::of_seconds(1_731_322_800));
        validate_name("", &sample)
            .and_then(|()| validate_prefix("", &sample))
            .map_err(|error| error.within(|_| field()))
    }

    /// Checks that a writer may create the partition `spec` now: its time matches the table's format and is within
    /// the retention.
    ///
    /// # Errors
    ///
    /// Returns an error with the value and the format or the earliest valid value. Does nothing if the table has
    /// neither time-based partitions nor a format.
    pub fn validate_partition(
        &self,
        partition_keys: &[String],
        spec: &PartitionSpec,
        now_millis: i64,
    ) -> Result<()> {
        if !self.enabled && self.time_format.is_none() {
            return Ok(());
        }
        let Some(key) = self
            .key()
            .or_else(|| partition_keys.first().map(String::as_str))
        else {
            return Ok(());
        };
        let field = format!("value of partition key {key:?}");
        let value = spec.get(key).unwrap_or_default();
        if !self.is_valid_partition_time(value) {
            return Err(MetadataError::invalid(
                field,
                format!("{value:?}"),
                format!("a time in the format {:?}", self.pattern()),
            ));
        }
        if !self.enabled {
            return Ok(());
        }
        let earliest = self.partition_time(now_millis, self.num_retention.saturating_neg())?;
        if earliest.as_str() > value {
            return Err(MetadataError::invalid(
                field,
                format!("{value:?}"),
                format!("{earliest:?} or later, because older partitions are not kept"),
            ));
        }
        Ok(())
    }

    /// Returns whether a value is a time before the current partition.
    pub fn is_past(&self, value: &str, now_millis: i64) -> Result<bool> {
        Ok(self.is_valid_partition_time(value)
            && value < self.partition_time(now_millis, 0)?.as_str())
    }

    /// Returns the partition for a time, for a table with one partition key.
    pub fn partition(
        &self,
        partition_keys: &[String],
        epoch_millis: i64,
        offset: i32,
    ) -> Result<ResolvedPartitionSpec> {
        let value = self.partition_time(epoch_millis, offset)?;
        ResolvedPartitionSpec::new(partition_keys.to_vec(), vec![value])
    }
}
