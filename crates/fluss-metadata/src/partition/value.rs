//! Conversion of partition column values to and from text. Source: `PartitionNameConverters.java`,
//! `PartitionUtils.java`.

use std::fmt::{self, Display, Formatter};

use crate::calendar::{Date, MILLIS_PER_DAY, SECONDS_PER_DAY, days_in_month};
use crate::data_type::{DataType, DataTypeKind};
use crate::error::{MetadataError, Result};
use crate::java_float::{java_double_to_string, java_float_to_string};

/// A value of a partition column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PartitionValue<'a> {
    /// STRING and CHAR.
    String(&'a str),
    /// BOOLEAN.
    Boolean(bool),
    /// BINARY and BYTES.
    Bytes(&'a [u8]),
    /// TINYINT to BIGINT.
    Integer(i64),
    /// DATE: days since 1970-01-01.
    Date(i32),
    /// TIME: milliseconds of the day.
    Time(i32),
    /// FLOAT.
    Float(f32),
    /// DOUBLE.
    Double(f64),
    /// TIMESTAMP and `TIMESTAMP_LTZ` (in UTC).
    Timestamp {
        /// Milliseconds since 1970.
        millis: i64,
        /// Nanoseconds within the millisecond, 0 to 999,999.
        nanos: i32,
    },
}

impl Display for PartitionValue<'_> {
    /// The text for the value in a partition's name.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Boolean(value) => value.fmt(f),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Integer(value) => value.fmt(f),
            Self::Date(days) => {
                let Date { year, month, day } = Date::of_epoch(i64::from(*days));
                write!(f, "{year:04}-{month:02}-{day:02}")
            }
            Self::Time(millis) => {
                // Values outside a day follow Java's floorDiv and floorMod.
                let (hours, of_hour) = (millis.div_euclid(3_600_000), millis.rem_euclid(3_600_000));
                let (minutes, of_minute) = (of_hour / 60_000, of_hour % 60_000);
                let (seconds, fraction) = (of_minute / 1000, of_minute % 1000);
                write!(f, "{hours:02}-{minutes:02}-{seconds:02}_{fraction:03}")
            }
            Self::Float(value) => write_float(f, &java_float_to_string(*value)),
            Self::Double(value) => write_float(f, &java_double_to_string(*value)),
            Self::Timestamp { millis, nanos } => write_timestamp(f, *millis, *nanos),
        }
    }
}

fn write_float(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    match text {
        "Infinity" => f.write_str("Inf"),
        "-Infinity" => f.write_str("-Inf"),
        _ => f.write_str(&text.replace('.', "_")),
    }
}

fn write_timestamp(f: &mut Formatter<'_>, millis: i64, nanos: i32) -> fmt::Result {
    // Nanoseconds beyond the millisecond, which no row contains, carry over.
    let millis = millis.saturating_add(i64::from(nanos.div_euclid(1_000_000)));
    let nanos = i64::from(nanos.rem_euclid(1_000_000));
    let Date { year, month, day } = Date::of_epoch(millis.div_euclid(MILLIS_PER_DAY));
    let of_day = millis.rem_euclid(MILLIS_PER_DAY);
    let seconds = of_day / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // The year of the era, as for the letter y: years before 1 count backwards.
    let year = if year > 0 { year } else { 1 - year };
    let sign = if year > 9999 { "+" } else { "" };
    write!(
        f,
        "{sign}{year:04}-{month:02}-{day:02}-{hour:02}-{minute:02}-{second:02}_"
    )?;
    let fraction = of_day % 1000 * 1_000_000 + nanos;
    if fraction == 0 {
        return Ok(());
    }
    f.write_str(format!("{fraction:09}").trim_end_matches('0'))
}

impl<'a> PartitionValue<'a> {
    /// Returns the text for the value in a partition's name.
    pub fn to_partition_string(self) -> String {
        self.to_string()
    }

    /// Parses the value of a column of type `data_type` from a partition's name. Bytes are decoded into `buffer`,
    /// which is cleared first.
    ///
    /// # Errors
    ///
    /// Returns an error if no value of the type has this text, or if partition columns cannot have the type.
    pub fn parse(text: &'a str, data_type: &DataType, buffer: &'a mut Vec<u8>) -> Result<Self> {
        let value = match data_type.kind() {
            DataTypeKind::Char { .. } | DataTypeKind::String => Some(Self::String(text)),
            DataTypeKind::Boolean => match text {
                _ if text.eq_ignore_ascii_case("true") => Some(Self::Boolean(true)),
                _ if text.eq_ignore_ascii_case("false") => Some(Self::Boolean(false)),
                _ => None,
            },
            DataTypeKind::Binary { .. } | DataTypeKind::Bytes => {
                parse_hex(text, buffer).map(|()| Self::Bytes(buffer))
            }
            DataTypeKind::TinyInt => integer::<i8>(text),
            DataTypeKind::SmallInt => integer::<i16>(text),
            DataTypeKind::Int => integer::<i32>(text),
            DataTypeKind::BigInt => integer::<i64>(text),
            DataTypeKind::Date => parse_date(text).map(Self::Date),
            DataTypeKind::Time { .. } => parse_time(text).map(Self::Time),
            DataTypeKind::Float => parse_float(text).map(Self::Float),
            DataTypeKind::Double => parse_float(text).map(Self::Double),
            DataTypeKind::Timestamp { .. } | DataTypeKind::TimestampLtz { .. } => {
                parse_timestamp(text)
            }
            DataTypeKind::Decimal { .. }
            | DataTypeKind::Array(_)
            | DataTypeKind::Map { .. }
            | DataTypeKind::Row(_) => {
                return Err(MetadataError::invalid(
                    "partition column",
                    format!("type {}", data_type.summary()),
                    "a type other than DECIMAL, ARRAY, MAP and ROW",
                ));
            }
        };
        value.ok_or_else(|| {
            MetadataError::invalid(
                "partition value",
                format!("{text:?}"),
                format!("a value of type {}", data_type.summary()),
            )
        })
    }
}

fn integer<'a, T: std::str::FromStr + Into<i64>>(text: &str) -> Option<PartitionValue<'a>> {
    let value = text.parse::<T>().ok()?;
    Some(PartitionValue::Integer(value.into()))
}

fn parse_hex(text: &str, buffer: &mut Vec<u8>) -> Option<()> {
    buffer.clear();
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = pair else {
            return None;
        };
        buffer.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(())
}

fn parse_float<T: std::str::FromStr + From<f32>>(text: &str) -> Option<T> {
    match text {
        "NaN" => Some(f32::NAN.into()),
        "Inf" => Some(f32::INFINITY.into()),
        "-Inf" => Some(f32::NEG_INFINITY.into()),
        _ => {
            let text = text.replace('_', ".");
            // Rust also parses words, such as `infinity`.
            let legal = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
            text.parse().ok().filter(|_| text.chars().all(legal))
        }
    }
}

/// Days since 1970 of a year, month and day within what Java's `LocalDate` can hold.
fn epoch_day(year: &str, month: &str, day: &str) -> Option<i64> {
    let (year, month, day) = (
        i64::from(year.parse::<i32>().ok()?),
        month.parse().ok()?,
        day.parse().ok()?,
    );
    let fits = (-999_999_999..=999_999_999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day);
    fits.then(|| Date { year, month, day }.to_epoch())
}

fn parse_date(text: &str) -> Option<i32> {
    let mut parts = text.split('-');
    let day = epoch_day(parts.next()?, parts.next()?, parts.next()?)?;
    if parts.next().is_some() {
        return None;
    }
    i32::try_from(day).ok()
}

fn parse_time(text: &str) -> Option<i32> {
    let (time, millis) = text.split_once('_')?;
    let mut parts = time.split('-').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let of_hour = i128::from(minutes) * 60_000 + i128::from(seconds) * 1000;
    let millis = i128::from(millis.parse::<i64>().ok()?);
    i32::try_from(i128::from(hours) * 3_600_000 + of_hour + millis).ok()
}

fn parse_timestamp<'a>(text: &str) -> Option<PartitionValue<'a>> {
    let (time, fraction) = text.rsplit_once('_').unwrap_or((text, ""));
    let mut parts = time.split('-');
    let day = epoch_day(parts.next()?, parts.next()?, parts.next()?)?;
    let mut part = |limit: i64| match parts.next() {
        None => Some(0),
        Some(text) => text.parse().ok().filter(|part| (0..limit).contains(part)),
    };
    let seconds = part(24)? * 3600 + part(60)? * 60 + part(60)?;
    if parts.next().is_some() || fraction.len() > 9 {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9}").parse().ok()?;
    let millis = day
        .checked_mul(SECONDS_PER_DAY)?
        .checked_add(seconds)?
        .checked_mul(1000)?
        .checked_add(nanos / 1_000_000)?;
    Some(PartitionValue::Timestamp {
        millis,
        nanos: i32::try_from(nanos % 1_000_000).ok()?,
    })
}
