//! DECIMAL values: an unscaled integer of up to 38 digits with precision and scale.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::{DataGetters, FieldRef, Result, RowError};

/// Maximum number of digits of a DECIMAL.
pub(crate) const MAX_PRECISION: u32 = 38;

/// Most digits of a decimal that formats store as a 64-bit integer.
pub(crate) const MAX_COMPACT_PRECISION: u32 = 18;

/// 10^0 to 10^38.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut rest: &mut [_] = &mut powers;
    let mut power = 1_i128;
    while let [first, after @ ..] = rest {
        *first = power;
        // 10^39, which is never needed, is too large.
        power = power.wrapping_mul(10);
        rest = after;
    }
    powers
};

#[inline]
pub(crate) fn power(exponent: u32) -> Option<i128> {
    POWERS.get(exponent as usize).copied()
}

/// An exact decimal number: `unscaled / 10^scale`, with at most `precision` digits.
///
/// Two decimals are equal if their numbers are, whatever their scales: `1.50 == 1.5`.
///
/// ```
/// use fluss_row::Decimal;
///
/// let price: Decimal = "123.45".parse()?;
/// assert_eq!((price.unscaled(), price.precision(), price.scale()), (12345, 5, 2));
/// assert_eq!(price.rescale(10, 1)?.to_string(), "123.5");
/// # Ok::<(), fluss_row::RowError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Decimal {
    // Two halves instead of an i128, whose alignment of 16 would make every Datum larger.
    high: i64,
    low: u64,
    precision: u8,
    scale: u8,
}

impl Decimal {
    /// Creates a decimal from its unscaled integer. Returns an error if the precision is not in `1..=38`, the scale
    /// is not in `0..=precision`, or the integer has more digits than the precision.
    #[inline]
    pub fn from_unscaled(unscaled: i128, precision: u32, scale: u32) -> Result<Self> {
        let fits = (1..=MAX_PRECISION).contains(&precision)
            && scale <= precision
            && Self::fits(unscaled, precision);
        if fits {
            Ok(Self {
                high: (unscaled >> 64) as i64,
                low: unscaled as u64,
                precision: precision as u8,
                scale: scale as u8,
            })
        } else {
            Err(invalid(&format!("{unscaled}e-{scale}"), precision, scale))
        }
    }

    /// A decimal as a server stored it in a column of this precision and scale. Servers do not check the precision of
    /// what they compute: a sum that outgrew its column has as many digits as it needs. `None` beyond 38 digits.
    #[inline]
    pub(crate) fn stored(unscaled: i128, precision: u32, scale: u32) -> Option<Self> {
        let precision = if Self::fits(unscaled, precision) {
            precision
        } else {
            digits(unscaled)?
        };
        Some(Self {
            high: (unscaled >> 64) as i64,
            low: unscaled as u64,
            precision: precision as u8,
            scale: scale as u8,
        })
    }

    /// Whether an unscaled integer has no more digits than the precision.
    #[inline]
    pub(crate) fn fits(unscaled: i128, precision: u32) -> bool {
        power(precision).is_some_and(|limit| unscaled < limit && unscaled > -limit)
    }

    /// Like [`Decimal::from_unscaled`], from a 64-bit integer.
    pub fn from_unscaled_long(unscaled: i64, precision: u32, scale: u32) -> Result<Self> {
        Self::from_unscaled(i128::from(unscaled), precision, scale)
    }

    /// Like [`Decimal::from_unscaled`], from big-endian two's complement bytes in the format of Java's
    /// `BigInteger.toByteArray`. Also returns an error for no bytes or more than 16.
    pub fn from_unscaled_bytes(bytes: &[u8], precision: u32, scale: u32) -> Result<Self> {
        match unscaled_from_bytes(bytes) {
            Some(unscaled) => Self::from_unscaled(unscaled, precision, scale),
            None => Err(invalid(
                "an integer of more than 16 or of no bytes",
                precision,
                scale,
            )),
        }
    }

    /// Parses plain decimal text with exactly this precision and scale, rounding half up (away from zero) as Java does.
    pub fn parse(text: &str, precision: u32, scale: u32) -> Result<Self> {
        text.parse::<Self>()?.rescale(precision, scale)
    }

    /// Returns the integer without the decimal point.
    #[inline]
    pub const fn unscaled(&self) -> i128 {
        ((self.high as i128) << 64) | self.low as i128
    }

    /// Returns the integer without the decimal point, when 64 bits hold it.
    pub fn to_unscaled_long(&self) -> Result<i64> {
        i64::try_from(self.unscaled()).map_err(|_| RowError::InvalidValue {
            expected: Cow::Borrowed("64-bit unscaled integer"),
            value: self.to_string().into(),
        })
    }

    /// Returns the integer without the decimal point as the fewest big-endian two's complement bytes,
    /// like Java's `BigInteger.toByteArray`.
    pub fn to_unscaled_bytes(&self) -> Vec<u8> {
        let (bytes, skip) = unscaled_to_bytes(self.unscaled());
        bytes.get(skip..).unwrap_or_default().to_vec()
    }

    /// Returns the maximum number of digits.
    #[inline]
    pub const fn precision(&self) -> u32 {
        self.precision as u32
    }

    /// Returns the number of digits after the decimal point.
    #[inline]
    pub const fn scale(&self) -> u32 {
        self.scale as u32
    }

    /// Returns the same number with another precision and scale, rounded half up (away from zero) if digits are lost.
    /// Returns an error if the digits before the point do not fit.
    pub fn rescale(&self, precision: u32, scale: u32) -> Result<Self> {
        let unscaled = self.unscaled();
        let rescaled = if scale >= self.scale() {
            power(scale - self.scale()).and_then(|factor| unscaled.checked_mul(factor))
        } else {
            power(self.scale() - scale).map(|divisor| {
                let (quotient, remainder) = (unscaled / divisor, unscaled % divisor);
                let round_up = remainder.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
                quotient + if round_up { unscaled.signum() } else { 0 }
            })
        };
        match rescaled {
            Some(unscaled) => Self::from_unscaled(unscaled, precision, scale),
            None => Err(invalid(&self.to_string(), precision, scale)),
        }
    }

    /// Returns the unscaled integer for a column of this precision and scale; `None` when digits
    /// would get lost. Other than [`Decimal::rescale`] this never rounds.
    #[inline]
    pub(crate) fn unscaled_exact(&self, precision: u32, scale: u32) -> Option<i128> {
        if self.scale() == scale && self.precision() <= precision {
            return Some(self.unscaled());
        }
        self.unscaled_exact_slow(precision, scale)
    }

    #[cold]
    fn unscaled_exact_slow(&self, precision: u32, scale: u32) -> Option<i128> {
        let rescaled = self.rescale(precision, scale).ok()?;
        (rescaled == *self).then(|| rescaled.unscaled())
    }

    /// Integer part and, scaled to 38 digits, fraction: comparable whatever the scale.
    fn parts(&self) -> (i128, i128) {
        let divisor = power(self.scale()).unwrap_or(1);
        let widen = power(MAX_PRECISION - self.scale()).unwrap_or(1);
        let unscaled = self.unscaled();
        (unscaled / divisor, (unscaled % divisor) * widen)
    }
}

/// How many digits an integer has; `None` beyond 38.
#[cold]
fn digits(unscaled: i128) -> Option<u32> {
    (1..=MAX_PRECISION).find(|count| Decimal::fits(unscaled, *count))
}

/// The decimal of a row that is to be written to a column. Other than the getter, which returns what a server stored,
/// it errs for more digits than the column has.
#[inline]
pub(crate) fn column_decimal<R: DataGetters + ?Sized>(
    row: &R,
    pos: usize,
    precision: u32,
    scale: u32,
) -> Result<Decimal> {
    let value = row.get_decimal(pos, precision, scale)?;
    if value.precision() <= precision {
        return Ok(value);
    }
    Err(RowError::ValueOutOfRange {
        field: FieldRef::at(pos),
        expected: format!("DECIMAL({precision}, {scale})").into(),
        value: value.to_string().into(),
    })
}

fn invalid(value: &str, precision: u32, scale: u32) -> RowError {
    RowError::InvalidValue {
        expected: format!("DECIMAL({precision}, {scale})").into(),
        value: value.into(),
    }
}

/// A big-endian two's complement integer of 1 to 16 bytes.
#[inline]
pub(crate) fn unscaled_from_bytes(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let fill = if first & 0x80 == 0 { 0 } else { 0xff };
    let mut wide = [fill; 16];
    wide.get_mut(16_usize.checked_sub(bytes.len())?..)?
        .copy_from_slice(bytes);
    Some(i128::from_be_bytes(wide))
}

/// The big-endian bytes of an integer and how many of the first are mere sign.
#[inline]
pub(crate) fn unscaled_to_bytes(unscaled: i128) -> ([u8; 16], usize) {
    // One sign bit must stay: 127 takes one byte, 128 takes two.
    let sign_bits = if unscaled < 0 {
        (!unscaled).leading_zeros()
    } else {
        unscaled.leading_zeros()
    };
    (unscaled.to_be_bytes(), ((sign_bits - 1) / 8) as usize)
}

impl FromStr for Decimal {
    type Err = RowError;

    /// Parses `-123.45`: precision is the number of digits (leading zeros aside), scale
    /// the number of digits after the point.
    fn from_str(text: &str) -> Result<Self> {
        let error = || RowError::InvalidValue {
            expected: Cow::Borrowed("DECIMAL"),
            value: text.into(),
        };
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction)
        {
            return Err(error());
        }
        let whole = whole.trim_start_matches('0');
        let scale = fraction.len();
        if whole.len() + scale > MAX_PRECISION as usize {
            return Err(error());
        }
        let mut unscaled = 0_i128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            unscaled = unscaled * 10 + i128::from(digit - b'0');
        }
        if text.starts_with('-') {
            unscaled = -unscaled;
        }
        Self::from_unscaled(unscaled, (whole.len() + scale).max(1) as u32, scale as u32)
    }
}

impl fmt::Display for Decimal {
    /// Plain text without exponent, all digits of the scale included: `-0.050`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unscaled = self.unscaled();
        let magnitude = unscaled.unsigned_abs();
        let divisor = power(self.scale()).unwrap_or(1).unsigned_abs();
        let text = if self.scale() == 0 {
            magnitude.to_string()
        } else {
            format!(
                "{}.{:0width$}",
                magnitude / divisor,
                magnitude % divisor,
                width = self.scale as usize
            )
        };
        f.pad_integral(unscaled >= 0, "", &text)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            self.unscaled().cmp(&other.unscaled())
        } else {
            self.parts().cmp(&other.parts())
        }
    }
}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

macro_rules! decimal_from_integer {
    ($($type:ty: $precision:literal),*) => {$(
        impl From<$type> for Decimal {
            #[doc = concat!("The integer with scale 0 and precision ", stringify!($precision), ".")]
            fn from(value: $type) -> Self {
                let wide = i128::from(value);
                Self { high: (wide >> 64) as i64, low: wide as u64, precision: $precision, scale: 0 }
            }
        }
    )*};
}
decimal_from_integer!(i8: 3, i16: 5, i32: 10, i64: 19, u8: 3, u16: 5, u32: 10, u64: 20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_and_prints() {
        for (text, unscaled, precision, scale) in [
            ("0", 0, 1, 0),
            ("-0.050", -50, 3, 3),
            ("123.45", 12345, 5, 2),
            ("+7.", 7, 1, 0),
            (".5", 5, 1, 1),
            ("00012", 12, 2, 0),
            (
                "99999999999999999999999999999999999999",
                10_i128.pow(38) - 1,
                38,
                0,
            ),
        ] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(
                (decimal.unscaled(), decimal.precision(), decimal.scale()),
                (unscaled, precision, scale),
                "{text}"
            );
            let again: Decimal = decimal.to_string().parse().unwrap();
            assert_eq!(again, decimal);
        }
        assert_eq!(
            Decimal::from_unscaled(-50, 5, 3).unwrap().to_string(),
            "-0.050"
        );
        for text in [
            "",
            ".",
            "-",
            "1e5",
            "1.2.3",
            "٣",
            "999999999999999999999999999999999999999",
            "--1",
            "1_0",
        ] {
            assert!(text.parse::<Decimal>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn precision_and_scale_are_checked() {
        for (unscaled, precision, scale, ok) in [
            (999, 3, 0, true),
            (1000, 3, 0, false),
            (-1000, 3, 0, false),
            (1, 0, 0, false),
            (1, 39, 0, false),
            (1, 3, 4, false),
            (i128::MIN, 38, 0, false),
            (i128::MAX, 38, 0, false),
        ] {
            assert_eq!(
                Decimal::from_unscaled(unscaled, precision, scale).is_ok(),
                ok,
                "{unscaled} {precision} {scale}"
            );
        }
    }

    #[test]
    fn rescaling_rounds_half_up() {
        for (text, precision, scale, expected) in [
            ("1.25", 10, 1, "1.3"),
            ("-1.25", 10, 1, "-1.3"),
            ("1.24", 10, 1, "1.2"),
            ("1.5", 10, 3, "1.500"),
            ("0.5", 10, 0, "1"),
            ("9.99", 3, 1, "10.0"),
        ] {
            assert_eq!(
                Decimal::parse(text, precision, scale).unwrap().to_string(),
                expected
            );
        }
        assert!(Decimal::parse("99.9", 2, 0).is_err());
        let wide = Decimal::from_unscaled(10_i128.pow(37), 38, 0).unwrap();
        assert!(wide.rescale(38, 38).is_err());
        assert_eq!(wide.unscaled_exact(38, 1), None);
    }

    #[test]
    fn a_stored_decimal_has_as_many_digits_as_it_needs() {
        for (unscaled, precision, expected) in [
            (9999_i128, 4, 4),
            (10_000, 4, 5),
            (-10_000, 4, 5),
            (i128::from(i64::MIN), 18, 19),
            (10_i128.pow(38) - 1, 20, 38),
        ] {
            let decimal = Decimal::stored(unscaled, precision, 2).unwrap();
            assert_eq!(
                (decimal.unscaled(), decimal.precision(), decimal.scale()),
                (unscaled, expected, 2)
            );
        }
        for unscaled in [10_i128.pow(38), i128::MIN, i128::MAX] {
            assert!(Decimal::stored(unscaled, 4, 2).is_none());
        }
    }

    #[test]
    fn bytes_are_those_of_java_big_integer() {
        for (unscaled, bytes) in [
            (0_i128, vec![0_u8]),
            (127, vec![0x7f]),
            (128, vec![0, 0x80]),
            (-1, vec![0xff]),
            (-128, vec![0x80]),
            (-129, vec![0xff, 0x7f]),
            (256, vec![1, 0]),
        ] {
            let decimal = Decimal::from_unscaled(unscaled, 38, 0).unwrap();
            assert_eq!(decimal.to_unscaled_bytes(), bytes);
            assert_eq!(
                Decimal::from_unscaled_bytes(&bytes, 38, 0).unwrap(),
                decimal
            );
        }
        assert!(Decimal::from_unscaled_bytes(&[], 38, 0).is_err());
        assert!(Decimal::from_unscaled_bytes(&[0; 17], 38, 0).is_err());
    }

    #[test]
    fn order_and_equality_look_at_the_number() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(decimal("1.50"), decimal("1.5"));
        assert!(decimal("-1.51") < decimal("-1.5"));
        assert!(decimal("0.00000000000000000000000000000000000001") > decimal("0"));
        assert!(decimal("99999999999999999999999999999999999999") > decimal("0.5"));
    }
}
