//! Unsigned LEB128: seven bits a byte, low group first.

use super::buffer::{RowBuffer, put_part};
use crate::{Result, RowError};

/// Appends a 32-bit or 64-bit pattern, 1 to 10 bytes.
#[inline]
pub(crate) fn put_varint<B: RowBuffer + ?Sized>(out: &mut B, value: u64) {
    if value < 0x80 {
        out.put(&[value as u8]);
    } else if value < 1 << 56 {
        let groups = (70 - value.leading_zeros()) / 7; // ceil(bits / 7), bits >= 8
        let more = 0x8080_8080_8080_8080 & ((1 << (8 * (groups - 1))) - 1);
        put_part(out, (spread(value) | more).to_le_bytes(), groups as usize);
    } else {
        put_long(out, value);
    }
}

/// The values of nine and ten bytes.
#[inline(never)]
fn put_long<B: RowBuffer + ?Sized>(out: &mut B, value: u64) {
    out.put(&(spread(value) | 0x8080_8080_8080_8080).to_le_bytes());
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
    let x = ((x & 0x00ff_ffff_f000_0000) << 4) | (x & 0x0000_0000_0fff_ffff);
    let x = ((x & 0x0fff_c000_0fff_c000) << 2) | (x & 0x0000_3fff_0000_3fff);
    ((x & 0x3f80_3f80_3f80_3f80) << 1) | (x & 0x007f_007f_007f_007f)
}

/// Reads a 64-bit varint at `*at` and moves on. Errs beyond ten bytes or 64 bits.
#[inline]
pub(crate) fn read_varint64(bytes: &[u8], at: &mut usize, what: &'static str) -> Result<u64> {
    match bytes.get(*at) {
        Some(&byte) if byte < 0x80 => {
            *at += 1;
            Ok(u64::from(byte))
        }
        _ => read_long(bytes, at, 64, what),
    }
}

/// Reads a 32-bit varint at `*at` and moves on. Errs beyond five bytes or 32 bits.
#[inline]
pub(crate) fn read_varint32(bytes: &[u8], at: &mut usize, what: &'static str) -> Result<u32> {
    match bytes.get(*at) {
        Some(&byte) if byte < 0x80 => {
            *at += 1;
            Ok(u32::from(byte))
        }
        _ => read_long(bytes, at, 32, what).map(|value| value as u32),
    }
}

#[inline]
fn read_long(bytes: &[u8], at: &mut usize, bits: u32, what: &'static str) -> Result<u64> {
    let start = *at;
    let mut value = 0_u64;
    let mut shift = 0;
    for &byte in bytes.get(start..).unwrap_or_default() {
        let group = u64::from(byte & 0x7f);
        if shift + 7 > bits && group >> (bits - shift) != 0 {
            return Err(RowError::Malformed {
                what,
                offset: start,
                problem: "a varint of too many bits",
            });
        }
        value |= group << shift;
        *at += 1;
        if byte < 0x80 {
            return Ok(value);
        }
        shift += 7;
        if shift >= bits {
            return Err(RowError::Malformed {
                what,
                offset: start,
                problem: "a varint without end",
            });
        }
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
