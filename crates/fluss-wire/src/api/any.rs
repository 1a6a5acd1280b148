//! Type-erased messages, for tools that don't know what a frame contains.

use std::{any::Any, fmt};

use super::{ApiKey, ApiRequest};
use crate::{
    codec::WireMessage,
    frame::{self, FrameError},
    segments::Segments,
};

/// Any message, as returned by [`ApiKey::decode_response`].
pub trait AnyMessage: fmt::Debug + Send + Sync {
    /// The encoded message.
    fn encode_to_vec(&self) -> Vec<u8>;

    /// See [`frame::encode_success`].
    fn encode_success(&self, request_id: i32) -> Result<Segments, FrameError>;

    /// For a downcast to the message type.
    fn as_any(&self) -> &dyn Any;
}

impl<M: WireMessage> AnyMessage for M {
    fn encode_to_vec(&self) -> Vec<u8> {
        prost::Message::encode_to_vec(self)
    }

    fn encode_success(&self, request_id: i32) -> Result<Segments, FrameError> {
        frame::encode_success(request_id, self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Any request message, as returned by [`ApiKey::decode_request`].
pub trait AnyRequest: AnyMessage {
    /// The API of the request.
    fn api_key(&self) -> ApiKey;

    /// See [`frame::encode_request`].
    fn encode_request(&self, api_version: i16, request_id: i32) -> Result<Segments, FrameError>;
}

impl<R: ApiRequest> AnyRequest for R {
    fn api_key(&self) -> ApiKey {
        R::API_KEY
    }

    fn encode_request(&self, api_version: i16, request_id: i32) -> Result<Segments, FrameError> {
        frame::encode_request(api_version, request_id, self)
    }
}
