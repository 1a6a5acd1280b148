//! Parses values of options. Errors say what was expected; the caller knows the key and the value.

use std::time::Duration;

use fluss_metadata::config_value::{parse_boolean, parse_duration, parse_memory_size};

use super::option::OptionKind;

/// Reads a duration: a number with a unit as in Java, or ISO-8601 without years and months.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok().or_else(|| iso_duration(text.trim())).ok_or_else(|| {
        "a number with a unit (d, h, min, s, ms, µs or ns), such as `500ms`, or ISO-8601, such as `PT0.5S`"
            .to_owned()
    })
}

/// `P1DT2H3M4.5S`, each part at most once and in this order.
fn iso_duration(text: &str) -> Option<Duration> {
    const PARTS: [(char, bool, u64); 4] = [
        ('D', false, 86_400),
        ('H', true, 3600),
        ('M', true, 60),
        ('S', true, 1),
    ];
    let text = text.to_ascii_uppercase();
    let mut rest = text.strip_prefix('P')?;
    let (mut in_time, mut parts, mut any) = (false, PARTS.iter(), false);
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            if in_time || time.is_empty() {
                return None;
            }
            in_time = true;
            rest = time;
            continue;
        }
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let unit = tail.chars().next()?;
        let (_, _, seconds) =
            parts.find(|(name, of_time, _)| *name == unit && *of_time == in_time)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (number.contains('.') && (unit != 'S' || fraction.is_empty())) || fraction.len() > 9 {
            return None;
        }
        let whole = whole.parse::<u64>().ok()?.checked_mul(*seconds)?;
        let nanos = format!("{fraction:0<9}").parse::<u32>().ok()?;
        total = total.checked_add(Duration::new(whole, nanos))?;
        any = true;
        rest = tail.strip_prefix(unit)?;
    }
    any.then_some(total)
}

/// Reads a size in bytes.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let bytes = parse_memory_size(text).ok();
    bytes
        .and_then(|bytes| usize::try_from(bytes).ok())
        .ok_or_else(|| "a number with a unit (b, kb, mb, gb or tb), such as `2mb`".to_owned())
}

/// Reads a whole number from 0 to 2147483647.
pub(super) fn count(text: &str) -> Result<usize, String> {
    usize::try_from(integer(text)?).map_err(|_| "0 to 2147483647".to_owned())
}

/// Like [`count`], for numbers of retries. The maximum means no limit.
pub(super) fn retries(text: &str) -> Result<u32, String> {
    match integer(text)? {
        i32::MAX => Ok(u32::MAX),
        number => u32::try_from(number).map_err(|_| "0 to 2147483647".to_owned()),
    }
}

fn integer(text: &str) -> Result<i32, String> {
    text.trim()
        .parse()
        .map_err(|_| "a whole number, at most 2147483647".to_owned())
}

/// Reads `true` or `false`.
pub(super) fn boolean(text: &str) -> Result<bool, String> {
    parse_boolean(text.trim()).map_err(|_| "true or false".to_owned())
}

/// The position of a word in a list, ignoring case.
pub(super) fn choice<'a>(text: &str, words: &[&'a str]) -> Result<&'a str, String> {
    let text = text.trim();
    words
        .iter()
        .find(|word| word.eq_ignore_ascii_case(text))
        .copied()
        .ok_or_else(|| words.join(" or "))
}

/// Checks the syntax of a value, for options whose value is not used.
pub(in crate::config) fn check(kind: OptionKind, text: &str) -> Result<(), String> {
    match kind {
        OptionKind::Text | OptionKind::Secret | OptionKind::List => Ok(()),
        OptionKind::Boolean => boolean(text).map(drop),
        OptionKind::Integer => integer(text).map(drop),
        OptionKind::Double => text
            .trim()
            .parse::<f64>()
            .map(drop)
            .map_err(|_| "a number".to_owned()),
        OptionKind::Duration => duration(text).map(drop),
        OptionKind::MemorySize => size(text).map(drop),
        OptionKind::Choice(words) => choice(text, words).map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_may_have_a_unit_or_be_iso() {
        for (text, expected) in [
            ("500ms", Some(Duration::from_millis(500))),
            ("2min", Some(Duration::from_secs(120))),
            ("PT0.1S", Some(Duration::from_millis(100))),
            ("pt2m", Some(Duration::from_secs(120))),
            ("P1DT1H1M1S", Some(Duration::from_secs(90_061))),
            ("P2D", Some(Duration::from_secs(172_800))),
            (
                "PT2562047H47M16.854775807S",
                Some(Duration::from_nanos(i64::MAX as u64)),
            ),
            ("P", None),
            ("PT", None),
            ("P1M", None),
            ("P1DT", None),
            ("PT1", None),
            ("PT1S1M", None),
            ("PT1.5M", None),
            ("PT.S", None),
            ("PT1.S", None),
            ("PT-1S", None),
            ("PT99999999999999999999S", None),
            ("P999999999999999999D", None),
            ("é", None),
            ("Pé", None),
            ("5", None),
            ("", None),
        ] {
            assert_eq!(duration(text).ok(), expected, "{text}");
        }
    }
}
