//! Zstandard: one frame a buffer.

#[cfg(feature = "zstd")]
pub(super) use enabled::{Compressor, Decompressor};

#[cfg(not(feature = "zstd"))]
pub(super) use disabled::{Compressor, Decompressor};

#[cfg(feature = "zstd")]
mod enabled {
    use std::io::{Cursor, Error};
    use std::ops::RangeInclusive;

    use zstd::zstd_safe::{self, CCtx, CParameter, DCtx};

    use crate::compression::habits::{Effort, Habits, LEAST_BYTES};
    use crate::compression::spares::Spares;
    use crate::{Result, RowError};

    const LEVELS: RangeInclusive<i32> = 1..=22;
    const QUICKEST: i32 = *LEVELS.start();

    /// A context takes about 1 MiB at level 3, and 96 KiB for decompression.
    static COMPRESSORS: Spares<Context> = Spares::new(4 << 20, |spare| spare.context.sizeof());
    static DECOMPRESSORS: Spares<DCtx<'static>> = Spares::new(1 << 20, DCtx::sizeof);

    struct Context {
        context: CCtx<'static>,
        level: i32,
    }

    pub(in crate::compression) struct Compressor {
        level: i32,
        habits: Habits,
        /// Taken with the first buffer of a batch.
        context: Option<Context>,
    }

    impl Compressor {
        pub(in crate::compression) fn new(level: i32, buffers: usize) -> Result<Self> {
            if !LEVELS.contains(&level) {
                return Err(RowError::InvalidValue {
                    expected: "ZSTD level (1 to 22)".into(),
                    value: level.to_string().into(),
                });
            }
            Ok(Self {
                level,
                habits: Habits::new(if level > QUICKEST { buffers } else { 0 }),
                context: None,
            })
        }

        /// Another one, which shares what this one learns.
        pub(in crate::compression) fn another(&self) -> Self {
            Self {
                level: self.level,
                habits: self.habits.clone(),
                context: None,
            }
        }

        /// Releases the context for the next compressor.
        pub(in crate::compression) fn rest(&mut self) {
            if let Some(context) = self.context.take() {
                COMPRESSORS.put(context);
            }
        }

        /// Appends the frame of the buffer that has this place in its message.
        pub(in crate::compression) fn append(
            &mut self,
            raw: &[u8],
            place: usize,
            out: &mut Vec<u8>,
        ) -> Result<()> {
            let level = self.level;
            let effort = if raw.len() < LEAST_BYTES {
                Effort::Full
            } else {
                self.habits.effort(place)
            };
            let context = self.context.get_or_insert_with(Context::take);
            match effort {
                Effort::Full => context.append(raw, level, out),
                Effort::Quick => context.append(raw, QUICKEST, out),
                Effort::Both => {
                    let start = out.len();
                    context.append(raw, level, out)?;
                    let middle = out.len();
                    context.append(raw, QUICKEST, out)?;
                    if self.habits.learn(place, middle - start, out.len() - middle) {
                        out.drain(start..middle);
                    } else {
                        out.truncate(middle);
                    }
                    Ok(())
                }
            }
        }
    }

    impl Context {
        fn take() -> Self {
            COMPRESSORS.take().unwrap_or_else(|| Self {
                context: CCtx::create(),
                level: 0,
            })
        }

        fn append(&mut self, raw: &[u8], level: i32, out: &mut Vec<u8>) -> Result<()> {
            let failed = |code| RowError::Compression {
                codec: "ZSTD",
                bytes: raw.len(),
                source: Error::other(zstd_safe::get_error_name(code)),
            };
            if self.level != level {
                self.level = level;
                self.context
                    .set_parameter(CParameter::CompressionLevel(level))
                    .map_err(failed)?;
            }
            out.reserve(zstd_safe::compress_bound(raw.len()));
            let start = out.len() as u64;
            let mut cursor = Cursor::new(std::mem::take(out));
            cursor.set_position(start);
            let result = self.context.compress2(&mut cursor, raw);
            *out = cursor.into_inner();
            result.map(|_| ()).map_err(failed)
        }
    }

    pub(in crate::compression) struct Decompressor {
        context: Option<DCtx<'static>>,
    }

    impl Decompressor {
        #[expect(
            clippy::unnecessary_wraps,
            reason = "a build without the codec has one that cannot be made"
        )]
        pub(in crate::compression) fn new() -> Result<Self> {
            let context = DECOMPRESSORS.take().unwrap_or_else(DCtx::create);
            Ok(Self {
                context: Some(context),
            })
        }

        /// The content of the frames that the bytes are, if it has this length.
        pub(in crate::compression) fn decompress(
            &mut self,
            compressed: &[u8],
            length: usize,
        ) -> Option<Vec<u8>> {
            // Not zeroed before it is filled.
            let mut out = Vec::with_capacity(length);
            let written = self
                .context
                .as_mut()?
                .decompress(&mut out, compressed)
                .ok()?;
            (written == length).then_some(out)
        }
    }

    impl Drop for Decompressor {
        fn drop(&mut self) {
            if let Some(context) = self.context.take() {
                DECOMPRESSORS.put(context);
            }
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
        pub(in crate::compression) fn new(_level: i32, _buffers: usize) -> Result<Self> {
            Err(MISSING)
        }

        pub(in crate::compression) fn another(&self) -> Self {
            match self.0 {}
        }

        pub(in crate::compression) fn rest(&mut self) {
            match self.0 {}
        }

        pub(in crate::compression) fn append(
            &mut self,
            _raw: &[u8],
            _place: usize,
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

        pub(in crate::compression) fn decompress(
            &mut self,
            _compressed: &[u8],
            _length: usize,
        ) -> Option<Vec<u8>> {
            match self.0 {}
        }
    }
}
