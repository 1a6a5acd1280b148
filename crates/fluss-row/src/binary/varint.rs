//! Unsigned LEB128: seven bits a byte, low group first.

use super::buffer::{RowBuffer, put_part};
use crate::{Result, RowError};

/// The high bit of each byte: another byte follows.
const MORE: u64 = 0x8080_8080_8080_8080;

/// For each highest bit, up to 55: the bits of all bytes of the varint but the last that say that another
/// follows, and its length.
const LENGTHS: [(u64, usize); 64] = {
    let mut lengths = [(0, 8); 64];
    let mut rest: &mut [_] = &mut lengths;
    let mut highest = 0;
    while let [first, after @ ..] = rest
        && highest < 56
    {
        let length = highest / 7 + 1;
        *first = (MORE & !(u64::MAX << (8 * (length - 1))), length);
        highest += 1;
        rest = after;
    }
    lengths
};

/// A varint of at most eight bytes in a word, and its length. The value must be from 1 to 2^56 - 1.
#[inline]
pub(crate) fn pack_varint(value: u64) -> (u64, usize) {
    let highest = (63 ^ value.leading_zeros()) as usize % 64;
    let (more, length) = LENGTHS.get(highest).copied().unwrap_or_default();
    (spread(value) | more, length)
}

/// Appends a 32-bit or 64-bit pattern, 1 to 10 bytes.
#[inline]
pub(crate) fn put_varint<B: RowBuffer + ?Sized>(out: &mut B, value: u64) {
    if value < 0x80 {
        out.put(&[value as u8]);
    } else if value < 1 << 56 {
        let (word, length) = pack_varint(value);
        put_part(out, &word.to_le_bytes(), length);
    } else {
        put_long(out, value);
    }
}

/// The values of nine and ten bytes.
#[inline(never)]
pub(crate) fn put_long<B: RowBuffer + ?Sized>(out: &mut B, value: u64) {
    out.put(&(spread(value) | MORE).to_le_bytes());
    let high = (value >> 56) as u8;
    if high < 0x80 {
        out.put(&[high]);
    } else {
        out.put(&[high, 1]);
    }
}

/// Spreads the low 56 bits over the low seven bits of eight bytes.
#[inline]
const fn spread(value: u64) -> u64 {
    let x = value & 0x00ff_ffff_ffff_ffff;
    let x = x + (x & 0x00ff_ffff_f000_0000) * 15;
    let x = x + (x & 0x0fff_c000_0fff_c000) * 3;
    x + (x & 0x3f80_3f80_3f80_3f80)
}

/// The way back from [`spread`], the high bit of every byte left out.
#[inline]
const fn gather(word: u64) -> u64 {
    // Moves the lower group of each pair up to the upper one, of 7, 14, and 28 bits: n bits up is 2^n times as much.
    let x = word & !MORE;
    let x = x + (x & 0x007f_007f_007f_007f);
    let x = x + (x & 0x0000_7fff_0000_7fff) * 3;
    let low = x & 0xffff_ffff;
    // The last pair the other way round, which takes a step less.
    (((x - low) >> 4) + low) >> 3
}

/// A varint of at most eight bytes, and its length, read at once; `None` when it is longer, or too near to
/// the end of the bytes.
#[inline]
pub(crate) fn quick_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let word = u64::from_le_bytes(*bytes.first_chunk()?);
    let last = !word & MORE;
    if last == 0 {
        return None;
    }
    // Keeps the bits up to the first byte that nothing follows.
    let kept = word & (last ^ last.wrapping_sub(1));
    Some((gather(kept), (last.trailing_zeros() as usize + 1) / 8))
}

/// As [`quick_varint`] for 32 bits: the fewer groups, the fewer steps.
#[inline]
pub(crate) fn quick_varint32(bytes: &[u8]) -> Option<(u32, usize)> {
    let word = u64::from_le_bytes(*bytes.first_chunk()?);
    let value = word as u32 & 0x7f;
    if word & 0x80 == 0 {
        return Some((value, 1));
    }
    let value = value | (word >> 1) as u32 & 0x3f80;
    if word & 0x8000 == 0 {
        return Some((value, 2));
    }
    let value = value | (word >> 2) as u32 & 0x001f_c000;
    if word & 0x0080_0000 == 0 {
        return Some((value, 3));
    }
    let value = value | (word >> 3) as u32 & 0x0fe0_0000;
    if word & 0x8000_0000 == 0 {
        return Some((value, 4));
    }
    // Four more bits, and no other byte.
    (word & 0x00f0_0000_0000 == 0).then_some((value | (word >> 4) as u32 & 0xf000_0000, 5))
}

/// Reads a 64-bit varint at `*at` and moves on. Returns an error beyond ten bytes or 64 bits.
#[inline]
pub(crate) fn read_varint64(bytes: &[u8], at: &mut usize, what: &'static str) -> Result<u64> {
    if let Some((value, length)) = bytes.get(*at..).and_then(quick_varint) {
        *at += length;
        return Ok(value);
    }
    read_long(bytes, at, 64, what)
}

/// Reads a 32-bit varint at `*at` and moves on. Returns an error beyond five bytes or 32 bits.
#[inline]
pub(crate) fn read_varint32(bytes: &[u8], at: &mut usize, what: &'static str) -> Result<u32> {
    match bytes.get(*at) {
        Some(&byte) if byte < 0x80 => {
            *at += 1;
            Ok(u32::from(byte))
        }
        _ => {
            if let Some((value, length)) = bytes.get(*at..).and_then(quick_varint32) {
                *at += length;
                return Ok(value);
            }
            read_long(bytes, at, 32, what).map(|value| value as u32)
        }
    }
}

#[cold]
fn too_long(offset: usize, what: &'static str) -> RowError {
    RowError::Malformed {
        what,
        offset,
        problem: "a varint of too many bits",
    }
}

/// Byte by byte: near the end of the bytes, and what takes more than eight.
#[inline(never)]
fn read_long(bytes: &[u8], at: &mut usize, bits: u32, what: &'static str) -> Result<u64> {
    let start = *at;
    let mut value = 0_u64;
    let mut shift = 0;
    for &byte in bytes.get(start..).unwrap_or_default() {
        let group = u64::from(byte & 0x7f);
        if shift >= bits || (shift + 7 > bits && group >> (bits - shift) != 0) {
            return Err(too_long(start, what));
        }
        value |= group << shift;
        *at += 1;
        if byte < 0x80 {
            return Ok(value);
        }
        shift += 7;
    }
    Err(RowError::Truncated {
        what,
        offset: start,
        needed: *at - start + 1,
        available: *at - start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_go_both_ways() {
        let mut values = vec![
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX,
            i64::MIN as u64,
        ];
        for bits in 1..64 {
            values.extend([
                (1 << bits) - 1,
                1 << bits,
                (1 << bits) + 1,
                0x5555_5555_5555_5555 >> bits,
            ]);
        }
        for value in values {
            let mut plain = Vec::new();
            let mut rest = value;
            while rest >= 0x80 {
                plain.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            plain.push(rest as u8);
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(bytes, plain, "{value:#x}");
            let mut at = 0;
            assert_eq!(read_varint64(&bytes, &mut at, "test").unwrap(), value);
            assert_eq!(at, bytes.len());
            let mut more = bytes.clone();
            more.extend([0xff; 8]);
            let quick = quick_varint32(&more).map(|(value, length)| (u64::from(value), length));
            let fits = u32::try_from(value).is_ok();
            assert_eq!(quick, fits.then_some((value, bytes.len())));
            at = 0;
            assert_eq!(
                read_varint32(&bytes, &mut at, "test").ok(),
                u32::try_from(value).ok()
            );
            for cut in 0..bytes.len() {
                assert!(read_varint64(&bytes[..cut], &mut 0, "test").is_err());
            }
        }
        assert!(read_varint64(&[0x80; 10], &mut 0, "test").is_err());
        assert!(
            read_varint64(
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
                &mut 0,
                "test"
            )
            .is_err()
        );
        assert!(read_varint32(&[0x80, 0x80, 0x80, 0x80, 0x10], &mut 0, "test").is_err());
    }
}
