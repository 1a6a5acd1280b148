//! Conversions from and to the types of other crates, each behind a feature named after the crate and its version.

#[cfg(feature = "chrono-04")]
mod chrono_04;
#[cfg(feature = "jiff-02")]
mod jiff_02;
#[cfg(feature = "rust_decimal-1")]
mod rust_decimal_1;

/// `From` the foreign type for a datum, by way of our own type.
macro_rules! datum_by_way_of {
    ($($foreign:ty => $own:ty),* $(,)?) => {$(
        impl From<$foreign> for $crate::Datum<'_> {
            fn from(value: $foreign) -> Self {
                <$own>::from(value).into()
            }
        }
    )*};
}
use datum_by_way_of;

/// The error for a value that the foreign type cannot hold.
#[cfg(any(feature = "chrono-04", feature = "rust_decimal-1"))]
fn beyond(foreign: &'static str, value: impl std::fmt::Display) -> crate::RowError {
    crate::RowError::InvalidValue {
        expected: foreign.into(),
        value: value.to_string().into(),
    }
}
