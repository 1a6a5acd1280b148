//! Human-readable durations and counts, for error messages.

use std::fmt;
use std::time::Duration;

/// A human-readable duration: `880 ms`, `1.5 s`, `30 s`, `2 min 5 s`, `7 d`.
///
/// ```
/// use std::time::Duration;
/// use fluss_metadata::text::Readable;
///
/// let waited = Duration::from_nanos(880_280_916);
/// assert_eq!(Readable(waited).to_string(), "880 ms");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readable(pub Duration);

impl fmt::Display for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(time) = *self;
        let (seconds, millis) = (time.as_secs(), time.as_millis());
        // At most two units, and no more digits than are useful.
        match (millis, seconds) {
            (0, _) if time.is_zero() => f.write_str("0 ms"),
            (0, _) if time.as_micros() == 0 => write!(f, "{} ns", time.as_nanos()),
            (0, _) => write!(f, "{} µs", time.as_micros()),
            (1..1000, _) => write!(f, "{millis} ms"),
            (_, 0..60) => {
                let tenths = time.subsec_millis() / 100;
                if tenths == 0 {
                    write!(f, "{seconds} s")
                } else {
                    write!(f, "{seconds}.{tenths} s")
                }
            }
            (_, 60..3600) => units(f, [(seconds / 60, "min"), (seconds % 60, "s")]),
            (_, 3600..86_400) => units(f, [(seconds / 3600, "h"), (seconds % 3600 / 60, "min")]),
            _ => units(f, [(seconds / 86_400, "d"), (seconds % 86_400 / 3600, "h")]),
        }
    }
}

fn units(f: &mut fmt::Formatter<'_>, parts: [(u64, &str); 2]) -> fmt::Result {
    let [(first, unit), (second, smaller)] = parts;
    write!(f, "{first} {unit}")?;
    if second > 0 {
        write!(f, " {second} {smaller}")?;
    }
    Ok(())
}

/// A count with a noun in the singular or plural: `1 column`, `3 columns`, `2 batches`.
///
/// Pass the noun in the singular; its plural must be regular.
///
/// ```
/// use fluss_metadata::text::Count;
///
/// assert_eq!(Count(1, "column").to_string(), "1 column");
/// assert_eq!(Count(0, "column").to_string(), "0 columns");
/// assert_eq!(Count(2, "batch").to_string(), "2 batches");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<'a>(pub usize, pub &'a str);

impl fmt::Display for Count<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, noun) = *self;
        let plural = if number == 1 {
            ""
        } else if ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end)) {
            "es"
        } else {
            "s"
        };
        write!(f, "{number} {noun}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_few_digits_and_a_unit() {
        for (nanos, expected) in [
            (0, "0 ms"),
            (916, "916 ns"),
            (1_500, "1 µs"),
            (999_999, "999 µs"),
            (1_000_000, "1 ms"),
            (880_280_916, "880 ms"),
            (1_000_000_000, "1 s"),
            (1_049_999_999, "1 s"),
            (1_500_000_001, "1.5 s"),
            (30_000_000_000, "30 s"),
            (59_999_999_999, "59.9 s"),
            (60_000_000_000, "1 min"),
            (125_400_000_000, "2 min 5 s"),
            (3_600_000_000_000, "1 h"),
            (5_400_000_000_000, "1 h 30 min"),
            (86_400_000_000_000, "1 d"),
            (7 * 86_400_000_000_000, "7 d"),
            (90_000_000_000_000, "1 d 1 h"),
        ] {
            let text = Readable(Duration::from_nanos(nanos)).to_string();
            assert_eq!(text, expected, "{nanos} ns");
        }
        assert!(!Readable(Duration::MAX).to_string().is_empty());
    }

    #[test]
    fn one_is_singular_and_all_else_plural() {
        for (number, noun, expected) in [
            (0, "row", "0 rows"),
            (1, "row", "1 row"),
            (2, "row", "2 rows"),
            (1, "batch", "1 batch"),
            (5, "batch", "5 batches"),
            (3, "byte", "3 bytes"),
        ] {
            assert_eq!(Count(number, noun).to_string(), expected);
        }
    }
}
