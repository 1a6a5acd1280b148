//! Message bodies: checked decoding of one message from the bytes of a frame.
//!
//! prost alone is too trusting in two ways, so [`decode`] scans the bytes before prost does:
//!
//! - a missing `required` field would silently become zero or empty; here it is an error, as it is in the servers;
//! - two bytes on the wire can become a struct of two hundred bytes in memory; here the memory of nested messages is
//!   added up first, and rejected above [`MAX_EXPANSION`] times the input (and [`EXPANSION_FLOOR`]). The rest is
//!   allocated in pieces: a repeated field is a [`Repeated`](crate::Repeated), which grows by at most 32 KiB. So no
//!   single allocation is larger than 64 KiB or twice the input, although valid responses do take several times their
//!   size.
//!
//! The scan skips the contents of byte fields and of messages without anything to check, so it is cheap.
//! Depth is limited too: the scan and prost reject more than a hundred levels of nesting.

use bytes::{Buf, Bytes};
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use snafu::{ResultExt, Snafu};

use crate::message::generated::shapes::SHAPES;

/// Nested messages may take this many times the bytes they were decoded from.
///
/// A key that wasn't found is two bytes on the wire and 32 in memory, the answer for one bucket of an empty fetch about
/// 12 bytes and 230; so no valid response comes near.
pub const MAX_EXPANSION: usize = 32;

/// Below this many bytes in memory, any expansion is accepted.
pub const EXPANSION_FLOOR: usize = 64 * 1024;

/// Messages inside each other; prost has the same limit.
const MAX_DEPTH: usize = 100;

/// A message of the protocol: implemented for each type in [`message`](crate::message), and only there.
pub trait WireMessage: prost::Message + std::fmt::Debug + Default + 'static {
    /// Place of the message in the table of what has to be checked.
    #[doc(hidden)]
    const SHAPE: usize;
}

/// The type that the body of a successful response is decoded to: its message, or a type that reads it in place.
pub trait ResponseBody: Sized {
    /// Reads it.
    fn from_body(body: Bytes) -> Result<Self, DecodeError>;
}

impl<M: WireMessage> ResponseBody for M {
    fn from_body(body: Bytes) -> Result<Self, DecodeError> {
        decode(body)
    }
}

/// Why bytes are not a valid message.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not a protobuf message of this type.
    #[snafu(display("malformed {message} of {len} bytes"))]
    Malformed {
        /// Name of the message.
        message: &'static str,
        /// Bytes given.
        len: usize,
        /// What prost found.
        source: prost::DecodeError,
    },
    /// A required field is absent, here or in a nested message.
    #[snafu(display("{message} lacks the required field {field}"))]
    MissingField {
        /// Name of the message that lacks it.
        message: &'static str,
        /// Name of the field.
        field: &'static str,
    },
    /// Messages are nested too deeply.
    #[snafu(display("{message} is nested more than {limit} deep"))]
    TooDeep {
        /// Name of the message where the limit was reached.
        message: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The decoded message would take far more memory than its size justifies.
    #[snafu(display("{message} of {len} bytes would take more than {limit} bytes of memory"))]
    Expansion {
        /// Name of the message.
        message: &'static str,
        /// Bytes given.
        len: usize,
        /// Bytes of memory that were the limit.
        limit: usize,
    },
}

/// Decodes a message. Its byte fields are slices of `body`: they keep it alive, and copy nothing.
///
/// Unknown fields are skipped; repeated numbers are accepted packed or not, empty or not.
pub fn decode<M: WireMessage>(body: Bytes) -> Result<M, DecodeError> {
    let len = body.len();
    let shape = Shape::at(M::SHAPE);
    let limit = len.saturating_mul(MAX_EXPANSION).max(EXPANSION_FLOOR);
    let mut budget = Budget { left: limit };
    let mut rest = body.as_ref();
    match check(&mut rest, shape, &mut budget, MAX_DEPTH) {
        Ok(()) => M::decode(body).context(MalformedSnafu {
            message: shape.name,
            len,
        }),
        Err(Refusal::Malformed(source)) => Err(source).context(MalformedSnafu {
            message: shape.name,
            len,
        }),
        Err(Refusal::MissingField(message, field)) => MissingFieldSnafu { message, field }.fail(),
        Err(Refusal::TooDeep(message)) => TooDeepSnafu {
            message,
            limit: MAX_DEPTH,
        }
        .fail(),
        Err(Refusal::Expansion) => ExpansionSnafu {
            message: shape.name,
            len,
            limit,
        }
        .fail(),
    }
}

/// What is checked of one message type.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// Number and name; fewer than 32.
    pub(crate) required: &'static [(u32, &'static str)],
    pub(crate) children: &'static [Child],
}

/// A field that holds messages.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) number: u32,
    /// Place in [`SHAPES`].
    pub(crate) shape: usize,
    /// Bytes that one more element takes in memory; 0 for a field that isn't repeated.
    pub(crate) size: usize,
}

impl Shape {
    fn at(place: usize) -> &'static Shape {
        static NOTHING: Shape = Shape {
            name: "message",
            required: &[],
            children: &[],
        };
        // The generated places are all in the table.
        SHAPES.get(place).unwrap_or(&NOTHING)
    }

    fn is_trivial(&self) -> bool {
        self.required.is_empty() && self.children.is_empty()
    }
}

/// Memory that may still be asked for.
struct Budget {
    left: usize,
}

enum Refusal {
    Malformed(prost::DecodeError),
    MissingField(&'static str, &'static str),
    TooDeep(&'static str),
    Expansion,
}

impl From<prost::DecodeError> for Refusal {
    fn from(error: prost::DecodeError) -> Self {
        Self::Malformed(error)
    }
}

/// Walks all of `rest`, one message. What isn't checked here is left for prost to find.
fn check(
    rest: &mut &[u8],
    shape: &'static Shape,
    budget: &mut Budget,
    depth: usize,
) -> Result<(), Refusal> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Refusal::TooDeep(shape.name));
    };
    let mut seen = 0_u32;
    while rest.has_remaining() {
        let (number, wire_type) = key(rest)?;
        let mut body = *rest;
        if wire_type == WireType::LengthDelimited {
            body = contents(number, rest)?;
        } else {
            skip_field(wire_type, number, rest, DecodeContext::default())?;
        }
        if let Some(place) = shape
            .required
            .iter()
            .position(|&(required, _)| required == number)
        {
            seen |= 1 << place;
        }
        if wire_type != WireType::LengthDelimited {
            continue;
        }
        let Some(child) = shape.children.iter().find(|child| child.number == number) else {
            continue;
        };
        budget.left = budget
            .left
            .checked_sub(child.size)
            .ok_or(Refusal::Expansion)?;
        let child = Shape::at(child.shape);
        if !child.is_trivial() {
            check(&mut body, child, budget, depth)?;
        }
    }
    let missing = shape
        .required
        .iter()
        .enumerate()
        .find(|(place, _)| seen & (1 << place) == 0);
    match missing {
        Some((_, &(_, field))) => Err(Refusal::MissingField(shape.name, field)),
        None => Ok(()),
    }
}

/// As [`decode_key`]. Keys of one byte, which most are, take a short cut.
#[inline]
fn key(rest: &mut &[u8]) -> Result<(u32, WireType), prost::DecodeError> {
    if let Some((&byte, after)) = rest.split_first()
        && (1 << 3..1 << 7).contains(&byte)
        && let Ok(wire_type) = WireType::try_from(u64::from(byte & 7))
    {
        *rest = after;
        return Ok((u32::from(byte >> 3), wire_type));
    }
    decode_key(rest)
}

/// Skips a length-delimited field and returns its contents.
#[inline]
fn contents<'b>(number: u32, rest: &mut &'b [u8]) -> Result<&'b [u8], prost::DecodeError> {
    let mut after = *rest;
    let length = match after.split_first() {
        Some((&byte, behind)) if byte < 1 << 7 => {
            after = behind;
            u64::from(byte)
        }
        _ => decode_varint(&mut after)?,
    };
    let split = usize::try_from(length)
        .ok()
        .and_then(|length| after.split_at_checked(length));
    if let Some((contents, after)) = split {
        *rest = after;
        return Ok(contents);
    }
    // Returns the error.
    skip_field(
        WireType::LengthDelimited,
        number,
        rest,
        DecodeContext::default(),
    )?;
    Ok(&[])
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::message::{
        LookupResponse, PbCompoundPredicate, PbFetchLogRespForBucket, PbFetchLogRespForTable,
        PbLookupRespForBucket, PbPredicate, PbTableBucket, PbTablePath, PbValue,
        ProduceLogResponse,
    };

    #[test]
    fn a_missing_required_field_is_named() {
        let error = decode::<PbTableBucket>(Bytes::from_static(&[8, 1])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "PbTableBucket lacks the required field bucket_id"
        );
        let error = decode::<ProduceLogResponse>(Bytes::from_static(&[10, 0])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "PbProduceLogRespForBucket lacks the required field bucket_id"
        );
    }

    #[test]
    fn a_required_field_of_the_wrong_wire_type_is_malformed() {
        // `database_name` as a number
        let error = decode::<PbTablePath>(Bytes::from_static(&[8, 1, 18, 0])).unwrap_err();
        assert!(
            matches!(
                error,
                DecodeError::Malformed {
                    message: "PbTablePath",
                    ..
                }
            ),
            "{error:?}"
        );
    }

    #[test]
    fn ten_thousand_keys_that_were_not_found_are_an_honest_answer() {
        let answer = LookupResponse {
            buckets_resp: vec![PbLookupRespForBucket {
                values: vec![PbValue { values: None }; 10_000].into(),
                ..Default::default()
            }]
            .into(),
        };
        let decoded = decode::<LookupResponse>(answer.encode_to_vec().into()).unwrap();
        assert_eq!(decoded, answer);
    }

    #[test]
    fn ten_thousand_buckets_without_anything_new_are_an_honest_answer() {
        let bucket = |bucket_id| PbFetchLogRespForBucket {
            bucket_id,
            high_watermark: Some(0),
            log_start_offset: Some(0),
            records: Some(Bytes::new()),
            ..Default::default()
        };
        let answer = PbFetchLogRespForTable {
            table_id: 1,
            buckets_resp: (0..10_000).map(|place| bucket(place % 100)).collect(),
        };
        let decoded = decode::<PbFetchLogRespForTable>(answer.encode_to_vec().into()).unwrap();
        assert_eq!(decoded, answer);
    }

    #[test]
    fn four_bytes_an_element_of_two_hundred_bytes_are_refused_before_they_are_allocated() {
        let mut hostile = vec![8, 0];
        hostile.extend([18, 2, 16, 0].repeat(1_000_000));
        let error = decode::<PbFetchLogRespForTable>(hostile.into()).unwrap_err();
        assert!(
            matches!(error, DecodeError::Expansion { len: 4_000_002, .. }),
            "{error:?}"
        );
    }

    #[test]
    fn a_predicate_nested_a_thousand_deep_is_refused() {
        let mut predicate = PbPredicate::default();
        for _ in 0..40 {
            predicate = PbPredicate {
                r#type: 1,
                leaf: None,
                compound: Some(PbCompoundPredicate {
                    function: 0,
                    children: vec![predicate].into(),
                }),
            };
        }
        assert!(decode::<PbPredicate>(predicate.encode_to_vec().into()).is_ok());

        let mut nested = vec![];
        for _ in 0..1_000 {
            let mut children = vec![8, 0, 18];
            prost::encode_length_delimiter(nested.len(), &mut children).unwrap();
            children.append(&mut nested);
            nested = vec![8, 1, 26];
            prost::encode_length_delimiter(children.len(), &mut nested).unwrap();
            nested.append(&mut children);
        }
        let error = decode::<PbPredicate>(nested.into()).unwrap_err();
        assert!(
            matches!(error, DecodeError::TooDeep { limit: 100, .. }),
            "{error:?}"
        );
    }
}
