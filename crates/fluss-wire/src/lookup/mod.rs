//! Responses to lookups, read in place: however many values there are, none becomes a separate struct.
//!
//! A missing key takes two bytes of a response, but 32 as a [`PbValue`](crate::message::PbValue). So responses are
//! not decoded to [`LookupResponse`](crate::message::LookupResponse) first, which would take memory and time. They
//! are checked bucket by bucket, and each value is a slice of the response.
//!
//! ```
//! use bytes::Bytes;
//! use fluss_wire::lookup::LookupAnswer;
//!
//! // one bucket, number 3, with the value "row" for the first key and none for the second
//! let body = Bytes::from_static(b"\x0a\x0b\x10\x03\x2a\x05\x0a\x03row\x2a\0");
//! for bucket in LookupAnswer::new(body).buckets() {
//!     let bucket = bucket?;
//!     assert_eq!((bucket.bucket_id(), bucket.len()), (3, 2));
//!     let values: Vec<_> = bucket.values().collect();
//!     assert_eq!(values, [Some(Bytes::from_static(b"row")), None]);
//! }
//! # Ok::<(), fluss_wire::codec::DecodeError>(())
//! ```

mod bucket;
mod values;
mod walk;

#[cfg(test)]
mod tests;

use std::marker::PhantomData;

use bytes::Bytes;
use snafu::ResultExt;

pub use self::bucket::BucketAnswer;
pub use self::values::{PrefixValues, ValueList, Values};
use self::walk::Field;
use crate::codec::{DecodeError, MalformedSnafu, ResponseBody};

/// What the values of a bucket are: [`PointValue`]s or [`PrefixValue`]s.
pub trait Kind: sealed::Sealed + Send + Sync + 'static {}

/// For each key at most one value.
#[derive(Debug, Clone, Copy)]
pub struct PointValue;

/// For each key prefix any number of values.
#[derive(Debug, Clone, Copy)]
pub struct PrefixValue;

impl Kind for PointValue {}
impl Kind for PrefixValue {}

mod sealed {
    //! What only this crate has to know of a kind.

    use super::{PointValue, PrefixValue, values};

    pub trait Sealed {
        /// Names of the message and of that of a bucket.
        const NAMES: (&'static str, &'static str);

        /// Whether a bucket has the name of its partition, as field 6.
        const NAMES_PARTITION: bool;

        /// Checks one element.
        fn check(element: &[u8]) -> Result<(), prost::DecodeError>;

        /// Skips elements that are right at a glance, and says how many.
        fn skip_plain(_rest: &mut &[u8]) -> usize {
            0
        }
    }

    impl Sealed for PointValue {
        const NAMES: (&'static str, &'static str) = ("LookupResponse", "PbLookupRespForBucket");
        const NAMES_PARTITION: bool = true;

        #[inline]
        fn check(element: &[u8]) -> Result<(), prost::DecodeError> {
            values::last(element).map(drop)
        }

        #[inline]
        fn skip_plain(rest: &mut &[u8]) -> usize {
            let mut count = 0;
            while let Some((_, behind)) = values::plain(rest) {
                *rest = behind;
                count += 1;
            }
            count
        }
    }

    impl Sealed for PrefixValue {
        const NAMES: (&'static str, &'static str) =
            ("PrefixLookupResponse", "PbPrefixLookupRespForBucket");
        const NAMES_PARTITION: bool = false;

        #[inline]
        fn check(element: &[u8]) -> Result<(), prost::DecodeError> {
            values::each(element).map(drop)
        }
    }
}

/// An encoded [`LookupResponse`](crate::message::LookupResponse).
pub type LookupAnswer = Answer<PointValue>;

/// An encoded [`PrefixLookupResponse`](crate::message::PrefixLookupResponse).
pub type PrefixLookupAnswer = Answer<PrefixValue>;

/// An encoded answer to lookups, of which nothing was checked yet.
#[derive(Debug, Clone)]
pub struct Answer<K> {
    body: Bytes,
    kind: PhantomData<K>,
}

impl<K: Kind> Answer<K> {
    /// The answer in the body of a successful response.
    pub fn new(body: Bytes) -> Self {
        Self {
            body,
            kind: PhantomData,
        }
    }

    /// Returns the buckets, each checked as it is come to.
    pub fn buckets(&self) -> Buckets<'_, K> {
        Buckets {
            rest: &self.body,
            body: &self.body,
            kind: PhantomData,
        }
    }
}

/// Checks nothing yet.
impl<K: Kind> ResponseBody for Answer<K> {
    fn from_body(body: Bytes) -> Result<Self, DecodeError> {
        Ok(Self::new(body))
    }
}

/// The buckets of an [`Answer`]. Behind an error there are none.
#[derive(Debug)]
pub struct Buckets<'a, K> {
    body: &'a Bytes,
    rest: &'a [u8],
    kind: PhantomData<K>,
}

impl<K: Kind> Iterator for Buckets<'_, K> {
    type Item = Result<BucketAnswer<K>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match walk::next(&mut self.rest) {
                Ok(Field::Bytes(1, contents)) => {
                    let bucket = BucketAnswer::read(self.body.slice_ref(contents));
                    if bucket.is_err() {
                        self.rest = &[];
                    }
                    return Some(bucket);
                }
                Ok(Field::Number(2.., _) | Field::Bytes(2.., _) | Field::Other(2..)) => {}
                wrong => {
                    let source = wrong.err().unwrap_or_else(walk::wrong_wire_type);
                    self.rest = &[];
                    return Some(Err(source).context(MalformedSnafu {
                        message: K::NAMES.0,
                        len: self.body.len(),
                    }));
                }
            }
        }
        None
    }
}
