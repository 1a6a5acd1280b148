//! The response for one bucket: its fields, and its number of values.

use std::marker::PhantomData;

use bytes::Bytes;
use snafu::ResultExt;

use super::values::{ELEMENT, PrefixValues, Values};
use super::walk::{self, Field};
use super::{Kind, PointValue, PrefixValue};
use crate::codec::{DecodeError, MalformedSnafu, MissingFieldSnafu};
use crate::error_code::ServerError;

/// The response of a server for one bucket.
#[derive(Debug, Clone)]
pub struct BucketAnswer<K> {
    partition_id: Option<i64>,
    bucket_id: i32,
    error_code: Option<i32>,
    error_message: Option<Bytes>,
    /// The encoded message; all its values have been checked.
    contents: Bytes,
    /// Where its first value is.
    first: usize,
    count: usize,
    kind: PhantomData<K>,
}

impl<K: Kind> BucketAnswer<K> {
    /// Scans the whole message once.
    pub(super) fn read(contents: Bytes) -> Result<Self, DecodeError> {
        let malformed = MalformedSnafu {
            message: K::NAMES.1,
            len: contents.len(),
        };
        let mut answer = Self {
            partition_id: None,
            bucket_id: 0,
            error_code: None,
            error_message: None,
            contents: Bytes::new(),
            first: contents.len(),
            count: 0,
            kind: PhantomData,
        };
        let mut bucket_id = None;
        let mut rest = contents.as_ref();
        while !rest.is_empty() {
            let left = rest.len();
            match walk::next(&mut rest).context(malformed)? {
                Field::Bytes(ELEMENT, element) => {
                    K::check(element).context(malformed)?;
                    if answer.count == 0 {
                        answer.first = contents.len() - left;
                    }
                    answer.count += 1 + K::skip_plain(&mut rest);
                }
                Field::Number(1, id) => answer.partition_id = Some(id.cast_signed()),
                Field::Number(2, id) => bucket_id = Some(int32(id)),
                Field::Number(3, code) => answer.error_code = Some(int32(code)),
                Field::Bytes(4, message) => {
                    walk::text(message).context(malformed)?;
                    answer.error_message = Some(contents.slice_ref(message));
                }
                Field::Bytes(6, name) if K::NAMES_PARTITION => {
                    walk::text(name).context(malformed)?;
                }
                Field::Number(number, _) | Field::Bytes(number, _) | Field::Other(number)
                    if number <= ELEMENT || K::NAMES_PARTITION && number == 6 =>
                {
                    return Err(walk::wrong_wire_type()).context(malformed);
                }
                _ => {}
            }
        }
        let Some(bucket_id) = bucket_id else {
            return MissingFieldSnafu {
                message: K::NAMES.1,
                field: "bucket_id",
            }
            .fail();
        };
        answer.bucket_id = bucket_id;
        answer.contents = contents;
        Ok(answer)
    }

    /// Partition id; absent if the table is not partitioned.
    pub fn partition_id(&self) -> Option<i64> {
        self.partition_id
    }

    /// Bucket, counted from 0.
    pub fn bucket_id(&self) -> i32 {
        self.bucket_id
    }

    /// Returns why the lookups in this bucket failed, if they did.
    pub fn error(&self) -> Option<ServerError> {
        let message = self.error_message.as_deref();
        ServerError::from_parts(
            self.error_code,
            message.map(|text| String::from_utf8_lossy(text).into_owned()),
        )
    }

    /// Returns the number of keys in the response.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl BucketAnswer<PointValue> {
    /// Iterates over the value of each key, in the order of the keys; `None` if there is no row.
    pub fn values(&self) -> Values<'_> {
        Values::new(&self.contents, self.first, self.count)
    }
}

impl BucketAnswer<PrefixValue> {
    /// Iterates over the values of each prefix, in the order of the prefixes.
    pub fn values(&self) -> PrefixValues<'_> {
        PrefixValues::new(&self.contents, self.first, self.count)
    }
}

/// All 64 bits of a negative number are sent; servers and prost use the lower ones.
fn int32(value: u64) -> i32 {
    (value & u64::from(u32::MAX)) as u32 as i32
}
