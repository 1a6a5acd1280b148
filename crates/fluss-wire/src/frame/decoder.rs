//! Splits a byte stream into frames.

use bytes::{Buf, Bytes, BytesMut};
use snafu::ensure;

use super::{FrameError, InvalidLengthSnafu, LENGTH_BYTES, TooLongSnafu, foreign};

/// A reader may reserve this much at once, and beyond that no more than it has received.
const RESERVE_FLOOR: usize = 64 * 1024;

/// Splits a stream into frames, however its bytes arrive.
///
/// "More bytes are needed" is a value, not an error. The declared length is first checked against the limit, and
/// never reserved as a whole: [`needed`](Self::needed) grows with what has arrived, so four hostile bytes cost
/// nothing.
///
/// ```
/// use bytes::BytesMut;
/// use fluss_wire::frame::FrameDecoder;
///
/// let mut decoder = FrameDecoder::new(1024);
/// let mut received = BytesMut::from(&[0, 0, 0, 5, 0, 0, 0][..]);
/// assert_eq!(decoder.decode(&mut received)?, None);
/// received.extend_from_slice(&[0, 7]);
/// let frame = decoder.decode(&mut received)?;
/// assert_eq!(frame.as_deref(), Some(&[0, 0, 0, 0, 7][..]));
/// # Ok::<(), fluss_wire::frame::FrameError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FrameDecoder {
    max_frame_len: usize,
    needed: usize,
    /// No frame has been found yet: the other side may speak another protocol.
    is_first: bool,
}

impl FrameDecoder {
    /// Creates a decoder for frames of at most `max_frame_len` bytes, without the length field.
    pub fn new(max_frame_len: usize) -> Self {
        Self {
            max_frame_len,
            needed: RESERVE_FLOOR,
            is_first: true,
        }
    }

    /// Returns the limit passed to [`new`](Self::new).
    pub fn max_frame_len(&self) -> usize {
        self.max_frame_len
    }

    /// Removes the next frame, without its length, from the front of `src`: a slice of it, without a copy.
    ///
    /// `None` if `src` doesn't contain all of it yet; call again with more data. After an error the stream is
    /// unusable; `src` is unchanged, so the same call fails in the same way.
    pub fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(announced) = src.first_chunk::<LENGTH_BYTES>() else {
            self.needed = RESERVE_FLOOR;
            return Ok(None);
        };
        let announced = i32::from_be_bytes(*announced);
        let length = usize::try_from(announced).unwrap_or_default();
        let limit = self.max_frame_len;
        if !(1..=limit).contains(&length) || self.is_first {
            if let Some(other) = foreign::recognize(src, length > limit || length == 0) {
                return Err(other);
            }
            ensure!(length > 0, InvalidLengthSnafu { length: announced });
            ensure!(length <= limit, TooLongSnafu { length, limit });
        }

        let arrived = src.len() - LENGTH_BYTES;
        if arrived < length {
            self.needed = (length - arrived).min(arrived.max(RESERVE_FLOOR));
            return Ok(None);
        }
        self.needed = RESERVE_FLOOR;
        self.is_first = false;
        src.advance(LENGTH_BYTES);
        Ok(Some(src.split_to(length).freeze()))
    }

    /// Returns how many bytes to reserve before the next read.
    ///
    /// At most what the current frame still needs, and at most 64 KiB or as much as has arrived of it: a buffer grown
    /// by this is never larger than twice what was received.
    pub fn needed(&self) -> usize {
        self.needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_found_however_the_stream_is_cut() {
        let stream = [
            &[0, 0, 0, 1, 9][..],
            &[0, 0, 0, 3, 1, 2, 3],
            &[0, 0, 0, 2, 4, 5],
        ]
        .concat();
        for step in 1..=stream.len() {
            let mut decoder = FrameDecoder::new(3);
            let mut src = BytesMut::new();
            let mut frames = Vec::new();
            for piece in stream.chunks(step) {
                src.extend_from_slice(piece);
                while let Some(frame) = decoder.decode(&mut src).unwrap() {
                    frames.push(frame.to_vec());
                }
            }
            assert_eq!(
                frames,
                [vec![9], vec![1, 2, 3], vec![4, 5]],
                "in pieces of {step}"
            );
            assert!(src.is_empty());
        }
    }

    #[test]
    fn impossible_lengths_are_refused_before_anything_is_reserved() {
        let cases: [(&str, i32, &str); 4] = [
            ("zero", 0, "frame declares a length of 0 bytes"),
            ("negative", -1, "frame declares a length of -1 bytes"),
            (
                "above the limit",
                101,
                "frame declares 101 bytes, but the limit is 100",
            ),
            (
                "2 GiB",
                i32::MAX,
                "frame declares 2147483647 bytes, but the limit is 100",
            ),
        ];
        for (name, length, message) in cases {
            let mut src = BytesMut::from(&length.to_be_bytes()[..]);
            let capacity = src.capacity();
            let mut decoder = FrameDecoder::new(100);
            for _ in 0..2 {
                assert_eq!(
                    decoder.decode(&mut src).unwrap_err().to_string(),
                    message,
                    "{name}"
                );
            }
            assert_eq!(src.capacity(), capacity, "{name}");
        }
    }

    #[test]
    fn the_hint_never_exceeds_what_has_arrived() {
        let mut decoder = FrameDecoder::new(usize::MAX);
        let mut src = BytesMut::from(&i32::MAX.to_be_bytes()[..]);
        assert_eq!(decoder.decode(&mut src).unwrap(), None);
        assert_eq!(decoder.needed(), RESERVE_FLOOR);
        src.extend_from_slice(&vec![0; 3 * RESERVE_FLOOR]);
        assert_eq!(decoder.decode(&mut src).unwrap(), None);
        assert_eq!(decoder.needed(), 3 * RESERVE_FLOOR);

        let mut src = BytesMut::from(&[0, 0, 0, 10, 1, 2, 3][..]);
        assert_eq!(decoder.decode(&mut src).unwrap(), None);
        assert_eq!(decoder.needed(), 7);
    }

    #[test]
    fn a_frame_is_a_slice_of_what_was_received() {
        let mut src = BytesMut::from(&[&[0, 0, 0, 200][..], &[7; 200]].concat()[..]);
        let start = src.as_ptr() as usize;
        let frame = FrameDecoder::new(200).decode(&mut src).unwrap().unwrap();
        assert_eq!(frame.as_ptr() as usize, start + LENGTH_BYTES);
    }
}
