//! Rows in the binary formats, keys and buckets.

use std::hint::black_box;

use bench_harness::{Case, Limit};
use bytes::Bytes;
use fluss_row::key::{KeyEncoder, KeyEncoding};
use fluss_row::{BinaryRow, BucketFunction, GenericRow, RowDecoder, RowEncoder, RowFormat};

use super::{read_all, row, row_type};

fn encode(format: RowFormat, columns: usize) -> impl FnMut(u64) {
    let encoder = RowEncoder::new(format, &row_type(columns)).unwrap();
    let row = row(columns);
    let mut out = Vec::with_capacity(4096);
    move |count| {
        for _ in 0..count {
            out.clear();
            encoder.encode(black_box(&row), &mut out).unwrap();
            black_box(&out);
        }
    }
}

fn encoded(format: RowFormat, columns: usize) -> (Bytes, BinaryRow) {
    let encoder = RowEncoder::new(format, &row_type(columns)).unwrap();
    let mut out = Vec::new();
    encoder.encode(&row(columns), &mut out).unwrap();
    let bytes = Bytes::from(out);
    let row = encoder.decoder().decode(bytes.clone()).unwrap();
    (bytes, row)
}

/// From bytes to the values of all columns, which are read.
fn decode(columns: usize) -> impl FnMut(u64) {
    let bytes: &'static [u8] = Box::leak(encoded(RowFormat::Compacted, columns).0.to_vec().into());
    let decoder = RowDecoder::new(RowFormat::Compacted, &row_type(columns)).unwrap();
    let mut row = GenericRow::new(columns);
    move |count| {
        for _ in 0..count {
            decoder.decode_values(black_box(bytes), &mut row).unwrap();
            black_box(if columns == 4 {
                read_all!(row, 4)
            } else {
                read_all!(row, 40)
            });
        }
    }
}

/// The same by way of a row that shares the bytes.
fn decode_shared(format: RowFormat, columns: usize) -> impl FnMut(u64) {
    let (bytes, mut row) = encoded(format, columns);
    move |count| {
        for _ in 0..count {
            row.decode_next(black_box(&bytes).clone()).unwrap();
            black_box(if columns == 4 {
                read_all!(row, 4)
            } else {
                read_all!(row, 40)
            });
        }
    }
}

/// From bytes to a row of which every value is found and checked.
fn parse(format: RowFormat, columns: usize) -> impl FnMut(u64) {
    let (bytes, mut row) = encoded(format, columns);
    move |count| {
        for _ in 0..count {
            row.decode_next(black_box(&bytes).clone()).unwrap();
            black_box(&row);
        }
    }
}

fn key(encoding: KeyEncoding, function: BucketFunction) -> impl FnMut(u64) {
    let encoder = KeyEncoder::new(encoding, &row_type(4), &["c0"]).unwrap();
    let row = row(4);
    let mut key = Vec::with_capacity(64);
    move |count| {
        for _ in 0..count {
            key.clear();
            encoder.encode(black_box(&row), &mut key).unwrap();
            black_box(function.bucket(&key, black_box(16)).unwrap());
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    use RowFormat::{Aligned, Compacted, Indexed};
    vec![
        Case::new("encode-compacted-4", Limit::Instructions(250), || {
            encode(Compacted, 4)
        }),
        Case::new(
            "encode-compacted-40",
            Limit::Times(10, "encode-compacted-4"),
            || encode(Compacted, 40),
        ),
        Case::new("decode-compacted-4", Limit::Instructions(250), || decode(4)),
        Case::new(
            "decode-compacted-40",
            Limit::Times(10, "decode-compacted-4"),
            || decode(40),
        ),
        Case::new("decode-shared-compacted-4", Limit::None, || {
            decode_shared(Compacted, 4)
        }),
        Case::new(
            "decode-shared-compacted-40",
            Limit::Times(10, "decode-shared-compacted-4"),
            || decode_shared(Compacted, 40),
        ),
        Case::new("parse-compacted-4", Limit::None, || parse(Compacted, 4)),
        Case::new("encode-indexed-4", Limit::None, || encode(Indexed, 4)),
        Case::new("decode-indexed-4", Limit::None, || {
            decode_shared(Indexed, 4)
        }),
        Case::new("encode-aligned-4", Limit::None, || encode(Aligned, 4)),
        Case::new("decode-aligned-4", Limit::None, || {
            decode_shared(Aligned, 4)
        }),
        Case::new("key-bucket-bigint", Limit::Instructions(150), || {
            key(KeyEncoding::Compacted, BucketFunction::Fluss)
        }),
        Case::new("key-bucket-bigint-paimon", Limit::None, || {
            key(KeyEncoding::Paimon, BucketFunction::Paimon)
        }),
        Case::new("key-bucket-bigint-iceberg", Limit::None, || {
            key(KeyEncoding::Iceberg, BucketFunction::Iceberg)
        }),
    ]
}
