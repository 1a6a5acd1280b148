//! Finds the decimal digits of a binary number.
//!
//! The number is a fraction of two whole numbers; digits are produced by division until the remainder is within half
//! a unit of the binary number's last place. Where Java 17 stops a digit earlier or later than that, so does this.

use std::cmp::Ordering;

use super::big::Big;

/// Significant digits, and the number of them before the decimal point (negative: zeros after it).
#[derive(Debug)]
pub(super) struct Digits {
    pub(super) digits: String,
    pub(super) point: i32,
}

/// Bits after the highest one of a significand.
const LOWER_BITS: i32 = 52;
/// More digits than a double ever has.
const MOST_DIGITS: usize = 24;
/// With larger binary exponents, whole numbers exceed 64 bits.
const MAX_WHOLE_EXPONENT: i32 = 62;

/// Digits of `significand` · 2^(`exponent` − 52). Bit 52 of the significand is set; `significant_bits` of it carry
/// information.
pub(super) fn decimal_digits(significand: u64, exponent: i32, significant_bits: i32) -> Digits {
    let used_bits = LOWER_BITS + 1 - significand.trailing_zeros().cast_signed();
    let fraction_bits = (used_bits - exponent - 1).max(0);
    if fraction_bits == 0 && (0..=MAX_WHOLE_EXPONENT).contains(&exponent) {
        return of_whole_number(significand, exponent, significant_bits);
    }
    of_fraction(
        significand,
        exponent,
        significant_bits,
        used_bits,
        fraction_bits,
    )
}

/// A whole number has its own digits; those beyond its precision are rounded off.
fn of_whole_number(significand: u64, exponent: i32, significant_bits: i32) -> Digits {
    let shift = (exponent - LOWER_BITS).unsigned_abs();
    let value = if exponent >= LOWER_BITS {
        significand << shift
    } else {
        significand >> shift
    };
    let unknown_bits = exponent - significant_bits - 1;
    // As many digits as 2^unknown_bits has, less one.
    let dropped = if unknown_bits > 1 {
        unknown_bits.unsigned_abs() * 30_103 / 100_000
    } else {
        0
    };
    let unit = 10_u64.pow(dropped);
    let rounded = value / unit + u64::from(dropped > 0 && value % unit >= unit / 2);
    let text = rounded.to_string();
    Digits {
        point: i32::try_from(text.len() as u64 + u64::from(dropped)).unwrap_or(i32::MAX),
        digits: text.trim_end_matches('0').to_owned(),
    }
}

/// Java's logarithm of 2, which ends earlier than ours: 0.301029995663981.
const LOG10_2: f64 = 301_029_995_663_981.0 / 1e15;

/// An estimate of the decimal exponent, right or one too high.
fn estimate_exponent(significand: u64, exponent: i32) -> i32 {
    // The significand as a number from 1 to 2, and the tangent of the logarithm at 1.5.
    let fraction = f64::from_bits(1023 << LOWER_BITS | significand & ((1 << LOWER_BITS) - 1));
    let estimate = (fraction - 1.5) * 0.289_529_654 + 0.176_091_259 + f64::from(exponent) * LOG10_2;
    estimate.floor() as i32
}

/// Bits of 5^power, as Java estimates them.
fn bits_of_power_of_5(power: i32) -> i32 {
    if power < 27 {
        i32::try_from(5_u64.pow(power.unsigned_abs()).ilog2()).unwrap_or(i32::MAX) + 1
    } else {
        power * 3
    }
}

/// A number as `value` · 5^`value_5` · 2^`value_2` / (5^`scale_5` · 2^`scale_2`) · 10^`decimal`, and half a unit in
/// its last place as 5^`value_5` · 2^`margin_2` over the same divisor.
struct Ratio {
    value: u64,
    value_5: u32,
    value_2: u32,
    scale_5: u32,
    scale_2: u32,
    margin_2: u32,
    decimal: i32,
}

/// The digits produced, and whether to round up the last one.
struct Generated {
    digits: Vec<u8>,
    decimal: i32,
    low: bool,
    high: bool,
    /// Compares twice the remainder with the divisor: which digit is nearer.
    twice_rest: Ordering,
}

fn of_fraction(
    significand: u64,
    exponent: i32,
    significant_bits: i32,
    used_bits: i32,
    fraction_bits: i32,
) -> Digits {
    let decimal = estimate_exponent(significand, exponent);
    let (value_5, scale_5) = ((-decimal).max(0), decimal.max(0));
    let mut value_2 = value_5 + fraction_bits + exponent;
    let mut scale_2 = scale_5 + fraction_bits;
    let mut margin_2 = value_2 - significant_bits;
    value_2 -= used_bits - 1;
    let common = value_2.min(scale_2);
    value_2 -= common;
    scale_2 -= common;
    margin_2 -= common;
    if used_bits == 1 {
        // Below a power of two numbers lie twice as dense.
        margin_2 -= 1;
    }
    if margin_2 < 0 {
        value_2 -= margin_2;
        scale_2 -= margin_2;
        margin_2 = 0;
    }
    let value_bits = used_bits + value_2 + bits_of_power_of_5(value_5);
    let scale_bits = scale_2 + 1 + bits_of_power_of_5(scale_5 + 1);
    let ratio = Ratio {
        value: significand >> significand.trailing_zeros(),
        value_5: value_5.unsigned_abs(),
        value_2: value_2.unsigned_abs(),
        scale_5: scale_5.unsigned_abs(),
        scale_2: scale_2.unsigned_abs(),
        margin_2: margin_2.unsigned_abs(),
        decimal,
    };
    let Generated {
        mut digits,
        mut decimal,
        low,
        high,
        twice_rest,
    } = match value_bits.max(scale_bits) {
        ..32 => ratio.generate_wrapping(|number| i64::from(number as i32)),
        32..64 => ratio.generate_wrapping(|number| number),
        _ => ratio.generate_exact(),
    };
    let odd = digits.last().is_some_and(|digit| digit % 2 == 1);
    let up = match (low, high) {
        (_, false) => false,
        (false, true) => true,
        (true, true) => twice_rest.is_gt() || (twice_rest.is_eq() && odd),
    };
    if up && round_up(&mut digits) {
        decimal += 1;
    }
    Digits {
        digits: digits
            .iter()
            .map(|digit| char::from(b'0' + digit))
            .collect(),
        point: decimal + 1,
    }
}

impl Ratio {
    /// As Java does with numbers of 32 or 64 bits, to whose width `wrap` cuts. Sums may overflow there, and digits
    /// change with it.
    fn generate_wrapping(&self, wrap: impl Fn(i64) -> i64) -> Generated {
        let made = |number: u64, power_of_5: u32, power_of_2: u32| {
            let product = number.wrapping_mul(5_u64.wrapping_pow(power_of_5));
            wrap(product.wrapping_shl(power_of_2).cast_signed())
        };
        let mut value = made(self.value, self.value_5, self.value_2);
        // Truncated to their bits, divisors stay above 0; otherwise Java would fail too.
        let scale = made(1, self.scale_5, self.scale_2).max(1);
        let ten_scales = wrap(scale.wrapping_mul(10));
        let mut margin = made(1, self.value_5, self.margin_2);
        generate(self.decimal, |first| {
            let digit = value.wrapping_div(scale);
            value = wrap(value.wrapping_rem(scale).wrapping_mul(10));
            margin = wrap(margin.wrapping_mul(10));
            let overflown = margin <= 0 && !first;
            Step {
                digit: digit.rem_euclid(10) as u8,
                low: overflown || value < margin,
                high: overflown || wrap(value.wrapping_add(margin)) > ten_scales,
                twice_rest: wrap(wrap(value.wrapping_mul(2)).wrapping_sub(ten_scales)).cmp(&0),
            }
        })
    }

    /// With numbers of any size. Here Java also stops if the margin is just reached.
    fn generate_exact(&self) -> Generated {
        let made = |number: u64, power_of_5: u32, power_of_2: u32| {
            Big::new(number)
                .times_power_of_5(power_of_5)
                .shifted(power_of_2)
        };
        let mut value = made(self.value, self.value_5, self.value_2);
        let scale = made(1, self.scale_5, self.scale_2);
        let ten_scales = scale.clone().times(10);
        let mut margin = made(1, self.value_5, self.margin_2);
        generate(self.decimal, |_| {
            let digit = value.divide(&scale);
            value = value.clone().times(10);
            margin = margin.clone().times(10);
            Step {
                digit: digit as u8,
                low: value < margin,
                high: value.plus(&margin) >= ten_scales,
                twice_rest: value.plus(&value).cmp(&ten_scales),
            }
        })
    }
}

/// One digit, and whether the remainder is near zero (`low`) or near the next digit (`high`).
struct Step {
    digit: u8,
    low: bool,
    high: bool,
    twice_rest: Ordering,
}

/// Produces digits until the remainder is near enough.
fn generate(mut decimal: i32, mut step: impl FnMut(bool) -> Step) -> Generated {
    let mut digits = Vec::with_capacity(MOST_DIGITS);
    let mut first = true;
    loop {
        let mut taken = step(first);
        if first && taken.digit == 0 && !taken.high {
            // The estimate was too high.
            decimal -= 1;
        } else {
            digits.push(taken.digit);
        }
        if first && !(-3..8).contains(&decimal) {
            // There are at least two digits before an exponent.
            (taken.low, taken.high) = (false, false);
        }
        first = false;
        if taken.low || taken.high || digits.len() >= MOST_DIGITS {
            return Generated {
                digits,
                decimal,
                low: taken.low,
                high: taken.high,
                twice_rest: taken.twice_rest,
            };
        }
    }
}

/// Adds one to the last digit. Returns whether the first digit became 10, which is then a 1 followed by zeros.
fn round_up(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return false;
        }
        *digit = 0;
    }
    if let Some(first) = digits.first_mut() {
        *first = 1;
    }
    true
}
