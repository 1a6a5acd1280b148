//! Decimals of `rust_decimal` 1.

use rust_decimal::Decimal as Foreign;

use super::{beyond, datum_by_way_of};
use crate::{Decimal, Result, RowError};

impl From<Foreign> for Decimal {
    /// The precision is the number of digits; the scale is kept.
    fn from(value: Foreign) -> Self {
        let (unscaled, scale) = (value.mantissa(), value.scale());
        let digits = unscaled
            .unsigned_abs()
            .checked_ilog10()
            .map_or(1, |log| log + 1);
        // At most 29 digits and a scale of 28: always within a DECIMAL.
        Self::from_unscaled(unscaled, digits.max(scale).max(1), scale)
            .unwrap_or_else(|_| Self::from(0))
    }
}

impl TryFrom<Decimal> for Foreign {
    type Error = RowError;

    /// Returns an error beyond 96 bits or a scale of 28.
    fn try_from(value: Decimal) -> Result<Self> {
        Self::try_from_i128_with_scale(value.unscaled(), value.scale())
            .map_err(|_| beyond("rust_decimal::Decimal", value))
    }
}

datum_by_way_of! {
    Foreign => Decimal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_go_both_ways() {
        for text in [
            "0",
            "-1.50",
            "0.0000000000000000000000000001",
            "79228162514264337593543950335",
        ] {
            let own: Decimal = text.parse().unwrap();
            let foreign = Foreign::try_from(own).unwrap();
            assert_eq!(foreign.to_string(), text);
            assert_eq!(Decimal::from(foreign).to_string(), text);
        }
        let wide: Decimal = "79228162514264337593543950336".parse().unwrap();
        Foreign::try_from(wide).unwrap_err();
        Foreign::try_from(Decimal::from_unscaled(1, 38, 29).unwrap()).unwrap_err();
    }
}
