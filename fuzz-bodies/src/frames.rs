//! Frames and messages.

use bytes::{Bytes, BytesMut};
use fluss_wire::api::{ApiKey, TABLE};
use fluss_wire::frame::{FrameDecoder, Response, decode_request, decode_response};
use fluss_wire::sasl::PlainCredentials;

/// A stream of frames, read as both sides do.
pub(crate) fn frame(bytes: &[u8]) {
    let mut stream = BytesMut::from(bytes);
    let mut decoder = FrameDecoder::new(1 << 20);
    while let Ok(Some(frame)) = decoder.decode(&mut stream) {
        let request = decode_request(frame.clone());
        if let Ok(request) = request
            && let Some(api) = ApiKey::from_code(request.api_key)
        {
            let _ = api.decode_request(request.body);
        }
        let _ = decode_response(frame);
    }
}

pub(crate) fn response_header(bytes: &[u8]) {
    if let Ok(Response::Error { error, .. } | Response::ServerFailure { error }) =
        decode_response(Bytes::copy_from_slice(bytes))
    {
        let _ = (error.to_string(), error.is_retriable());
    }
}

/// The first byte chooses the API.
fn api_and_body(bytes: &[u8]) -> Option<(ApiKey, Bytes)> {
    let (first, body) = bytes.split_first()?;
    let entry = TABLE.get(usize::from(*first) % TABLE.len())?;
    Some((entry.key, Bytes::copy_from_slice(body)))
}

pub(crate) fn request_message(bytes: &[u8]) {
    if let Some((api, body)) = api_and_body(bytes) {
        let _ = api.decode_request(body);
    }
}

pub(crate) fn response_message(bytes: &[u8]) {
    if let Some((api, body)) = api_and_body(bytes) {
        let _ = api.decode_response(body);
    }
}

pub(crate) fn sasl_token(bytes: &[u8]) {
    let _ = PlainCredentials::parse(bytes);
}
