//! Values of partition columns as text. Source: `PartitionNameConverters.java`.

use std::fmt::Write as _;

use crate::java_float::{java_double_to_string, java_float_to_string};

const MILLIS_PER_DAY: i64 = 86_400_000;

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

impl PartitionValue<'_> {
    /// The text that stands for the value in a partition's name.
    pub fn to_partition_string(self) -> String {
        match self {
            Self::String(text) => text.to_owned(),
            Self::Boolean(value) => value.to_string(),
            Self::Bytes(bytes) => {
                bytes
                    .iter()
                    .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
                        // Writing into a text cannot fail.
                        let _ = write!(text, "{byte:02x}");
                        text
                    })
            }
            Self::Integer(value) => value.to_string(),
            Self::Date(days) => date(i64::from(days)),
            Self::Time(millis) => {
                let seconds = millis / 1000;
                format!(
                    "{:02}-{:02}-{:02}_{:03}",
                    seconds / 3600,
                    seconds / 60 % 60,
                    seconds % 60,
                    millis % 1000
                )
            }
            Self::Float(value) => float(java_float_to_string(value)),
            Self::Double(value) => float(java_double_to_string(value)),
            Self::Timestamp { millis, nanos } => timestamp(millis, nanos),
        }
    }
}

fn float(text: String) -> String {
    match text.as_str() {
        "Infinity" => "Inf".to_owned(),
        "-Infinity" => "-Inf".to_owned(),
        _ => text.replace('.', "_"),
    }
}

fn timestamp(millis: i64, nanos: i32) -> String {
    let day = millis.div_euclid(MILLIS_PER_DAY);
    let of_day = millis.rem_euclid(MILLIS_PER_DAY);
    let seconds = of_day / 1000;
    let fraction = of_day % 1000 * 1_000_000 + i64::from(nanos);
    let fraction = if fraction == 0 {
        String::new()
    } else {
        format!("{fraction:09}")
    };
    format!(
        "{}-{:02}-{:02}-{:02}_{}",
        date(day),
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        fraction.trim_end_matches('0')
    )
}

/// The day `days` after 1970-01-01 as `yyyy-MM-dd`, with the sign and width that Java gives years out of 0 to 9999.
fn date(days: i64) -> String {
    let (year, month, day) = civil(days);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        10_000.. => format!("+{year}"),
        _ => format!("-{:04}", -year),
    };
    format!("{year}-{month:02}-{day:02}")
}

/// Days since 1970-01-01 as year, month and day of the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years are counted from March here, so that the leap day is the last of its year.
    let from_0000_03_01 = days + 719_468;
    let era = from_0000_03_01.div_euclid(146_097);
    let day_of_era = from_0000_03_01.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
