//! Values of options, in the syntax of the servers and the Java client: `100 ms`, `2mb`, `true`.
//!
//! Units are those of the Java classes. Source: `TimeUtils.java`, `MemorySize.java`, `ConfigurationUtils.java`.

use std::str::FromStr;
use std::time::Duration;

use crate::error::{MetadataError, Result};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Units of durations with their length in nanoseconds.
const TIME_UNITS: &[(&[&str], u64)] = &[
    (&["d", "day", "days"], 86_400 * NANOS_PER_SECOND),
    (&["h", "hour", "hours"], 3600 * NANOS_PER_SECOND),
    (&["min", "m", "minute", "minutes"], 60 * NANOS_PER_SECOND),
    (&["s", "sec", "secs", "second", "seconds"], NANOS_PER_SECOND),
    (
        &["ms", "milli", "millis", "millisecond", "milliseconds"],
        1_000_000,
    ),
    (
        &["µs", "micro", "micros", "microsecond", "microseconds"],
        1000,
    ),
    (&["ns", "nano", "nanos", "nanosecond", "nanoseconds"], 1),
];

/// Units of sizes with their length in bytes.
const SIZE_UNITS: &[(&[&str], u64)] = &[
    (&["b", "bytes"], 1),
    (&["k", "kb", "kibibytes"], 1 << 10),
    (&["m", "mb", "mebibytes"], 1 << 20),
    (&["g", "gb", "gibibytes"], 1 << 30),
    (&["t", "tb", "tebibytes"], 1 << 40),
];

/// Trims white space like `String.trim` in Java.
fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| character <= ' ')
}

/// Splits a number from the unit that follows it. The number is at most `i64::MAX`, as in Java; the unit is looked up
/// by its lower-case name.
fn number_and_unit(
    text: &str,
    units: &[(&[&str], u64)],
    refuse: impl Fn() -> MetadataError,
) -> Result<(u64, u64)> {
    let trimmed = trim(text);
    let end = trimmed
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at_checked(end).ok_or_else(&refuse)?;
    let number = number.parse::<i64>().map_err(|_| refuse())?;
    let unit = trim(unit).to_lowercase();
    let (_, factor) = units
        .iter()
        .find(|(names, _)| names.contains(&unit.as_str()))
        .ok_or_else(&refuse)?;
    Ok((number.unsigned_abs(), *factor))
}

/// Parses a duration, such as `100 ms`, `3h` or `7 days`. A unit is required.
///
/// # Errors
///
/// Returns an error if there is no number at the start, if the number or the seconds exceed `i64::MAX`, or if the
/// unit is missing or unknown.
pub fn parse_duration(text: &str) -> Result<Duration> {
    let refuse = || {
        MetadataError::invalid(
            "duration",
            format!("{text:?}"),
            "a number with a unit: d, h, min, s, ms, µs or ns",
        )
    };
    let (number, nanos) = number_and_unit(text, TIME_UNITS, refuse)?;
    let duration = if nanos >= NANOS_PER_SECOND {
        let seconds = number.checked_mul(nanos / NANOS_PER_SECOND);
        Duration::from_secs(
            seconds
                .filter(|s| i64::try_from(*s).is_ok())
                .ok_or_else(refuse)?,
        )
    } else {
        let per_second = NANOS_PER_SECOND / nanos;
        // Less than a second of nanoseconds fits into 32 bits.
        Duration::new(number / per_second, (number % per_second * nanos) as u32)
    };
    Ok(duration)
}

/// Parses a size in bytes, such as `2mb`, `64 kb` or `1024b`; units are powers of 1024. A unit is required.
///
/// # Errors
///
/// Returns an error if there is no number at the start, if the unit is missing or unknown, or for more than
/// `i64::MAX` bytes.
pub fn parse_memory_size(text: &str) -> Result<u64> {
    let refuse = || {
        MetadataError::invalid(
            "memory size",
            format!("{text:?}"),
            "a number with a unit: b, kb, mb, gb or tb",
        )
    };
    let (number, factor) = number_and_unit(text, SIZE_UNITS, refuse)?;
    number
        .checked_mul(factor)
        .filter(|bytes| i64::try_from(*bytes).is_ok())
        .ok_or_else(refuse)
}

/// Formats a duration for [`parse_duration`], in the largest unit without a remainder. Whole days are formatted in
/// milliseconds, as in the Java class.
pub fn format_duration(duration: Duration) -> String {
    let (unit, factor) =
        largest_unit(TIME_UNITS, 0, duration.as_nanos()).unwrap_or(("ms", 1_000_000));
    format!("{} {unit}", duration.as_nanos() / factor)
}

/// Formats a size for [`parse_memory_size`], in the largest unit without a remainder. Whole terabytes are formatted
/// in bytes, as in the Java class.
pub fn format_memory_size(bytes: u64) -> String {
    let sizes = SIZE_UNITS.iter().rev().copied().collect::<Vec<_>>();
    let (unit, factor) = largest_unit(&sizes, 1, u128::from(bytes)).unwrap_or(("bytes", 1));
    format!("{} {unit}", u128::from(bytes) / factor)
}

/// The largest unit without a remainder, by the name at `name`; `None` if that is the first and largest of all.
fn largest_unit(
    units: &[(&[&'static str], u64)],
    name: usize,
    value: u128,
) -> Option<(&'static str, u128)> {
    let at = units
        .iter()
        .position(|(_, factor)| value.is_multiple_of(u128::from(*factor)))
        .filter(|at| *at > 0)?;
    let (names, factor) = units.get(at)?;
    Some((names.get(name)?, u128::from(*factor)))
}

/// Parses `true` or `false`, ignoring case.
pub fn parse_boolean(text: &str) -> Result<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Ok(true),
        _ if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(MetadataError::invalid(
            "boolean",
            format!("{text:?}"),
            "true or false",
        )),
    }
}

/// Parses a whole number without surrounding white space.
pub fn parse_integer<T: FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| {
        MetadataError::invalid("number", format!("{text:?}"), "a whole number within range")
    })
}

/// Parses one of `choices` by name, ignoring case.
pub(crate) fn parse_choice<T: Copy>(
    text: &str,
    choices: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T> {
    choices
        .iter()
        .copied()
        .find(|choice| name(*choice).eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            let names = choices
                .iter()
                .map(|choice| name(*choice))
                .collect::<Vec<_>>();
            MetadataError::invalid(
                "choice",
                format!("{text:?}"),
                format!("one of {}", names.join(", ")),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_formatted_is_read_again() {
        for nanos in [
            0,
            1,
            1500,
            1_000_000,
            90_000_000_000,
            86_400_000_000_000_u64,
        ] {
            let duration = Duration::from_nanos(nanos);
            assert_eq!(
                parse_duration(&format_duration(duration)).unwrap(),
                duration
            );
        }
        for bytes in [0, 1, 1024, 1_500_000, 3 << 30, 1 << 40] {
            assert_eq!(
                parse_memory_size(&format_memory_size(bytes)).unwrap(),
                bytes
            );
        }
    }
}
