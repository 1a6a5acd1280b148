//! The wire protocol of Apache Fluss, without I/O: bytes in, values out, and back.
//!
//! - [`frame`]: frames, for the client and for the server side; an incremental [`FrameDecoder`](frame::FrameDecoder)
//!   with a hard limit.
//! - [`message`]: every message of release 1.0.0 (0.9.1 knows a subset), generated and committed. Records are
//!   [`bytes::Bytes`]: slices of what was received, pieces of what is sent, never copies.
//! - [`codec`]: checked decoding of a message.
//! - [`lookup`]: responses to lookups, read in place instead of decoded.
//! - [`api`]: one table of all APIs: key, versions, which server answers, whether a request may be retried.
//! - [`version`]: which version to use with a server.
//! - [`error_code`]: one table of all error codes, and what each means for trying again.
//! - [`sasl`]: authentication tokens.
//!
//! Non-goals: it opens no sockets, reads no clock, spawns no tasks, and does not parse records (`fluss-row` does
//! that). Nothing received is trusted: bytes can never cause a panic, or an allocation that the received bytes don't
//! justify.
//!
//! # Example
//!
//! A captured stream of requests, decoded (`examples/decode_frame.rs` does the same with hex from the command line):
//!
//! ```
//! use bytes::BytesMut;
//! use fluss_wire::api::ApiKey;
//! use fluss_wire::frame::{FrameDecoder, decode_request};
//!
//! // length 22, API 1000, version 0, request 0, then the message
//! let captured = b"\0\0\0\x16\x03\xe8\0\0\0\0\0\0\x0a\x05fluss\x12\x050.1.0";
//! let mut stream = BytesMut::from(&captured[..]);
//! let mut decoder = FrameDecoder::new(128 * 1024 * 1024);
//!
//! while let Some(frame) = decoder.decode(&mut stream)? {
//!     let request = decode_request(frame)?;
//!     let api = ApiKey::from_code(request.api_key).expect("an API of this release");
//!     let message = api.decode_request(request.body)?;
//!     println!("{api} version {}: {message:?}", request.api_version);
//!     assert_eq!(api.to_string(), "API_VERSIONS (1000)");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Set by docs.rs, so that items show the feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod api;
pub mod codec;
pub mod error_code;
pub mod frame;
pub mod lookup;
pub mod message;
pub mod repeated;
pub mod sasl;
mod segments;
pub mod version;

pub use repeated::Repeated;
pub use segments::Segments;
