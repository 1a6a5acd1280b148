//! Bytes from the socket, cut into frames. Memory grows as data comes, not as it is promised.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use fluss_wire::frame::{FrameDecoder, FrameError, LENGTH_BYTES};
use tokio_util::io::poll_read_buf;

use crate::transport::Transport;

/// Room made for small frames, shared by as many as fit.
const CHUNK: usize = 16 * 1024;
/// With less room than this a read is not worth while.
const LEAST_ROOM: usize = 4 * 1024;
/// A server that has sent a frame of some length is believed to send another one like it; up to here its word is enough.
const TRUST_MAX: usize = 16 * 1024 * 1024;

/// The reading half of a driver.
pub(super) struct Incoming {
    decoder: FrameDecoder,
    received: BytesMut,
    /// Longest frame that came whole.
    trusted: usize,
}

impl Incoming {
    pub(super) fn new(max_frame_size: usize) -> Self {
        Self {
            decoder: FrameDecoder::new(max_frame_size),
            received: BytesMut::new(),
            trusted: 0,
        }
    }

    /// Reads once; 0 says that there will be no more.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut dyn Transport,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.make_room();
        poll_read_buf(Pin::new(stream), cx, &mut self.received)
    }

    /// The next whole frame, a slice of what was read.
    pub(super) fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let frame = self.decoder.decode(&mut self.received)?;
        if let Some(frame) = &frame {
            self.trusted = self.trusted.max(frame.len().min(TRUST_MAX));
        }
        Ok(frame)
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
        if room < wanted.max(LEAST_ROOM) {
            self.received.reserve(wanted.max(CHUNK));
        }
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
