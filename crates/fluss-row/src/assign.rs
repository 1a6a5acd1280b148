//! Assignment of values to columns: a column has the same value in keys, lookups and changelogs.
//!
//! Strings and bytes of the wrong length are rejected, and digits of a time beyond the precision of the type are
//! truncated, as in SQL. The encoders of rows and keys that mirror Java's classes write values as given, like those;
//! writers of tables assign.

use fluss_metadata::text::Count;

use crate::{DataGetters, FieldRef, Result, RowError, Time, TimestampLtz, TimestampNtz};

/// Characters of a text that are shown in an error.
const SHOWN: usize = 40;

/// Whether a text has more characters than a CHAR of this length.
#[inline]
pub(crate) fn has_more_chars(text: &str, length: u32) -> bool {
    text.len() > length as usize && text.chars().nth(length as usize).is_some()
}

/// A text as it is shown in an error.
#[cold]
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!(
            "{:?}... ({} characters)",
            text.get(..end).unwrap_or_default(),
            text.chars().count()
        ),
        None => format!("{text:?}"),
    }
}

/// Whether values are written as the column takes them, or as they are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// As Java writes them.
    AsGiven,
    /// As SQL assigns them.
    Assigned,
}

/// Decimals of a second that a time has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digits {
    precision: u8,
    values: Values,
}

/// The length of a CHAR or BINARY.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Width {
    pub(crate) length: u32,
    values: Values,
}

impl Digits {
    pub(crate) fn new(precision: u32, values: Values) -> Self {
        Self {
            precision: precision as u8,
            values,
        }
    }

    /// Those that are left of a time.
    #[inline]
    const fn kept(self) -> u32 {
        match self.values {
            Values::AsGiven => 9,
            Values::Assigned => self.precision as u32,
        }
    }
}

impl Width {
    pub(crate) fn new(length: u32, values: Values) -> Self {
        Self { length, values }
    }
}

/// The text of a CHAR column that is to be written.
#[inline]
pub(crate) fn char_of<R: DataGetters + ?Sized>(row: &R, pos: usize, width: Width) -> Result<&str> {
    let text = row.get_char(pos, width.length as usize)?;
    if width.values == Values::Assigned && has_more_chars(text, width.length) {
        return Err(misfit(pos, format!("CHAR({})", width.length), shown(text)));
    }
    Ok(text)
}

/// The bytes of a BINARY column that is to be written. An Arrow column holds neither more nor fewer of them.
#[inline]
pub(crate) fn binary_of<R: DataGetters + ?Sized>(
    row: &R,
    pos: usize,
    width: Width,
) -> Result<&[u8]> {
    let bytes = row.get_binary(pos, width.length as usize)?;
    if width.values == Values::Assigned && bytes.len() != width.length as usize {
        let value = format!("a value of {}", Count(bytes.len(), "byte"));
        return Err(misfit(pos, format!("BINARY({})", width.length), value));
    }
    Ok(bytes)
}

/// The time of a TIME column that is to be written.
#[inline]
pub(crate) fn time_of<R: DataGetters + ?Sized>(
    row: &R,
    pos: usize,
    digits: Digits,
) -> Result<Time> {
    Ok(row.get_time(pos)?.cut(digits.kept()))
}

/// The time of a TIMESTAMP column that is to be written.
#[inline]
pub(crate) fn timestamp_of<R: DataGetters + ?Sized>(
    row: &R,
    pos: usize,
    digits: Digits,
) -> Result<TimestampNtz> {
    let value = row.get_timestamp_ntz(pos, digits.precision.into())?;
    Ok(value.cut(digits.kept()))
}

/// The instant of a `TIMESTAMP_LTZ` column that is to be written.
#[inline]
pub(crate) fn instant_of<R: DataGetters + ?Sized>(
    row: &R,
    pos: usize,
    digits: Digits,
) -> Result<TimestampLtz> {
    let value = row.get_timestamp_ltz(pos, digits.precision.into())?;
    Ok(value.cut(digits.kept()))
}

#[cold]
fn misfit(pos: usize, expected: String, value: String) -> RowError {
    RowError::ValueOutOfRange {
        field: FieldRef::at(pos),
        expected: expected.into(),
        value: value.into(),
    }
}
