//! Floating-point numbers as Java 17 writes them, which partition names and Hudi keys depend on.
//!
//! Up to release 18 Java does not always find the shortest digits: 2·10²³ becomes `1.9999999999999998E23`. Names must
//! agree to the last digit, so this finds the digits as Java 17 does. Clients on Java 19 and later find the shortest
//! ones instead, and so disagree with older ones about such names.

mod big;
mod digits;

use digits::{Digits, decimal_digits};

/// Bits of the fraction of a double.
const DOUBLE_FRACTION: u32 = 52;
/// Bits of the fraction of a float.
const FLOAT_FRACTION: u32 = 23;

/// `Float.toString` of Java 17.
pub fn java_float_to_string(value: f32) -> String {
    if let Some(text) = special(value.into()) {
        return text.to_owned();
    }
    let bits = value.to_bits() & 0x7fff_ffff;
    let digits = of_parts(
        u64::from(bits) & ((1 << FLOAT_FRACTION) - 1),
        (bits >> FLOAT_FRACTION).cast_signed(),
        FLOAT_FRACTION,
        127,
    );
    layout(value.is_sign_negative(), &digits)
}

/// `Double.toString` of Java 17.
pub fn java_double_to_string(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let bits = value.to_bits() & (u64::MAX >> 1);
    let digits = of_parts(
        bits & ((1 << DOUBLE_FRACTION) - 1),
        (bits >> DOUBLE_FRACTION) as i32,
        DOUBLE_FRACTION,
        1023,
    );
    layout(value.is_sign_negative(), &digits)
}

/// The text of values without digits.
fn special(value: f64) -> Option<&'static str> {
    match (
        value.is_nan(),
        value.is_infinite(),
        value == 0.0,
        value.is_sign_negative(),
    ) {
        (true, ..) => Some("NaN"),
        (_, true, _, true) => Some("-Infinity"),
        (_, true, _, false) => Some("Infinity"),
        (_, _, true, true) => Some("-0.0"),
        (_, _, true, false) => Some("0.0"),
        _ => None,
    }
}

/// Digits of a number given by the parts of its IEEE 754 form.
fn of_parts(fraction: u64, exponent: i32, fraction_bits: u32, bias: i32) -> Digits {
    let (significand, exponent, significant_bits) = if exponent == 0 {
        // Too small for a hidden bit: the first bit that is set takes its place.
        let used = u64::BITS - fraction.leading_zeros();
        let shift = fraction_bits + 1 - used;
        (fraction << shift, 1 - shift.cast_signed(), used)
    } else {
        (fraction | 1 << fraction_bits, exponent, fraction_bits + 1)
    };
    decimal_digits(
        significand << (DOUBLE_FRACTION - fraction_bits),
        exponent - bias,
        significant_bits.cast_signed(),
    )
}

/// Plain from 10⁻³ to 10⁷, otherwise with an exponent; always with a decimal point and a digit after it.
fn layout(negative: bool, number: &Digits) -> String {
    let sign = if negative { "-" } else { "" };
    let digits = &number.digits;
    let point = number.point;
    match usize::try_from(point) {
        Ok(before @ 1..8) => {
            let whole: String = digits
                .chars()
                .chain("0000000".chars())
                .take(before)
                .collect();
            let rest = digits.get(before..).filter(|rest| !rest.is_empty());
            format!("{sign}{whole}.{}", rest.unwrap_or("0"))
        }
        _ if (-2..=0).contains(&point) => {
            let zeros = "0".repeat(point.unsigned_abs() as usize);
            format!("{sign}0.{zeros}{digits}")
        }
        _ => {
            let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
            let rest = if rest.is_empty() { "0" } else { rest };
            format!("{sign}{first}.{rest}E{}", point - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_in_java() {
        let doubles = [
            (1.5, "1.5"),
            (100.0, "100.0"),
            (0.001, "0.001"),
            (0.002, "0.002"),
            (1e-5, "1.0E-5"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (-0.0, "-0.0"),
            (123_456_789.0, "1.23456789E8"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::MAX, "1.7976931348623157E308"),
            (0.1 + 0.2, "0.30000000000000004"),
            // Here Java 19 finds shorter ones.
            (2.0_f64.powi(-44), "5.6843418860808015E-14"),
            (1e23, "9.999999999999999E22"),
            (2e23, "1.9999999999999998E23"),
        ];
        for (value, text) in doubles {
            assert_eq!(java_double_to_string(value), text);
        }
        let floats = [
            (1e10, "1.0E10"),
            (f32::from_bits(1), "1.4E-45"),
            (f32::MIN_POSITIVE, "1.17549435E-38"),
            (f32::MAX, "3.4028235E38"),
            (16_777_216.0, "1.6777216E7"),
            (3.25, "3.25"),
            // A sum of 64 bits overflows in Java on the way to this one.
            (f32::from_bits(0x6900_0000), "9.6714065E24"),
        ];
        for (value, text) in floats {
            assert_eq!(java_float_to_string(value), text);
        }
    }

    #[test]
    fn texts_are_read_back_as_the_number_they_came_from() {
        let mut state = 0x1234_5678_9abc_def1_u64;
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let double = f64::from_bits(state);
            if double.is_finite() {
                assert_eq!(
                    java_double_to_string(double)
                        .parse::<f64>()
                        .unwrap()
                        .to_bits(),
                    double.to_bits()
                );
            }
            let float = f32::from_bits(state as u32);
            if float.is_finite() {
                assert_eq!(
                    java_float_to_string(float)
                        .parse::<f32>()
                        .unwrap()
                        .to_bits(),
                    float.to_bits()
                );
            }
        }
    }
}
