//! LZ4 frames of independent blocks, which are all that Java's reader accepts. Source: `FlussLZ4BlockInputStream.java`.

#[cfg(feature = "lz4")]
pub(super) use enabled::{BUILT_IN, append, fill};

#[cfg(not(feature = "lz4"))]
pub(super) use disabled::{BUILT_IN, append, fill};

#[cfg(feature = "lz4")]
mod enabled {
    use std::io::{Read, Write};

    use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

    use crate::{Result, RowError};

    pub(in crate::compression) const BUILT_IN: Result<()> = Ok(());

    pub(in crate::compression) fn append(raw: &[u8], out: &mut Vec<u8>) -> Result<()> {
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

    /// Whether the bytes are one frame of exactly as many bytes as there is room for.
    pub(in crate::compression) fn fill(compressed: &[u8], out: &mut [u8]) -> bool {
        let mut rest = compressed;
        let mut decoder = FrameDecoder::new(&mut rest);
        let filled = decoder.read_exact(out).is_ok();
        // Reading on makes sure that the frame has its end mark and no more content.
        let ended = matches!(decoder.read(&mut [0]), Ok(0));
        drop(decoder);
        filled && ended && rest.is_empty() && has_end_mark(compressed)
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

/// What stands for the codec in a build without it; [`BUILT_IN`] is asked first.
#[cfg(not(feature = "lz4"))]
mod disabled {
    use crate::{Result, RowError};

    pub(in crate::compression) const BUILT_IN: Result<()> = Err(RowError::MissingFeature {
        codec: "LZ4_FRAME",
        feature: "lz4",
    });

    pub(in crate::compression) fn append(_raw: &[u8], _out: &mut Vec<u8>) -> Result<()> {
        BUILT_IN
    }

    pub(in crate::compression) fn fill(_compressed: &[u8], _out: &mut [u8]) -> bool {
        false
    }
}
