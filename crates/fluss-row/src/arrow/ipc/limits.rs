//! How much memory decoding may take.

/// How large a batch may become when it is decompressed. Checked before any memory is allocated for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most bytes of a batch after decompression, columns included that are missing in it and read as null.
    pub max_decompressed_bytes: usize,
    /// How many times larger a batch may become, if it becomes larger than `ratio_free_bytes`.
    pub max_ratio: usize,
    /// Up to so many bytes the ratio does not matter: a column that always has the same value compresses to next to nothing.
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
