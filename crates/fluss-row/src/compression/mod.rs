//! The codecs of Arrow buffers: each buffer is compressed by itself.
//!
//! A compressed buffer is its uncompressed length (8 bytes, little-endian) and the compressed bytes; the length -1 announces raw
//! bytes. Source: Arrow's `BodyCompressionMethod.BUFFER`, `ArrowCompressionInfo.java`.

mod lz4;
mod zstandard;

use arrow_ipc::CompressionType;
use fluss_metadata::{ArrowCompression, ArrowCompressionType};

use crate::{Result, RowError};

/// Bytes of the length before a compressed buffer.
pub(crate) const PREFIX_BYTES: usize = 8;
/// The length that announces raw bytes.
pub(crate) const RAW: i64 = -1;

/// How the buffers of a message are compressed, as the message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Lz4Frame,
    Zstd,
}

impl Codec {
    pub(crate) fn from_ipc(codec: CompressionType) -> Option<Self> {
        match codec {
            CompressionType::LZ4_FRAME => Some(Self::Lz4Frame),
            CompressionType::ZSTD => Some(Self::Zstd),
            _ => None,
        }
    }

    pub(crate) const fn to_ipc(self) -> CompressionType {
        match self {
            Self::Lz4Frame => CompressionType::LZ4_FRAME,
            Self::Zstd => CompressionType::ZSTD,
        }
    }
}

/// Compresses buffers with the codec of a table.
pub(crate) struct Compressor {
    kind: Kind,
}

enum Kind {
    None,
    Lz4,
    Zstd(zstandard::Compressor),
}

impl Compressor {
    /// Errs when the build is without the codec, or the level does not exist.
    pub(crate) fn new(compression: ArrowCompression) -> Result<Self> {
        let kind = match compression.kind {
            ArrowCompressionType::None => Kind::None,
            ArrowCompressionType::Lz4Frame => {
                lz4::BUILT_IN?;
                Kind::Lz4
            }
            ArrowCompressionType::Zstd => {
                Kind::Zstd(zstandard::Compressor::new(compression.level)?)
            }
        };
        Ok(Self { kind })
    }

    /// What a message says about its buffers.
    pub(crate) fn codec(&self) -> Option<Codec> {
        match &self.kind {
            Kind::None => None,
            Kind::Lz4 => Some(Codec::Lz4Frame),
            Kind::Zstd(_) => Some(Codec::Zstd),
        }
    }

    /// Appends a buffer: raw if there is no codec, else with its prefix, compressed where that makes it smaller. An empty buffer
    /// stays empty.
    pub(crate) fn append(&mut self, raw: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if raw.is_empty() {
            return Ok(());
        }
        let start = out.len();
        match &mut self.kind {
            Kind::None => {
                out.extend_from_slice(raw);
                return Ok(());
            }
            Kind::Lz4 => {
                out.extend_from_slice(&(raw.len() as i64).to_le_bytes());
                lz4::append(raw, out)?;
            }
            Kind::Zstd(compressor) => {
                out.extend_from_slice(&(raw.len() as i64).to_le_bytes());
                compressor.append(raw, out)?;
            }
        }
        if out.len() - start - PREFIX_BYTES >= raw.len() {
            out.truncate(start);
            out.extend_from_slice(&RAW.to_le_bytes());
            out.extend_from_slice(raw);
        }
        Ok(())
    }
}

/// Decompresses the buffers of one message.
pub(crate) struct Decompressor {
    kind: DecompressorKind,
}

enum DecompressorKind {
    Lz4,
    Zstd(zstandard::Decompressor),
}

impl Decompressor {
    /// Errs when the build is without the codec.
    pub(crate) fn new(codec: Codec) -> Result<Self> {
        let kind = match codec {
            Codec::Lz4Frame => {
                lz4::BUILT_IN?;
                DecompressorKind::Lz4
            }
            Codec::Zstd => DecompressorKind::Zstd(zstandard::Decompressor::new()?),
        };
        Ok(Self { kind })
    }

    /// Fills `out` with the decompressed bytes, of which there have to be exactly as many. `offset` is where they begin, for errors.
    pub(crate) fn fill(&mut self, compressed: &[u8], out: &mut [u8], offset: usize) -> Result<()> {
        let whole = match &mut self.kind {
            DecompressorKind::Lz4 => lz4::fill(compressed, out),
            DecompressorKind::Zstd(decompressor) => decompressor.fill(compressed, out),
        };
        if whole {
            return Ok(());
        }
        Err(RowError::Malformed {
            what: "compressed buffer",
            offset,
            problem: "not what its codec writes, or not of the length announced",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(compression: ArrowCompression, raw: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut compressor = Compressor::new(compression).unwrap();
        let mut out = vec![7; 3];
        compressor.append(raw, &mut out).unwrap();
        let stored = out.split_off(3);
        assert_eq!(out, [7; 3]);
        let Some(codec) = compressor.codec() else {
            return (stored.clone(), stored);
        };
        if stored.is_empty() {
            return (stored, Vec::new());
        }
        let (prefix, body) = stored.split_first_chunk().unwrap();
        let back = match i64::from_le_bytes(*prefix) {
            RAW => body.to_vec(),
            length => {
                let mut back = vec![0; length as usize];
                Decompressor::new(codec)
                    .unwrap()
                    .fill(body, &mut back, 0)
                    .unwrap();
                back
            }
        };
        (stored, back)
    }

    #[test]
    fn every_codec_and_level_gives_back_what_it_was_given() {
        let text: Vec<u8> = (0..100_000_u32)
            .flat_map(|i| format!("row {} ", i % 977).into_bytes())
            .collect();
        let noise: Vec<u8> = (0..5000_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let mut codecs = vec![ArrowCompression::NONE];
        if cfg!(feature = "lz4") {
            codecs.push(ArrowCompression::LZ4_FRAME);
        }
        if cfg!(feature = "zstd") {
            codecs.extend((1..=22).map(|level| ArrowCompression::zstd(level).unwrap()));
        }
        for codec in codecs {
            for raw in [&b""[..], b"x", &text, &noise] {
                let (stored, back) = round_trip(codec, raw);
                assert_eq!(back, raw, "{codec:?}");
                assert!(stored.len() <= raw.len() + PREFIX_BYTES, "{codec:?}");
            }
            let (stored, _) = round_trip(codec, &text);
            assert_eq!(
                codec.kind == ArrowCompressionType::None,
                stored.len() >= text.len(),
                "{codec:?}"
            );
        }
    }

    #[test]
    fn a_wrong_length_and_bytes_that_go_on_are_refused() {
        for (codec, compression) in [
            (Codec::Lz4Frame, ArrowCompression::LZ4_FRAME),
            (Codec::Zstd, ArrowCompression::ZSTD),
        ] {
            let Ok(mut compressor) = Compressor::new(compression) else {
                continue;
            };
            let mut stored = Vec::new();
            compressor.append(&[5; 1000], &mut stored).unwrap();
            let body = stored.split_off(PREFIX_BYTES);
            let mut decompressor = Decompressor::new(codec).unwrap();
            for length in [0, 1, 999, 1001, 5000] {
                assert!(
                    decompressor.fill(&body, &mut vec![0; length], 0).is_err(),
                    "{codec:?} {length}"
                );
            }
            for cut in 0..body.len() {
                assert!(
                    decompressor.fill(&body[..cut], &mut [0; 1000], 0).is_err(),
                    "{codec:?} cut at {cut}"
                );
            }
            let more = [&body[..], b"x"].concat();
            assert!(
                decompressor.fill(&more, &mut [0; 1000], 0).is_err(),
                "{codec:?}"
            );
            decompressor.fill(&body, &mut [0; 1000], 0).unwrap();
        }
    }

    #[test]
    fn a_codec_that_is_not_built_in_is_named() {
        let missing = |result: Result<Compressor>| match result {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        let lz4 = missing(Compressor::new(ArrowCompression::LZ4_FRAME));
        assert_eq!(
            lz4.is_some_and(|text| text.contains("\"lz4\"")),
            !cfg!(feature = "lz4")
        );
        let zstd = missing(Compressor::new(ArrowCompression::ZSTD));
        assert_eq!(
            zstd.is_some_and(|text| text.contains("\"zstd\"")),
            !cfg!(feature = "zstd")
        );
    }
}
