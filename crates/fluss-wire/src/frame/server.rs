//! Server-side frames: requests in, responses out.

use bytes::{Buf, BufMut, Bytes};

use super::{
    FrameError, LENGTH_BYTES, REQUEST_HEADER_BYTES, RESPONSE_HEADER_BYTES, ResponseType, announce,
    need,
};
use crate::{
    codec::WireMessage, error_code::ServerError, message::ErrorResponse, segments::Segments,
};

/// A received request. The key may be unknown to this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFrame {
    /// Which API; [`ApiKey::from_code`](crate::api::ApiKey::from_code) knows it.
    pub api_key: i16,
    /// Version of the message.
    pub api_version: i16,
    /// To be returned in the response.
    pub request_id: i32,
    /// The encoded message, a slice of the frame, for [`codec::decode`](crate::codec::decode).
    pub body: Bytes,
}

/// Parses a frame returned by [`FrameDecoder`](super::FrameDecoder).
pub fn decode_request(mut frame: Bytes) -> Result<RequestFrame, FrameError> {
    need(&frame, REQUEST_HEADER_BYTES)?;
    Ok(RequestFrame {
        api_key: frame.get_i16(),
        api_version: frame.get_i16(),
        request_id: frame.get_i32(),
        body: frame,
    })
}

/// Encodes a complete SUCCESS frame, length first.
///
/// Fails only if the message exceeds the maximum size of a frame (2 GiB), as do the other two.
pub fn encode_success<M: WireMessage>(
    request_id: i32,
    response: &M,
) -> Result<Segments, FrameError> {
    encode(ResponseType::Success, Some(request_id), response)
}

/// Encodes a complete ERROR frame, length first: one request failed.
pub fn encode_error(request_id: i32, error: &ServerError) -> Result<Segments, FrameError> {
    encode(
        ResponseType::Error,
        Some(request_id),
        &ErrorResponse::from(error),
    )
}

/// Encodes a complete `SERVER_FAILURE` frame, length first: the connection failed and will be closed.
pub fn encode_server_failure(error: &ServerError) -> Result<Segments, FrameError> {
    encode(
        ResponseType::ServerFailure,
        None,
        &ErrorResponse::from(error),
    )
}

fn encode<M: WireMessage>(
    kind: ResponseType,
    request_id: Option<i32>,
    message: &M,
) -> Result<Segments, FrameError> {
    let header = if request_id.is_some() {
        RESPONSE_HEADER_BYTES
    } else {
        1
    };
    let body = message.encoded_len();
    let length = announce(header + body)?;
    let mut frame = Segments::new();
    let out = frame.tail_mut();
    out.reserve(LENGTH_BYTES + header + body);
    out.put_i32(length);
    out.put_u8(kind as u8);
    if let Some(request_id) = request_id {
        out.put_i32(request_id);
    }
    // Copies the records of a fetch response: the server side is for tests and tools.
    message.encode_raw(out);
    Ok(frame)
}
