//! Values from plain Rust values.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::{
    Date, Datum, Decimal, FlussArray, FlussMap, GenericRow, Time, TimestampLtz, TimestampNtz,
};

macro_rules! datum_from {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl<'a> From<$type> for Datum<'a> {
            #[inline]
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

datum_from! {
    bool => Boolean,
    i8 => TinyInt,
    i16 => SmallInt,
    i32 => Int,
    i64 => BigInt,
    f32 => Float,
    f64 => Double,
    &'a str => String,
    &'a String => String,
    String => String,
    Cow<'a, str> => String,
    &'a [u8] => Bytes,
    &'a Vec<u8> => Bytes,
    Vec<u8> => Bytes,
    Cow<'a, [u8]> => Bytes,
    Decimal => Decimal,
    Date => Date,
    Time => Time,
    TimestampNtz => Timestamp,
    TimestampLtz => TimestampLtz,
    FlussArray<'a> => Array,
    FlussMap<'a> => Map,
    GenericRow<'a> => Row,
}

impl From<Box<str>> for Datum<'_> {
    fn from(value: Box<str>) -> Self {
        Self::String(Cow::Owned(value.into()))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Datum<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl From<Bytes> for Datum<'_> {
    /// Takes over the bytes without a copy if they are not shared.
    fn from(value: Bytes) -> Self {
        Self::Bytes(Cow::Owned(value.into()))
    }
}

impl<'a> From<&'a Bytes> for Datum<'a> {
    fn from(value: &'a Bytes) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a, T: Into<Datum<'a>>> From<Option<T>> for Datum<'a> {
    #[inline]
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<'a, T: Into<Datum<'a>>> From<Vec<T>> for Datum<'a> {
    /// An ARRAY of the elements.
    fn from(values: Vec<T>) -> Self {
        Self::Array(values.into())
    }
}

impl<'a, K: Into<Datum<'a>>, V: Into<Datum<'a>>> From<Vec<(K, V)>> for Datum<'a> {
    /// A MAP of the pairs, in this order.
    fn from(entries: Vec<(K, V)>) -> Self {
        Self::Map(entries.into())
    }
}

impl<'a, K: Into<Datum<'a>>, V: Into<Datum<'a>>> From<BTreeMap<K, V>> for Datum<'a> {
    fn from(entries: BTreeMap<K, V>) -> Self {
        Self::Map(entries.into_iter().collect())
    }
}

impl<'a, K: Into<Datum<'a>>, V: Into<Datum<'a>>, S> From<HashMap<K, V, S>> for Datum<'a> {
    fn from(entries: HashMap<K, V, S>) -> Self {
        Self::Map(entries.into_iter().collect())
    }
}
