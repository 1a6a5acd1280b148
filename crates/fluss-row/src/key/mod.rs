//! The bytes of keys: which encoding a table uses, and the encodings.
//!
//! A table with a lake format encodes its bucket key as the lake does, so that both agree on buckets; whether
//! the primary key is encoded alike depends on `table.kv.format-version`. See `docs/protocol/rows.md`.

mod encoder;
mod hudi;
mod iceberg;
mod table;

pub use encoder::{KeyEncoder, KeyEncoding};
pub use table::TableKeys;
