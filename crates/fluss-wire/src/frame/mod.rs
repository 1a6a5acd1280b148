//! Frames, for clients and servers.
//!
//! ```text
//! request    length:i32 | api_key:i16 | api_version:i16 | request_id:i32 | message
//! SUCCESS    length:i32 | 0:u8        | request_id:i32  | message
//! ERROR      length:i32 | 1:u8        | request_id:i32  | ErrorResponse
//! FAILURE    length:i32 | 2:u8                          | ErrorResponse     (then the server closes)
//! ```
//!
//! Numbers are big-endian; the length doesn't count its own four bytes. [`FrameDecoder`] splits a stream into frames,
//! [`encode_request`] and [`decode_response`] are the client's side, [`decode_request`], [`encode_success`],
//! [`encode_error`] and [`encode_server_failure`] the server's.

mod client;
mod decoder;
mod foreign;
mod server;

use bytes::{Buf, Bytes};
use snafu::{Snafu, ensure};

pub use client::{Response, decode_response, encode_encoded_request, encode_request};
pub use decoder::FrameDecoder;
pub use server::{
    RequestFrame, decode_request, encode_error, encode_server_failure, encode_success,
};

use crate::codec::DecodeError;

/// Bytes of the length in front of a frame.
pub const LENGTH_BYTES: usize = 4;

/// Bytes of a request in front of its message, without the length.
pub const REQUEST_HEADER_BYTES: usize = 8;

/// Bytes of a SUCCESS or ERROR response in front of its message, without the length.
pub const RESPONSE_HEADER_BYTES: usize = 5;

/// First byte of a response (Java: `ResponseType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ResponseType {
    /// The request succeeded; its response message follows.
    Success = 0,
    /// The request failed.
    Error = 1,
    /// The connection failed, and all requests on it.
    ServerFailure = 2,
}

impl ResponseType {
    /// The type that `code` stands for.
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Success),
            1 => Some(Self::Error),
            2 => Some(Self::ServerFailure),
            _ => None,
        }
    }
}

/// Why bytes are not a frame, or a frame cannot be encoded.
///
/// After any of these the stream is unusable: close the connection.
#[derive(Debug, Clone, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum FrameError {
    /// The declared length is impossible.
    #[snafu(display("frame declares a length of {length} byte{}", if *length == 1 { "" } else { "s" }))]
    InvalidLength {
        /// The declared length.
        length: i32,
    },
    /// The frame is longer than the limit.
    #[snafu(display("frame declares {length} bytes, but the limit is {limit}"))]
    TooLong {
        /// The declared length, or the length of the message to be sent.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The server uses another protocol: the received bytes are not a frame, but start like a message of that protocol.
    #[snafu(display(
        "the server does not speak the protocol of Fluss, but {protocol}: its response starts with {begins}"
    ))]
    OtherProtocol {
        /// The protocol, such as `HTTP`.
        protocol: &'static str,
        /// The first bytes, as text if possible, or in hexadecimal.
        begins: String,
    },
    /// The frame ends inside its header.
    #[snafu(display("frame of {length} byte{} is too short for the {needed} bytes of its header", if *length == 1 { "" } else { "s" }))]
    TooShort {
        /// Bytes in the frame.
        length: usize,
        /// Bytes needed.
        needed: usize,
    },
    /// The first byte of a response isn't a type of response.
    #[snafu(display("unknown response type {code}"))]
    UnknownResponseType {
        /// The byte.
        code: u8,
    },
    /// The body of an `ERROR` or `SERVER_FAILURE` frame isn't an `ErrorResponse`.
    #[snafu(display("error response can't be read"))]
    ErrorBody {
        /// What is wrong with it.
        source: DecodeError,
    },
}

/// Checks that a frame has room for its header.
fn need(frame: &Bytes, needed: usize) -> Result<(), FrameError> {
    let length = frame.remaining();
    ensure!(length >= needed, TooShortSnafu { length, needed });
    Ok(())
}

/// The length field for this many bytes after it.
fn announce(length: usize) -> Result<i32, FrameError> {
    i32::try_from(length).map_err(|_| {
        TooLongSnafu {
            length,
            limit: i32::MAX as usize,
        }
        .build()
    })
}
