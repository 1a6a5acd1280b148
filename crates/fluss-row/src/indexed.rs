//! Indexed rows: null bits, lengths, then values of fixed width; see `docs/protocol/rows.md`.

crate::binary::fixed_format!(Indexed, IndexedEncoder, IndexedDecoder, "indexed");
