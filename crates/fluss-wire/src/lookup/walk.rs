//! Steps over the fields of an encoded message.

use prost::DecodeError as ProstError;
use prost::encoding::{
    DecodeContext, WireType, check_wire_type, decode_key, decode_varint, skip_field, string,
};

/// A field: its number, and what is in it.
pub(super) enum Field<'b> {
    /// A number.
    Number(u32, u64),
    /// Text, bytes or a message.
    Bytes(u32, &'b [u8]),
    /// Anything else; no message has such a field so far.
    Other(u32),
}

/// Takes the next field off `rest`, which is not empty.
#[inline]
pub(super) fn next<'b>(rest: &mut &'b [u8]) -> Result<Field<'b>, ProstError> {
    // Key and length of a byte each, which most are.
    if let [key, length, after @ ..] = rest
        && key & 0x87 == 2
        && *length < 0x80
        && *key >= 8
        && let Some((contents, after)) = after.split_at_checked(usize::from(*length))
    {
        *rest = after;
        return Ok(Field::Bytes(u32::from(*key >> 3), contents));
    }
    any(rest)
}

/// As [`next`], whatever comes.
fn any<'b>(rest: &mut &'b [u8]) -> Result<Field<'b>, ProstError> {
    let (number, wire_type) = decode_key(rest)?;
    match wire_type {
        WireType::Varint => Ok(Field::Number(number, decode_varint(rest)?)),
        WireType::LengthDelimited => {
            let before = *rest;
            let length = decode_varint(rest)?;
            let split = usize::try_from(length)
                .ok()
                .and_then(|length| rest.split_at_checked(length));
            if let Some((contents, after)) = split {
                *rest = after;
                return Ok(Field::Bytes(number, contents));
            }
            // Returns the error.
            *rest = before;
            skip_field(wire_type, number, rest, DecodeContext::default())?;
            Ok(Field::Other(number))
        }
        other => {
            skip_field(other, number, rest, DecodeContext::default())?;
            Ok(Field::Other(number))
        }
    }
}

/// A field that is known has another wire type.
#[cold]
pub(super) fn wrong_wire_type() -> ProstError {
    match check_wire_type(WireType::LengthDelimited, WireType::Varint) {
        Err(error) => error,
        // Unreachable: the two differ, and only prost can create such an error.
        Ok(()) => wrong_wire_type(),
    }
}

/// Rejects invalid UTF-8, like prost.
pub(super) fn text(text: &[u8]) -> Result<(), ProstError> {
    if std::str::from_utf8(text).is_ok() {
        return Ok(());
    }
    let mut encoded = Vec::with_capacity(text.len() + 5);
    prost::encoding::encode_varint(text.len() as u64, &mut encoded);
    encoded.extend_from_slice(text);
    string::merge(
        WireType::LengthDelimited,
        &mut String::new(),
        &mut encoded.as_slice(),
        DecodeContext::default(),
    )
}
