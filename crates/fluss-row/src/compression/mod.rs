//! The codecs of Arrow buffers. Each buffer is compressed separately.
//!
//! A compressed buffer is its uncompressed length (8 bytes, little-endian) and the compressed bytes; the length -1
//! announces raw bytes. Source: Arrow's `BodyCompressionMethod.BUFFER`, `ArrowCompressionInfo.java`.

#[cfg_attr(
    not(feature = "zstd"),
    expect(dead_code, reason = "for levels, which only Zstandard has")
)]
mod habits;
mod lz4;
mod spares;
mod zstandard;

use arrow_ipc::CompressionType;
use fluss_metadata::{ArrowCompression, ArrowCompressionType};

use self::spares::Spares;
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
    /// For messages of so many buffers. Returns an error if the codec is not compiled in, or if the level is invalid.
    pub(crate) fn new(compression: ArrowCompression, buffers: usize) -> Result<Self> {
        let kind = match compression.kind {
            ArrowCompressionType::None => Kind::None,
            ArrowCompressionType::Lz4Frame => {
                lz4::BUILT_IN?;
                Kind::Lz4
            }
            ArrowCompressionType::Zstd => {
                Kind::Zstd(zstandard::Compressor::new(compression.level, buffers)?)
            }
        };
        Ok(Self { kind })
    }

    /// Another one for messages of the same table, which shares what this one learns about them.
    pub(crate) fn another(&self) -> Self {
        let kind = match &self.kind {
            Kind::None => Kind::None,
            Kind::Lz4 => Kind::Lz4,
            Kind::Zstd(compressor) => Kind::Zstd(compressor.another()),
        };
        Self { kind }
    }

    /// Releases its resources for the next compressor; it takes them again with the next buffer.
    pub(crate) fn rest(&mut self) {
        if let Kind::Zstd(compressor) = &mut self.kind {
            compressor.rest();
        }
    }

    /// Memory to compress a batch into. What does not compress needs more room than is used in the end.
    pub(crate) fn scratch(&self) -> Scratch {
        Scratch {
            bytes: match self.kind {
                Kind::None => Vec::new(),
                Kind::Lz4 | Kind::Zstd(_) => SCRATCH.take().unwrap_or_default(),
            },
        }
    }

    /// What a message says about its buffers.
    pub(crate) fn codec(&self) -> Option<Codec> {
        match &self.kind {
            Kind::None => None,
            Kind::Lz4 => Some(Codec::Lz4Frame),
            Kind::Zstd(_) => Some(Codec::Zstd),
        }
    }

    /// Appends the buffer that has this place in its message: raw if there is no codec, else with its prefix,
    /// compressed where that makes it smaller. An empty buffer stays empty.
    pub(crate) fn append(&mut self, raw: &[u8], place: usize, out: &mut Vec<u8>) -> Result<()> {
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
                compressor.append(raw, place, out)?;
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

/// Scratch memory of batches compressed lately: as much as a few of them take.
static SCRATCH: Spares<Vec<u8>> = Spares::new(4 << 20, Vec::capacity);

/// Memory for a batch while it is made.
pub(crate) struct Scratch {
    bytes: Vec<u8>,
}

impl Scratch {
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// What was written, in memory of its own that has no room to spare.
    pub(crate) fn finish(mut self, compressor: &Compressor) -> Vec<u8> {
        if compressor.codec().is_none() {
            return self.bytes;
        }
        let exact = self.bytes.as_slice().to_vec();
        self.bytes.clear();
        SCRATCH.put(self.bytes);
        exact
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
    /// Returns an error if the codec is not compiled in.
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

    /// The decompressed bytes, of which there have to be `length`. `offset` is where the buffer begins, for errors.
    pub(crate) fn decompress(
        &mut self,
        compressed: &[u8],
        length: usize,
        offset: usize,
    ) -> Result<Vec<u8>> {
        let whole = match &mut self.kind {
            DecompressorKind::Lz4 => {
                let mut out = vec![0; length];
                lz4::fill(compressed, &mut out).then_some(out)
            }
            DecompressorKind::Zstd(decompressor) => decompressor.decompress(compressed, length),
        };
        whole.ok_or(RowError::Malformed {
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
        let mut compressor = Compressor::new(compression, 1).unwrap();
        let mut out = vec![7; 3];
        compressor.append(raw, 0, &mut out).unwrap();
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
            length => Decompressor::new(codec)
                .unwrap()
                .decompress(body, length as usize, 0)
                .unwrap(),
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
            let Ok(mut compressor) = Compressor::new(compression, 1) else {
                continue;
            };
            let mut stored = Vec::new();
            compressor.append(&[5; 1000], 0, &mut stored).unwrap();
            let body = stored.split_off(PREFIX_BYTES);
            let mut decompressor = Decompressor::new(codec).unwrap();
            for length in [0, 1, 999, 1001, 5000] {
                assert!(
                    decompressor.decompress(&body, length, 0).is_err(),
                    "{codec:?} {length}"
                );
            }
            for cut in 0..body.len() {
                assert!(
                    decompressor.decompress(&body[..cut], 1000, 0).is_err(),
                    "{codec:?} cut at {cut}"
                );
            }
            let more = [&body[..], b"x"].concat();
            assert!(
                decompressor.decompress(&more, 1000, 0).is_err(),
                "{codec:?}"
            );
            assert_eq!(decompressor.decompress(&body, 1000, 0).unwrap(), [5; 1000]);
        }
    }

    /// Letters by chance, as ids and hashes have them: what a search for repetitions finds there is not worth the work.
    #[cfg(feature = "zstd")]
    fn noise_of_letters(bytes: u32) -> Vec<u8> {
        let letter = |i: u32| b'a' + (i.wrapping_mul(2_654_435_761).rotate_right(13) % 26) as u8;
        (0..bytes).map(letter).collect()
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn a_batch_is_never_larger_by_a_hundredth_than_at_the_level_of_its_table() {
        let repetitive: Vec<u8> = (0..20_000_u32)
            .flat_map(|i| format!("the customer {} of the shop; ", i * i % 997).into_bytes())
            .collect();
        let noise = noise_of_letters(200_000);
        for level in [2, 3, 9] {
            let mut compressor =
                Compressor::new(ArrowCompression::zstd(level).unwrap(), 2).unwrap();
            for _ in 0..3 {
                for (place, raw) in [&repetitive, &noise].into_iter().enumerate() {
                    let mut exact = zstd::bulk::Compressor::new(level).unwrap();
                    let most = exact.compress(raw).unwrap().len() + PREFIX_BYTES;
                    let mut out = Vec::new();
                    compressor.append(raw, place, &mut out).unwrap();
                    assert!(
                        out.len() <= most + most / 100,
                        "{level} {place}: {}",
                        out.len()
                    );
                }
                compressor.rest();
            }
        }
    }

    /// Data that changes its nature is compressed at the level of the table again before long.
    #[cfg(feature = "zstd")]
    #[test]
    fn what_was_learned_about_a_column_is_tried_again() {
        let compression = ArrowCompression::zstd(9).unwrap();
        let mut compressor = Compressor::new(compression, 1).unwrap();
        let noise = noise_of_letters(50_000);
        let text: Vec<u8> = (0..5000_u32)
            .flat_map(|i| format!("order {} is on its way, ", i * i % 499).into_bytes())
            .collect();
        compressor.append(&noise, 0, &mut Vec::new()).unwrap();
        let best = zstd::bulk::compress(&text, 9).unwrap().len() + PREFIX_BYTES;
        let sizes: Vec<_> = (0..64)
            .map(|_| {
                let mut out = Vec::new();
                compressor.another().append(&text, 0, &mut out).unwrap();
                out.len()
            })
            .collect();
        assert_eq!(*sizes.last().unwrap(), best, "{sizes:?}");
    }

    #[test]
    fn a_codec_that_is_not_built_in_is_named() {
        let missing = |result: Result<Compressor>| match result {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        let lz4 = missing(Compressor::new(ArrowCompression::LZ4_FRAME, 1));
        assert_eq!(
            lz4.is_some_and(|text| text.contains("\"lz4\"")),
            !cfg!(feature = "lz4")
        );
        let zstd = missing(Compressor::new(ArrowCompression::ZSTD, 1));
        assert_eq!(
            zstd.is_some_and(|text| text.contains("\"zstd\"")),
            !cfg!(feature = "zstd")
        );
    }
}
