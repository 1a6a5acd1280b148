//! Splits bytes from the socket into frames. Memory grows with the data received, not with announced lengths.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use fluss_wire::frame::{FrameDecoder, FrameError, LENGTH_BYTES};
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;

use super::spare::{LARGE, Spares};
use crate::transport::Transport;

/// Size of a buffer for small frames, shared by as many as fit.
const CHUNK: usize = 16 * 1024;
/// Minimum room for a read to be worthwhile.
const LEAST_ROOM: usize = 4 * 1024;
/// A server that has sent a frame of some length is trusted to send another one of that length, up to this limit.
const TRUST_MAX: usize = 16 * 1024 * 1024;
/// A server that has sent any whole frame is trusted for this much, so that the first large frames don't grow in
/// small steps.
const TRUST_LEAST: usize = 1024 * 1024;
/// Buffers for large frames are multiples of this, so that they can be reused for frames of similar length.
const LARGE_STEP: usize = 64 * 1024;
/// Large frames end at multiples of this in memory. They are large because of record batches, which come last in a
/// response and have a length that is such a multiple: their columns are aligned then and used without a copy.
const ALIGNMENT: usize = 8;

/// The reading half of a driver.
pub(super) struct Incoming {
    decoder: FrameDecoder,
    received: BytesMut,
    /// Frame length that the server is trusted for, including the length field.
    trusted: usize,
    spares: Spares,
}

impl Incoming {
    pub(super) fn new(max_frame_size: usize) -> Self {
        Self {
            decoder: FrameDecoder::new(max_frame_size),
            received: BytesMut::new(),
            trusted: 0,
            spares: Spares::default(),
        }
    }

    /// Reads once; 0 means the end of the stream.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut dyn Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.make_room();
        poll_read_buf(Pin::new(stream), cx, &mut self.received)
    }

    /// Returns the next whole frame, a slice of the buffer.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let frame = self.decoder.decode(&mut self.received)?;
        if let Some(frame) = &frame {
            self.trusted = self
                .trusted
                .max(LENGTH_BYTES + frame.len().clamp(TRUST_LEAST, TRUST_MAX));
            if frame.len() >= LARGE {
                self.spares.lend(frame, Instant::now());
                if self.received.is_empty() {
                    // The rest of the memory must not prevent reuse of the frame's memory.
                    self.received = BytesMut::new();
                }
            }
        }
        Ok(frame)
    }

    /// When unused memory will be freed, if there is any.
    pub(super) fn release_at(&self) -> Option<Instant> {
        self.spares.release_at()
    }

    /// Frees memory that has not been used for a while.
    pub(super) fn release(&mut self, now: Instant) {
        self.spares.release(now);
    }

    fn make_room(&mut self) {
        let arrived = self.received.len();
        let announced = self
            .received
            .first_chunk::<LENGTH_BYTES>()
            .and_then(|length| usize::try_from(i32::from_be_bytes(*length)).ok())
            .unwrap_or(0);
        let lacking = (LENGTH_BYTES + announced).saturating_sub(arrived);
        let hint = self.decoder.needed();
        let wanted = lacking.min(hint.max(self.trusted.saturating_sub(arrived)));
        let room = self.received.capacity() - arrived;
        if room >= wanted.max(LEAST_ROOM) {
            return;
        }
        let whole = arrived + wanted;
        if whole < LARGE {
            self.received.reserve(wanted.max(CHUNK));
            return;
        }
        // Not `reserve`, which would allocate twice as much.
        let mut memory = self.spares.take(whole + ALIGNMENT).unwrap_or_else(|| {
            BytesMut::with_capacity((whole + ALIGNMENT).next_multiple_of(LARGE_STEP))
        });
        let end = (memory.as_ptr() as usize).wrapping_add(LENGTH_BYTES + announced);
        let unused = end.wrapping_neg() % ALIGNMENT;
        memory.resize(unused, 0);
        memory.advance(unused);
        memory.extend_from_slice(&self.received);
        self.received = memory;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(length: usize) -> Vec<u8> {
        [
            &u32::try_from(length).unwrap().to_be_bytes()[..],
            &vec![0; length],
        ]
        .concat()
    }

    #[test]
    fn a_promised_length_takes_no_memory_until_the_server_has_kept_such_a_promise() {
        let mut incoming = Incoming::new(1 << 30);
        let large = 8 << 20;
        let promise = &frame(large)[..100];
        incoming.received.extend_from_slice(promise);
        assert_eq!(incoming.next_frame().unwrap(), None);
        incoming.make_room();
        assert!(incoming.received.capacity() <= 256 * 1024);

        incoming.received.extend_from_slice(&frame(large)[100..]);
        assert_eq!(incoming.next_frame().unwrap().unwrap().len(), large);
        incoming.received.extend_from_slice(promise);
        assert_eq!(incoming.next_frame().unwrap(), None);
        incoming.make_room();
        assert!(incoming.received.capacity() > large);
    }

    #[test]
    fn the_memory_of_large_frames_is_used_again_once_they_are_dropped() {
        let mut incoming = Incoming::new(1 << 30);
        let bytes = frame(1 << 20);
        let mut receive = |held: &mut Vec<Bytes>| {
            for piece in bytes.chunks(CHUNK) {
                incoming.make_room();
                incoming.received.extend_from_slice(piece);
                held.extend(incoming.next_frame().unwrap());
            }
            held.last().unwrap().as_ptr() as usize
        };
        let mut held = Vec::new();
        let first = receive(&mut held);
        let second = receive(&mut held);
        assert_ne!(first, second, "the first frame is still held");
        held.clear();
        let third = receive(&mut held);
        // Frames of used memory may start a few bytes further on.
        assert!([first, second].iter().any(|at| third.abs_diff(*at) < 64));
    }

    #[test]
    fn large_frames_end_where_numbers_may_lie() {
        let mut incoming = Incoming::new(1 << 30);
        let mut held = Vec::new();
        for length in [LARGE, 100_000, 100_001, 100_007, 2 << 20, (2 << 20) + 3] {
            for round in 0..3 {
                let mut bytes = &frame(length)[..];
                while !bytes.is_empty() {
                    incoming.make_room();
                    let room = incoming.received.capacity() - incoming.received.len();
                    let (now, later) = bytes.split_at(room.min(CHUNK).min(bytes.len()));
                    incoming.received.extend_from_slice(now);
                    bytes = later;
                }
                let frame = incoming.next_frame().unwrap().unwrap();
                let end = frame.as_ptr() as usize + frame.len();
                assert_eq!(end % ALIGNMENT, 0, "{length}, round {round}");
                // Some memory is used again, some is not.
                held.push(frame);
                held.truncate(2);
            }
        }
    }

    #[test]
    fn small_frames_share_a_piece_of_memory() {
        let mut incoming = Incoming::new(1 << 20);
        incoming.make_room();
        let start = incoming.received.as_ptr() as usize;
        let mut kept = Vec::new();
        for _ in 0..50 {
            incoming.make_room();
            incoming.received.extend_from_slice(&frame(100));
            kept.push(incoming.next_frame().unwrap().unwrap());
        }
        let last = kept.last().unwrap().as_ptr() as usize;
        assert!((start..start + CHUNK).contains(&last));
    }
}
