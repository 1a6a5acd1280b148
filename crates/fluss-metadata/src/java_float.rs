//! Floating-point numbers as Java 17 writes them, which partition names and Hudi keys depend on.

/// `Float.toString`.
pub fn java_float_to_string(value: f32) -> String {
    if value.is_nan() || value.is_infinite() {
        return special(value.is_nan(), value.is_sign_negative());
    }
    format(&format!("{value:e}"), value == 0.0, f64::from(value.abs()))
}

/// `Double.toString`.
pub fn java_double_to_string(value: f64) -> String {
    if value.is_nan() || value.is_infinite() {
        return special(value.is_nan(), value.is_sign_negative());
    }
    format(&format!("{value:e}"), value == 0.0, value.abs())
}

fn special(nan: bool, negative: bool) -> String {
    match (nan, negative) {
        (true, _) => "NaN",
        (false, true) => "-Infinity",
        (false, false) => "Infinity",
    }
    .to_owned()
}

/// Turns the shortest digits, as `{:e}` writes them, into Java's form: plain from 10⁻³ to 10⁷, else with an exponent; always a point
/// with a digit behind it.
fn format(scientific: &str, zero: bool, magnitude: f64) -> String {
    let (sign, unsigned) = match scientific.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", scientific),
    };
    if zero {
        return format!("{sign}0.0");
    }
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    if !(1e-3..1e7).contains(&magnitude) {
        let (first, rest) = digits.split_at(1.min(digits.len()));
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{sign}{first}.{rest}E{exponent}");
    }
    if exponent < 0 {
        let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = usize::try_from(exponent + 1).unwrap_or(1);
    if digits.len() <= whole {
        let zeros = "0".repeat(whole - digits.len());
        return format!("{sign}{digits}{zeros}.0");
    }
    let (before, behind) = digits.split_at(whole);
    format!("{sign}{before}.{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_in_java() {
        let cases = [
            (1.5, "1.5"),
            (100.0, "100.0"),
            (0.001, "0.001"),
            (1e-5, "1.0E-5"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (-0.0, "-0.0"),
            (123_456_789.0, "1.23456789E8"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, text) in cases {
            assert_eq!(java_double_to_string(value), text);
        }
        assert_eq!(java_float_to_string(1e10), "1.0E10");
    }
}
