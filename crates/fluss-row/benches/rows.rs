//! What rows, keys and buckets cost.
//!
//! Without arguments every case runs for a while and its time is printed. With `<case> <iterations>` only that
//! case runs, so often, and nothing is measured: for instruction counts under callgrind, which do not change
//! from run to run. Take the difference of two runs to leave out the setting up.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench on known data"
)]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use fluss_metadata::{DataType, DataTypes, RowType};
use fluss_row::key::{KeyEncoder, KeyEncoding};
use fluss_row::{BucketFunction, Datum, GenericRow, InternalRow, RowEncoder, RowFormat};

/// BIGINT, INT, DOUBLE and a STRING of 20 bytes, over and over.
fn row_type(columns: usize) -> RowType {
    let types: [DataType; 4] = [
        DataTypes::bigint(),
        DataTypes::int(),
        DataTypes::double(),
        DataTypes::string(),
    ];
    RowType::new(
        (0..columns)
            .map(|i| DataTypes::field(format!("c{i}"), types[i % 4].clone()))
            .collect(),
    )
}

fn row(columns: usize) -> GenericRow<'static> {
    (0..columns)
        .map(|i| match i % 4 {
            0 => Datum::from(1_234_567_890_123_i64 + i as i64),
            1 => Datum::from(123_456 + i as i32),
            2 => Datum::from(1.5 * i as f64),
            _ => Datum::from("twenty bytes of text"),
        })
        .collect()
}

fn read_all(row: &impl InternalRow, columns: usize) -> u64 {
    let mut sum = 0;
    for pos in (0..columns).step_by(4) {
        sum += row.get_long(pos).unwrap() as u64;
        sum += u64::from(row.get_int(pos + 1).unwrap() as u32);
        sum += row.get_double(pos + 2).unwrap() as u64;
        sum += row.get_string(pos + 3).unwrap().len() as u64;
    }
    sum
}

type Case = (&'static str, Box<dyn Fn(u64)>);

fn encode(format: RowFormat, columns: usize) -> Box<dyn Fn(u64)> {
    let encoder = RowEncoder::new(format, &row_type(columns)).unwrap();
    let row = row(columns);
    Box::new(move |iterations| {
        let mut out = Vec::with_capacity(4096);
        for _ in 0..iterations {
            out.clear();
            encoder.encode(black_box(&row), &mut out).unwrap();
            black_box(&out);
        }
    })
}

/// Decodes; with `read`, also reads every column.
fn decode(format: RowFormat, columns: usize, read: bool) -> Box<dyn Fn(u64)> {
    let encoder = RowEncoder::new(format, &row_type(columns)).unwrap();
    let mut out = Vec::new();
    encoder.encode(&row(columns), &mut out).unwrap();
    let bytes = Bytes::from(out);
    let first = encoder.decoder().decode(bytes.clone()).unwrap();
    Box::new(move |iterations| {
        let mut row = first.clone();
        for _ in 0..iterations {
            row.decode_next(black_box(&bytes).clone()).unwrap();
            if read {
                black_box(read_all(&row, columns));
            }
            black_box(&row);
        }
    })
}

fn read(format: RowFormat, columns: usize) -> Box<dyn Fn(u64)> {
    let encoder = RowEncoder::new(format, &row_type(columns)).unwrap();
    let mut out = Vec::new();
    encoder.encode(&row(columns), &mut out).unwrap();
    let row = encoder.decoder().decode(Bytes::from(out)).unwrap();
    Box::new(move |iterations| {
        for _ in 0..iterations {
            black_box(read_all(black_box(&row), columns));
        }
    })
}

fn key(encoding: KeyEncoding, function: BucketFunction) -> Box<dyn Fn(u64)> {
    let encoder = KeyEncoder::new(encoding, &row_type(4), &["c0"]).unwrap();
    let row = row(4);
    Box::new(move |iterations| {
        let mut key = Vec::with_capacity(64);
        for _ in 0..iterations {
            key.clear();
            encoder.encode(black_box(&row), &mut key).unwrap();
            black_box(function.bucket(&key, black_box(16)).unwrap());
        }
    })
}

fn cases() -> Vec<Case> {
    use RowFormat::{Aligned, Compacted, Indexed};
    vec![
        ("encode-compacted-4", encode(Compacted, 4)),
        ("encode-compacted-40", encode(Compacted, 40)),
        ("decode-compacted-4", decode(Compacted, 4, false)),
        ("decode-compacted-40", decode(Compacted, 40, false)),
        ("decode-read-compacted-4", decode(Compacted, 4, true)),
        ("decode-read-compacted-40", decode(Compacted, 40, true)),
        ("read-compacted-4", read(Compacted, 4)),
        ("encode-indexed-4", encode(Indexed, 4)),
        ("decode-indexed-4", decode(Indexed, 4, false)),
        ("encode-aligned-4", encode(Aligned, 4)),
        ("decode-aligned-4", decode(Aligned, 4, false)),
        (
            "key-bucket-bigint",
            key(KeyEncoding::Compacted, BucketFunction::Fluss),
        ),
        (
            "key-bucket-bigint-paimon",
            key(KeyEncoding::Paimon, BucketFunction::Paimon),
        ),
        (
            "key-bucket-bigint-iceberg",
            key(KeyEncoding::Iceberg, BucketFunction::Iceberg),
        ),
    ]
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    if let [name, iterations] = &arguments[..] {
        let (_, run) = cases().into_iter().find(|(case, _)| case == name).unwrap();
        run(iterations.parse().unwrap());
        return;
    }
    for (name, run) in cases() {
        let iterations = 2_000_000;
        run(iterations / 10);
        let start = Instant::now();
        run(iterations);
        println!(
            "{name:28} {:8.1} ns",
            start.elapsed().as_secs_f64() * 1e9 / iterations as f64
        );
    }
}
