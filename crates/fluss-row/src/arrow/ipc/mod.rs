//! The one message of a log batch: an encapsulated Arrow `RecordBatch`, without schema, dictionaries and end mark.

mod decode;
mod limits;
mod message;
mod project;
mod write;

pub(crate) use decode::{Decoded, WireColumn, decode};
pub use limits::DecodeLimits;
pub(crate) use message::Message;
pub(crate) use project::project;
pub(crate) use write::{check_size, write};

/// What an encapsulated message begins with.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// Bytes before the metadata: the mark and the metadata's length.
const PREFIX_BYTES: usize = 8;
/// To what the metadata and every buffer are padded.
const ALIGNMENT: usize = 8;
