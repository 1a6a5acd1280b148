//! The byte forms of rows: what the three formats share, and what sets them apart.
//!
//! A [`Layout`] is compiled once from a row type; encoders and decoders then walk its fields without
//! looking at types again.

pub(crate) mod aligned;
mod buffer;
pub(crate) mod compacted;
mod compacted_read;
mod format;
pub(crate) mod indexed;
pub(crate) mod layout;
pub(crate) mod nested;
pub(crate) mod read;
mod row;
pub(crate) mod slots;
pub(crate) mod varint;

pub use buffer::RowBuffer;
pub(crate) use format::fixed_format;
pub use format::{RowDecoder, RowEncoder, RowFormat};
pub use nested::{ArrayCodec, MapCodec};
pub use row::BinaryRow;
