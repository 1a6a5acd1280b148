//! Limits for the memory used by decoding.

/// Limits for the decompressed size of a batch, checked before any memory is allocated for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Maximum bytes of a batch after decompression, including missing columns that are read as null.
    pub max_decompressed_bytes: usize,
    /// Maximum compression ratio of a batch whose decompressed size exceeds `ratio_free_bytes`.
    pub max_ratio: usize,
    /// Up to this many bytes the ratio is not checked: a constant column compresses to almost nothing.
    pub ratio_free_bytes: usize,
}

impl DecodeLimits {
    /// 256 MiB, and 1000 times the compressed size above 32 MiB.
    pub const DEFAULT: Self = Self {
        max_decompressed_bytes: 256 << 20,
        max_ratio: 1000,
        ratio_free_bytes: 32 << 20,
    };
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
