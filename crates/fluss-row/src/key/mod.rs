//! The bytes of keys: which encoding a table uses, and the encodings.
//!
//! A table with a lake format encodes its bucket key like the lake, so that both agree on buckets. Whether the
//! primary key is encoded the same way depends on `table.kv.format-version`. See `docs/protocol/rows.md`.

mod encoder;
mod hudi;
mod iceberg;
mod table;

pub use encoder::{KeyEncoder, KeyEncoding};
pub use table::TableKeys;
