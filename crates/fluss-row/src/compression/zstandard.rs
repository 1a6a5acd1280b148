//! Zstandard: one frame a buffer.

#[cfg(feature = "zstd")]
pub(super) use enabled::{Compressor, Decompressor};

#[cfg(not(feature = "zstd"))]
pub(super) use disabled::{Compressor, Decompressor};

#[cfg(feature = "zstd")]
mod enabled {
    use std::io::Cursor;
    use std::ops::RangeInclusive;

    use zstd::bulk;

    use crate::{Result, RowError};

    const LEVELS: RangeInclusive<i32> = 1..=22;

    pub(in crate::compression) struct Compressor {
        level: i32,
        context: Option<bulk::Compressor<'static>>,
    }

    impl Compressor {
        pub(in crate::compression) fn new(level: i32) -> Result<Self> {
            if !LEVELS.contains(&level) {
                return Err(RowError::InvalidValue {
                    expected: "ZSTD level (1 to 22)".into(),
                    value: level.to_string().into(),
                });
            }
            Ok(Self {
                level,
                context: None,
            })
        }

        pub(in crate::compression) fn append(
            &mut self,
            raw: &[u8],
            out: &mut Vec<u8>,
        ) -> Result<()> {
            let failed = |source| RowError::Compression {
                codec: "ZSTD",
                bytes: raw.len(),
                source,
            };
            let context = match &mut self.context {
                Some(context) => context,
                none => none.insert(bulk::Compressor::new(self.level).map_err(failed)?),
            };
            out.reserve(zstd::zstd_safe::compress_bound(raw.len()));
            let start = out.len() as u64;
            let mut cursor = Cursor::new(std::mem::take(out));
            cursor.set_position(start);
            let result = context.compress_to_buffer(raw, &mut cursor);
            *out = cursor.into_inner();
            result.map(|_| ()).map_err(failed)
        }
    }

    pub(in crate::compression) struct Decompressor {
        context: bulk::Decompressor<'static>,
    }

    impl Decompressor {
        pub(in crate::compression) fn new() -> Result<Self> {
            let context = bulk::Decompressor::new().map_err(|source| RowError::Compression {
                codec: "ZSTD",
                bytes: 0,
                source,
            })?;
            Ok(Self { context })
        }

        /// Whether the bytes are frames of exactly as many bytes as there is room for.
        pub(in crate::compression) fn fill(&mut self, compressed: &[u8], out: &mut [u8]) -> bool {
            let expected = out.len();
            self.context
                .decompress_to_buffer(compressed, out)
                .is_ok_and(|length| length == expected)
        }
    }
}

/// What stands for a codec that the build is without: none can be made.
#[cfg(not(feature = "zstd"))]
mod disabled {
    use std::convert::Infallible;

    use crate::{Result, RowError};

    const MISSING: RowError = RowError::MissingFeature {
        codec: "ZSTD",
        feature: "zstd",
    };

    pub(in crate::compression) struct Compressor(Infallible);

    impl Compressor {
        pub(in crate::compression) fn new(_level: i32) -> Result<Self> {
            Err(MISSING)
        }

        pub(in crate::compression) fn append(
            &mut self,
            _raw: &[u8],
            _out: &mut Vec<u8>,
        ) -> Result<()> {
            match self.0 {}
        }
    }

    pub(in crate::compression) struct Decompressor(Infallible);

    impl Decompressor {
        pub(in crate::compression) fn new() -> Result<Self> {
            Err(MISSING)
        }

        pub(in crate::compression) fn fill(&mut self, _compressed: &[u8], _out: &mut [u8]) -> bool {
            match self.0 {}
        }
    }
}
