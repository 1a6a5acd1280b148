//! Patterns for times, such as `yyyy-MM-dd`, with the features that partitions need.
//!
//! They format and parse like `java.time.format.DateTimeFormatter`, including its rules for adjacent digits, because
//! servers and clients must agree on the partition of a time.

use super::auto::AutoPartitionTimeUnit;
use super::zone::Local;
use crate::error::{MetadataError, Result};
use crate::text::Count;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    /// Letter y.
    YearOfEra,
    /// Letter u.
    Year,
    Quarter,
    Month,
    Day,
    Hour,
}

/// Which signs a number may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// None.
    Never,
    /// A minus.
    Negative,
    /// A minus, and a plus exactly when there are more digits than the least.
    ExceedsPad,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Literal(String),
    Number {
        field: Field,
        least: usize,
        most: usize,
        sign: Sign,
        /// Digits that this number must leave for the numbers that follow directly.
        reserved: usize,
    },
}

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeFormat {
    items: Vec<Item>,
}

fn number(letter: char, count: usize) -> Option<Item> {
    let (field, least, most, sign) = match (letter, count) {
        ('y', 4) => (Field::YearOfEra, 4, 19, Sign::ExceedsPad),
        ('u', 4) => (Field::Year, 4, 19, Sign::ExceedsPad),
        ('Q' | 'q', 1) => (Field::Quarter, 1, 19, Sign::Negative),
        ('M' | 'L', 2) => (Field::Month, 2, 2, Sign::Never),
        ('d', 2) => (Field::Day, 2, 2, Sign::Never),
        ('H', 2) => (Field::Hour, 2, 2, Sign::Never),
        _ => return None,
    };
    Some(Item::Number {
        field,
        least,
        most,
        sign,
        reserved: 0,
    })
}

impl TimeFormat {
    /// Parses a pattern of the fields `yyyy` or `uuuu`, `Q`, `MM`, `dd` and `HH`, and text between them.
    pub(super) fn parse(pattern: &str) -> Result<Self> {
        let refuse = |got: String| {
            MetadataError::invalid(
                "time format",
                got,
                "the fields yyyy, Q, MM, dd and HH, and text in quotes or without letters",
            )
        };
        let mut items = Vec::new();
        // The start of the number that must leave digits for those directly after it.
        let mut adjacent = None;
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            if first.is_ascii_alphabetic() {
                let behind = rest.trim_start_matches(first);
                let count = rest.len() - behind.len();
                let item = number(first, count).ok_or_else(|| {
                    refuse(format!("{} {first} in {pattern:?}", Count(count, "letter")))
                })?;
                append_number(&mut items, &mut adjacent, item);
                rest = behind;
                continue;
            }
            adjacent = None;
            let (text, behind) = match first {
                '\'' => {
                    quoted(rest).ok_or_else(|| refuse(format!("an open quote in {pattern:?}")))?
                }
                '[' | ']' | '{' | '}' | '#' => {
                    return Err(refuse(format!("{first:?} in {pattern:?}")));
                }
                _ => (
                    first.to_string(),
                    rest.get(first.len_utf8()..).unwrap_or(""),
                ),
            };
            items.push(Item::Literal(text));
            rest = behind;
        }
        Ok(Self { items })
    }

    /// Returns whether the fields are those that a unit requires, from longest to shortest.
    pub(super) fn has_fields_of(&self, unit: AutoPartitionTimeUnit) -> bool {
        let fields = self.items.iter().filter_map(|item| match item {
            Item::Literal(_) => None,
            Item::Number { field, .. } => Some(match field {
                Field::YearOfEra => Field::Year,
                other => *other,
            }),
        });
        let expected: &[Field] = match unit {
            AutoPartitionTimeUnit::Year => &[Field::Year],
            AutoPartitionTimeUnit::Quarter => &[Field::Year, Field::Quarter],
            AutoPartitionTimeUnit::Month => &[Field::Year, Field::Month],
            AutoPartitionTimeUnit::Day => &[Field::Year, Field::Month, Field::Day],
            AutoPartitionTimeUnit::Hour => &[Field::Year, Field::Month, Field::Day, Field::Hour],
        };
        fields.eq(expected.iter().copied())
    }

    pub(super) fn format(&self, local: Local) -> String {
        let mut text = String::new();
        for item in &self.items {
            match item {
                Item::Literal(literal) => text.push_str(literal),
                Item::Number {
                    field, least, sign, ..
                } => {
                    let value = match field {
                        Field::YearOfEra if local.day.year <= 0 => 1 - local.day.year,
                        Field::YearOfEra | Field::Year => local.day.year,
                        Field::Quarter => (local.day.month + 2) / 3,
                        Field::Month => local.day.month,
                        Field::Day => local.day.day,
                        Field::Hour => local.hour(),
                    };
                    let digits = format!("{:0least$}", value.unsigned_abs());
                    if value < 0 {
                        text.push('-');
                    } else if *sign == Sign::ExceedsPad && digits.len() > *least {
                        text.push('+');
                    }
                    text.push_str(&digits);
                }
            }
        }
        text
    }

    /// Returns whether a text matches this format.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.read(text).is_some_and(|values| values.are_possible())
    }

    fn read(&self, text: &str) -> Option<Values> {
        let mut values = Values::default();
        let mut rest = text;
        for item in &self.items {
            match item {
                Item::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Item::Number {
                    field,
                    least,
                    most,
                    sign,
                    reserved,
                } => {
                    let (value, behind) = read_number(rest, *least, *most, *sign, *reserved)?;
                    let slot = match field {
                        Field::YearOfEra => &mut values.year_of_era,
                        Field::Year => &mut values.year,
                        Field::Quarter => &mut values.quarter,
                        Field::Month => &mut values.month,
                        Field::Day => &mut values.day,
                        Field::Hour => &mut values.hour,
                    };
                    // A repeated field must have the same value.
                    if slot.is_some_and(|before| before != value) {
                        return None;
                    }
                    *slot = Some(value);
                    rest = behind;
                }
            }
        }
        rest.is_empty().then_some(values)
    }
}

/// Adds a number. The first of several adjacent numbers takes as many digits as possible, minus those of the others,
/// which have a fixed number of digits. A number without a fixed width makes the one before it take all.
fn append_number(items: &mut Vec<Item>, adjacent: &mut Option<usize>, item: Item) {
    let fixed = match &item {
        Item::Number {
            most,
            sign: Sign::Never,
            ..
        } => Some(*most),
        _ => None,
    };
    match (*adjacent, fixed) {
        (Some(at), Some(width)) => {
            if let Some(Item::Number { reserved, .. }) = items.get_mut(at) {
                *reserved += width;
            }
        }
        (Some(at), None) => {
            if let Some(Item::Number { reserved, .. }) = items.get_mut(at) {
                *reserved = 0;
            }
            *adjacent = Some(items.len());
        }
        (None, _) => *adjacent = Some(items.len()),
    }
    items.push(item);
}

/// Takes quoted text from the start; two quotes stand for one.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(behind) = inner.strip_prefix('\'') {
        return Some(("'".to_owned(), behind));
    }
    let mut text = String::new();
    let mut rest = inner;
    loop {
        let (before, behind) = rest.split_once('\'')?;
        text.push_str(before);
        match behind.strip_prefix('\'') {
            Some(more) => {
                text.push('\'');
                rest = more;
            }
            None => return Some((text, behind)),
        }
    }
}

fn read_number(
    text: &str,
    least: usize,
    most: usize,
    sign: Sign,
    reserved: usize,
) -> Option<(i128, &str)> {
    let (plus, minus, text) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) if sign == Sign::ExceedsPad => (true, false, rest),
        (_, Some(rest)) if sign != Sign::Never => (false, true, rest),
        (None, None) => (false, false, text),
        _ => return None,
    };
    let digits = text
        .bytes()
        .take(most.saturating_add(reserved))
        .take_while(u8::is_ascii_digit)
        .count();
    let length = if reserved > 0 {
        least.max(digits.saturating_sub(reserved))
    } else {
        digits
    };
    if digits < least || length > digits {
        return None;
    }
    let (number, rest) = text.split_at_checked(length)?;
    let value = number.parse::<i128>().ok()?;
    if minus {
        return (value != 0).then_some((-value, rest));
    }
    if sign == Sign::ExceedsPad && plus != (length > least) {
        return None;
    }
    Some((value, rest))
}

#[derive(Debug, Default)]
struct Values {
    year_of_era: Option<i128>,
    year: Option<i128>,
    quarter: Option<i128>,
    month: Option<i128>,
    day: Option<i128>,
    hour: Option<i128>,
}

/// The largest year that Java has.
const MAX_YEAR: i128 = 999_999_999;

impl Values {
    /// Resolves fields like Java: a month is only checked within a whole date, days up to 31 are clamped to the end
    /// of their month, and 24 hours mean the end of the day.
    fn are_possible(&self) -> bool {
        let long = |value: &Option<i128>| value.is_none_or(|value| i64::try_from(value).is_ok());
        let whole = [self.quarter, self.month, self.day, self.year];
        if !whole.iter().all(long) {
            return false;
        }
        let era = self.year_of_era;
        if era.is_some_and(|year| !(1..=MAX_YEAR + 1).contains(&year)) {
            return false;
        }
        if self.hour.is_some_and(|hour| !(0..=24).contains(&hour)) {
            return false;
        }
        match (self.year.or(era), self.month, self.day) {
            (Some(year), Some(month), Some(day)) => {
                (-MAX_YEAR..=MAX_YEAR).contains(&year)
                    && (1..=12).contains(&month)
                    && (1..=31).contains(&day)
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_java_reads_them() {
        let cases = [
            ("yyyyMMdd", "20240229", true),
            ("yyyyMMdd", "20240231", true),
            ("yyyyMMdd", "20240232", false),
            ("yyyyMMdd", "00000101", false),
            ("yyyyMMdd", "120240101", false),
            ("yyyyMMdd", "+120240101", true),
            ("yyyyMMddHH", "2024022924", true),
            ("yyyyMMddHH", "2024022925", false),
            ("yyyyMM", "202413", true),
            ("yyyyMM", "2024", false),
            ("yyyyQ", "20241", false),
            ("yyyy-Q", "2024-1", true),
            ("yyyy'Q'Q", "2024Q4", true),
            ("yyyy", "2024x", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(
                TimeFormat::parse(pattern).unwrap().matches(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn patterns_that_cannot_be_read_are_refused() {
        for pattern in ["yyy", "yyyy[MM]", "yyyy'", "yyyyMMddmm", "yyyy{", "x"] {
            assert!(TimeFormat::parse(pattern).is_err(), "{pattern}");
        }
        assert_eq!(
            TimeFormat::parse("''yyyy'a''b'")
                .unwrap()
                .format(Local::of_seconds(0)),
            "'1970a'b"
        );
    }
}
