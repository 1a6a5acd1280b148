//! Damages the bytes of a response.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fluss_wire::Segments;
use fluss_wire::frame::LENGTH_BYTES;

use super::kinds::Mangle;

/// The position of the request id in a response: after the length and the type.
const REQUEST_ID: std::ops::Range<usize> = LENGTH_BYTES + 1..LENGTH_BYTES + 5;
/// Clients count ids up from small numbers; none has this bit.
const UNUSED: u8 = 0x40;

/// What is sent instead of a response.
pub(crate) struct Mangled {
    pub(crate) bytes: Bytes,
    /// The size of each piece in bytes, and the pause before it.
    pub(crate) pace: Option<(usize, Duration)>,
    pub(crate) next: Next,
}

/// What a connection does after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Continue,
    Close,
    Stall,
}

impl Mangle {
    pub(crate) fn apply(self, answer: Segments) -> Mangled {
        let mut bytes = BytesMut::from(answer.into_bytes());
        let mut pace = None;
        let mut next = Next::Continue;
        let short = |after: usize, len: usize| after.min(len.saturating_sub(1));
        match self {
            Self::Cut { after } => {
                bytes.truncate(short(after, bytes.len()));
                next = Next::Close;
            }
            Self::Half { after } => {
                bytes.truncate(short(after, bytes.len()));
                next = Next::Stall;
            }
            Self::Flip { at } => {
                let at = at.checked_rem(bytes.len()).unwrap_or_default();
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = !*byte;
                }
            }
            Self::Length(length) => {
                if let Some(field) = bytes.first_chunk_mut::<LENGTH_BYTES>() {
                    *field = length.to_be_bytes();
                }
            }
            Self::RequestId => {
                if let Some(byte) = bytes.get_mut(REQUEST_ID).and_then(<[u8]>::first_mut) {
                    *byte ^= UNUSED;
                }
            }
            Self::Twice => bytes.extend_from_within(..),
            Self::Drip { bytes, every } => pace = Some((bytes.max(1), every)),
        }
        Mangled {
            bytes: bytes.freeze(),
            pace,
            next,
        }
    }
}
