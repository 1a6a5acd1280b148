//! Aligned rows: slots of eight bytes, as in Paimon's binary rows; see `docs/protocol/rows.md`.

crate::binary::fixed_format!(Aligned, AlignedEncoder, AlignedDecoder, "aligned");
