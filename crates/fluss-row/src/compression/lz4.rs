//! LZ4 frames of independent blocks, which are all that Java's reader accepts. Source: `FlussLZ4BlockInputStream.java`.

#[cfg(feature = "lz4")]
pub(super) use enabled::{Compressor, Decompressor};

#[cfg(not(feature = "lz4"))]
pub(super) use disabled::{Compressor, Decompressor};

#[cfg(feature = "lz4")]
mod enabled {
    use std::io::{Read, Write};

    use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

    use crate::{Result, RowError};

    pub(in crate::compression) struct Compressor;

    impl Compressor {
        #[expect(
            clippy::unnecessary_wraps,
            reason = "the other codecs' constructors err"
        )]
        pub(in crate::compression) fn new() -> Result<Self> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, reason = "the other codecs have a state")]
        pub(in crate::compression) fn append(
            &mut self,
            raw: &[u8],
            out: &mut Vec<u8>,
        ) -> Result<()> {
            let failed = |source| RowError::Compression {
                codec: "LZ4_FRAME",
                bytes: raw.len(),
                source,
            };
            let info = FrameInfo::new()
                .block_mode(BlockMode::Independent)
                .block_size(BlockSize::Max64KB);
            let mut encoder = FrameEncoder::with_frame_info(info, out);
            encoder.write_all(raw).map_err(failed)?;
            encoder.finish().map_err(|error| failed(error.into()))?;
            Ok(())
        }
    }

    pub(in crate::compression) struct Decompressor;

    impl Decompressor {
        #[expect(
            clippy::unnecessary_wraps,
            reason = "the other codecs' constructors err"
        )]
        pub(in crate::compression) fn new() -> Result<Self> {
            Ok(Self)
        }

        /// Whether the bytes are one frame of exactly as many bytes as there is room for.
        #[expect(clippy::unused_self, reason = "the other codecs have a state")]
        pub(in crate::compression) fn fill(&mut self, compressed: &[u8], out: &mut [u8]) -> bool {
            let mut rest = compressed;
            let mut decoder = FrameDecoder::new(&mut rest);
            let filled = decoder.read_exact(out).is_ok();
            // Reading on makes sure that the frame has its end mark and no more content.
            let ended = matches!(decoder.read(&mut [0]), Ok(0));
            drop(decoder);
            filled && ended && rest.is_empty() && has_end_mark(compressed)
        }
    }

    /// Whether the frame has its end mark: the decoder takes the end of its input for it, too.
    fn has_end_mark(frame: &[u8]) -> bool {
        const FLAGS_AT: usize = 4;
        const CONTENT_CHECKSUM: u8 = 4;
        let checksum = frame
            .get(FLAGS_AT)
            .is_some_and(|flags| flags & CONTENT_CHECKSUM != 0);
        let at = frame.len().checked_sub(if checksum { 8 } else { 4 });
        at.and_then(|at| frame.get(at..))
            .is_some_and(|end| end.starts_with(&[0; 4]))
    }
}

/// What stands for a codec that the build is without: none can be made.
#[cfg(not(feature = "lz4"))]
mod disabled {
    use std::convert::Infallible;

    use crate::{Result, RowError};

    const MISSING: RowError = RowError::MissingFeature {
        codec: "LZ4_FRAME",
        feature: "lz4",
    };

    pub(in crate::compression) struct Compressor(Infallible);

    impl Compressor {
        pub(in crate::compression) fn new() -> Result<Self> {
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
