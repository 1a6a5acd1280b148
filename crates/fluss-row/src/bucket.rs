//! Bucket functions, one per lake format.
//!
//! Source: `FlussBucketingFunction.java` and its siblings, `MurmurHashUtils.java`, `MathUtils.java`.

use fluss_metadata::DataLakeFormat;

use crate::{Result, RowError};

/// The bucket function of a table. The lake format decides, even if tiering is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BucketFunction {
    /// Tables without a lake format, and tables of Lance.
    #[default]
    Fluss,
    /// Tables of Paimon.
    Paimon,
    /// Tables of Iceberg.
    Iceberg,
    /// Tables of Hudi, whose key bytes are a hash already.
    Hudi,
}

impl BucketFunction {
    /// Returns the function for a value of `table.datalake.format`.
    #[must_use]
    pub const fn for_lake(lake: Option<DataLakeFormat>) -> Self {
        match lake {
            None | Some(DataLakeFormat::Lance) => Self::Fluss,
            Some(DataLakeFormat::Paimon) => Self::Paimon,
            Some(DataLakeFormat::Iceberg) => Self::Iceberg,
            Some(DataLakeFormat::Hudi) => Self::Hudi,
        }
    }

    /// Returns the bucket, in `0..bucket_count`, for the bytes of a bucket key. Returns an error if there are no
    /// buckets, if the key is empty for the functions of Fluss and Iceberg, or if it does not have four bytes for
    /// that of Hudi.
    #[inline]
    pub fn bucket(self, key: &[u8], bucket_count: i32) -> Result<i32> {
        if bucket_count <= 0 {
            return Err(refused(
                key,
                bucket_count,
                "the bucket count must be positive",
            ));
        }
        // Most tables have the first one, which then needs no table of jumps.
        match self {
            Self::Fluss if !key.is_empty() => {
                let hash = mix_again(murmur_sign_extended(key));
                // The one number without a positive counterpart counts as 0.
                Ok(hash.checked_abs().unwrap_or(0) % bucket_count)
            }
            other => other.bucket_of_lake(key, bucket_count),
        }
    }

    /// The functions of the lakes, and why the one of Fluss has no bucket for a key.
    #[inline(never)]
    fn bucket_of_lake(self, key: &[u8], bucket_count: i32) -> Result<i32> {
        match self {
            Self::Fluss => Err(refused(key, bucket_count, "the key is empty")),
            Self::Iceberg if key.is_empty() => Err(refused(key, bucket_count, "the key is empty")),
            Self::Paimon => Ok((murmur_sign_extended(key) as i32 % bucket_count).abs()),
            Self::Iceberg => Ok((murmur3(key) & 0x7fff_ffff) as i32 % bucket_count),
            Self::Hudi => match key.first_chunk::<4>() {
                Some(hash) if key.len() == 4 => {
                    Ok((i32::from_be_bytes(*hash) & i32::MAX) % bucket_count)
                }
                _ => Err(refused(
                    key,
                    bucket_count,
                    "the key must be a hash of four bytes",
                )),
            },
        }
    }
}

#[cold]
fn refused(key: &[u8], bucket_count: i32, reason: &'static str) -> RowError {
    RowError::Bucket {
        key_len: key.len(),
        bucket_count,
        reason,
    }
}

/// Scrambles one word of input.
#[inline]
const fn scramble(word: u32) -> u32 {
    word.wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593)
}

/// Mixes one word of input into the hash.
#[inline]
const fn mix(hash: u32, word: u32) -> u32 {
    (hash ^ scramble(word))
        .rotate_left(13)
        .wrapping_mul(5)
        .wrapping_add(0xe654_6b64)
}

/// Spreads every bit over all others.
#[inline]
const fn finish(hash: u32) -> u32 {
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// Murmur3 with seed 42 as Fluss and Paimon use it: each byte after the last whole word is sign extended
/// and mixed like a word, where the standard puts those bytes together.
#[expect(
    clippy::inline_always,
    reason = "a call costs a fifth of hashing a number"
)]
#[inline(always)]
pub(crate) fn murmur_sign_extended(bytes: &[u8]) -> u32 {
    let mut hash = 42;
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<4>() {
        hash = mix(hash, u32::from_le_bytes(*word));
        rest = after;
    }
    let byte = |hash, byte: u8| mix(hash, i32::from(byte as i8) as u32);
    // At most three: not a loop.
    if let [a, rest @ ..] = rest {
        hash = byte(hash, *a);
        if let [b, rest @ ..] = rest {
            hash = byte(hash, *b);
            if let [c, ..] = rest {
                hash = byte(hash, *c);
            }
        }
    }
    finish(hash ^ bytes.len() as u32)
}

/// The second round of the function of Fluss: a murmur of the four bytes of a hash, seed 0.
#[inline]
pub(crate) const fn mix_again(hash: u32) -> i32 {
    finish(mix(0, hash) ^ 4) as i32
}

/// Standard murmur3 of 32 bits with seed 0.
#[inline]
pub(crate) fn murmur3(bytes: &[u8]) -> u32 {
    let (words, tail) = bytes.as_chunks::<4>();
    let hash = words
        .iter()
        .fold(0, |hash, word| mix(hash, u32::from_le_bytes(*word)));
    let last = tail
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u32::from(*byte));
    finish(hash ^ scramble(last) ^ bytes.len() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of the golden hashes that are not visible through buckets.
    #[test]
    fn hashes_are_those_of_java() {
        let text = include_str!("../../../testdata/vectors/hash.json");
        let cases: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
        for case in &cases {
            if let Some(input) = case.get("input") {
                let hex = input.as_str().unwrap();
                let bytes: Vec<u8> = (0..hex.len())
                    .step_by(2)
                    .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
                    .collect();
                let murmur = murmur_sign_extended(&bytes);
                assert_eq!(
                    Some(i64::from(murmur as i32)),
                    case["murmur_hash_bytes"].as_i64(),
                    "{case}"
                );
                assert_eq!(
                    Some(i64::from(murmur as i32)),
                    case["hash_unsafe_bytes"].as_i64(),
                    "{case}"
                );
                let again = mix_again(murmur);
                // Java then takes the absolute value.
                let again = again.checked_abs().unwrap_or(0);
                assert_eq!(
                    Some(i64::from(again)),
                    case["math_murmur_of_hash_bytes"].as_i64(),
                    "{case}"
                );
                let standard = murmur3(&bytes) as i32;
                assert_eq!(
                    Some(i64::from(standard)),
                    case["guava_murmur3_32_fixed_seed0"].as_i64(),
                    "{case}"
                );
            } else {
                let input = case["int_input"].as_i64().unwrap() as i32 as u32;
                let again = mix_again(input).checked_abs().unwrap_or(0);
                assert_eq!(
                    Some(i64::from(again)),
                    case["math_murmur"].as_i64(),
                    "{case}"
                );
                assert_eq!(
                    Some(i64::from(finish(input) as i32)),
                    case["fmix"].as_i64(),
                    "{case}"
                );
            }
        }
    }
}
