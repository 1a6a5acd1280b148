//! Client-side frames: requests out, responses in.

use bytes::{Buf, BufMut, Bytes};
use snafu::{OptionExt, ResultExt};

use super::{
    ErrorBodySnafu, FrameError, LENGTH_BYTES, REQUEST_HEADER_BYTES, RESPONSE_HEADER_BYTES,
    ResponseType, TooShortSnafu, UnknownResponseTypeSnafu, announce, need,
};
use crate::{
    api::{ApiKey, ApiRequest},
    codec,
    error_code::ServerError,
    message::ErrorResponse,
    segments::Segments,
};

/// Encodes a complete request frame, length first. Records in it are not copied.
///
/// `request_id` is returned in the response; it must be unique among the requests in flight on its connection.
/// Fails only if the message exceeds the maximum size of a frame (2 GiB).
pub fn encode_request<R: ApiRequest>(
    api_version: i16,
    request_id: i32,
    request: &R,
) -> Result<Segments, FrameError> {
    let body = request.encoded_len();
    let length = announce(REQUEST_HEADER_BYTES + body)?;
    let mut frame = Segments::new();
    let head = frame.tail_mut();
    head.reserve(LENGTH_BYTES + REQUEST_HEADER_BYTES);
    head.put_i32(length);
    head.put_i16(R::API_KEY.code());
    head.put_i16(api_version);
    head.put_i32(request_id);
    request.encode_body(&mut frame);
    debug_assert_eq!(
        frame.len_bytes(),
        LENGTH_BYTES + REQUEST_HEADER_BYTES + body
    );
    Ok(frame)
}

/// Like [`encode_request`], with a message that is already encoded, for requests that are repeated.
///
/// # Errors
///
/// [`FrameError`] if the frame would be longer than its length field can say.
pub fn encode_encoded_request(
    api_key: ApiKey,
    api_version: i16,
    request_id: i32,
    message: Segments,
) -> Result<Segments, FrameError> {
    let length = announce(REQUEST_HEADER_BYTES + message.len_bytes())?;
    let mut frame = Segments::new();
    let head = frame.tail_mut();
    head.reserve(LENGTH_BYTES + REQUEST_HEADER_BYTES);
    head.put_i32(length);
    head.put_i16(api_key.code());
    head.put_i16(api_version);
    head.put_i32(request_id);
    for part in message {
        frame.push(part);
    }
    Ok(frame)
}

/// A frame from a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// The response to a request: the bytes of its message, for [`codec::decode`].
    Success {
        /// Id of the request.
        request_id: i32,
        /// The encoded message, a slice of the frame.
        body: Bytes,
    },
    /// A request failed.
    Error {
        /// Id of the request.
        request_id: i32,
        /// Why.
        error: ServerError,
    },
    /// The connection failed: every request in flight on it did, and the server closes it.
    ServerFailure {
        /// Why.
        error: ServerError,
    },
}

/// Parses a frame returned by [`FrameDecoder`](super::FrameDecoder).
///
/// The body of a success is not decoded, because only the request determines its message.
pub fn decode_response(mut frame: Bytes) -> Result<Response, FrameError> {
    let code = *frame.first().context(TooShortSnafu {
        length: 0_usize,
        needed: 1_usize,
    })?;
    let kind = ResponseType::from_code(code).context(UnknownResponseTypeSnafu { code })?;
    if kind == ResponseType::ServerFailure {
        frame.advance(1);
        return Ok(Response::ServerFailure {
            error: error(frame)?,
        });
    }
    need(&frame, RESPONSE_HEADER_BYTES)?;
    frame.advance(1);
    let request_id = frame.get_i32();
    if kind == ResponseType::Success {
        Ok(Response::Success {
            request_id,
            body: frame,
        })
    } else {
        let error = error(frame)?;
        Ok(Response::Error { request_id, error })
    }
}

fn error(body: Bytes) -> Result<ServerError, FrameError> {
    let response: ErrorResponse = codec::decode(body).context(ErrorBodySnafu)?;
    Ok(response.into())
}
