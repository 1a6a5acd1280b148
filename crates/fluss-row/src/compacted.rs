//! Compacted rows: null bits, then the values back to back, integers as varints.
//!
//! The default form of rows in primary-key tables; see `docs/protocol/rows.md`.

crate::binary::fixed_format!(Compacted, CompactedEncoder, CompactedDecoder, "compacted");
