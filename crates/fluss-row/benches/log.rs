//! What log batches cost: appending rows, building, finding, checking and reading.
//!
//! Called like the bench `rows`: without arguments for times, with `<case> <iterations>` for instruction counts under
//! callgrind. An iteration is one row, of 4 or of 40 columns.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench on known data"
)]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use fluss_metadata::{ArrowCompression, DataType, DataTypes, LogFormat, RowType};
use fluss_row::arrow::ColumnBuilders;
use fluss_row::log::{ArrowLogBatchBuilder, LogBatch, LogBatches, ReadContext};
use fluss_row::{ColumnarRow, Datum, GenericRow};

/// Rows of a batch where more than one is needed.
const ROWS: usize = 1000;

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

/// The number of columns is known to the compiler, as it is where a user reads them one by one.
fn read_all<const COLUMNS: usize>(row: &ColumnarRow) -> u64 {
    let mut sum = 0;
    for four in 0..COLUMNS / 4 {
        let pos = 4 * four;
        sum ^= row.get_long(pos) as u64;
        sum ^= u64::from(row.get_int(pos + 1) as u32);
        sum ^= row.get_double(pos + 2).to_bits();
        sum ^= row.get_string(pos + 3).len() as u64;
    }
    sum
}

fn batch(columns: usize, compression: ArrowCompression) -> Bytes {
    let mut builder = ArrowLogBatchBuilder::new(&row_type(columns), 1, compression).unwrap();
    for _ in 0..ROWS {
        builder.append(&row(columns)).unwrap();
    }
    builder.build().unwrap().stamp(1, 1)
}

type Case = (&'static str, Box<dyn Fn(u64)>);

fn append(columns: usize) -> Box<dyn Fn(u64)> {
    let row_type = row_type(columns);
    let row = row(columns);
    Box::new(move |iterations| {
        let mut builder = ColumnBuilders::new(&row_type).unwrap();
        for index in 0..iterations {
            if index % 10_000 == 0 {
                builder.clear();
            }
            black_box(builder.append_row(black_box(&row)).unwrap());
        }
    })
}

/// Appending and building: 1000 rows a batch.
fn build(columns: usize, compression: ArrowCompression) -> Box<dyn Fn(u64)> {
    let row_type = row_type(columns);
    let row = row(columns);
    Box::new(move |iterations| {
        let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, compression).unwrap();
        for _ in 0..iterations.div_ceil(ROWS as u64) {
            for _ in 0..ROWS {
                builder.append(black_box(&row)).unwrap();
            }
            black_box(builder.build().unwrap().stamp(1, 1));
        }
    })
}

/// Reading the columns of a row that is at hand.
fn read<const COLUMNS: usize>() -> Box<dyn Fn(u64)> {
    let context = ReadContext::new(LogFormat::Arrow, &row_type(COLUMNS)).unwrap();
    let decoded = LogBatch::parse(batch(COLUMNS, ArrowCompression::NONE))
        .unwrap()
        .read(&context)
        .unwrap();
    let row = decoded.row(7);
    Box::new(move |iterations| {
        for _ in 0..iterations {
            black_box(read_all::<COLUMNS>(black_box(&row)));
        }
    })
}

/// Finding, checking and decoding batches of 1000 rows, and reading all their columns.
fn scan<const COLUMNS: usize>(compression: ArrowCompression) -> Box<dyn Fn(u64)> {
    let context = ReadContext::new(LogFormat::Arrow, &row_type(COLUMNS)).unwrap();
    let bytes = batch(COLUMNS, compression);
    Box::new(move |iterations| {
        for _ in 0..iterations.div_ceil(ROWS as u64) {
            for batch in LogBatches::new(black_box(bytes.clone())) {
                let batch = batch.unwrap();
                batch.verify_crc().unwrap();
                for row in batch.read(&context).unwrap().rows() {
                    black_box(read_all::<COLUMNS>(&row));
                }
            }
        }
    })
}

/// Header and checksum of a batch of 1000 rows, an iteration each.
fn header_crc() -> Box<dyn Fn(u64)> {
    let bytes = batch(4, ArrowCompression::NONE);
    Box::new(move |iterations| {
        for _ in 0..iterations {
            LogBatch::parse(black_box(bytes.clone()))
                .unwrap()
                .verify_crc()
                .unwrap();
        }
    })
}

fn restamp() -> Box<dyn Fn(u64)> {
    Box::new(|iterations| {
        let mut builder =
            ArrowLogBatchBuilder::new(&row_type(4), 1, ArrowCompression::NONE).unwrap();
        for _ in 0..ROWS {
            builder.append(&row(4)).unwrap();
        }
        let mut sealed = builder.build().unwrap();
        for sequence in 0..iterations {
            black_box(sealed.stamp(1, sequence as i32));
        }
    })
}

fn cases() -> Vec<Case> {
    let mut cases = vec![
        ("append-arrow-4", append(4)),
        ("append-arrow-40", append(40)),
        ("read-arrow-4", read::<4>()),
        ("read-arrow-40", read::<40>()),
        ("build-arrow-none-4", build(4, ArrowCompression::NONE)),
        ("scan-arrow-none-4", scan::<4>(ArrowCompression::NONE)),
        ("scan-arrow-none-40", scan::<40>(ArrowCompression::NONE)),
        ("log-header-crc", header_crc()),
        ("log-restamp", restamp()),
    ];
    if cfg!(feature = "zstd") {
        cases.push(("build-arrow-zstd-4", build(4, ArrowCompression::ZSTD)));
        cases.push(("scan-arrow-zstd-4", scan::<4>(ArrowCompression::ZSTD)));
    }
    if cfg!(feature = "lz4") {
        cases.push(("build-arrow-lz4-4", build(4, ArrowCompression::LZ4_FRAME)));
        cases.push(("scan-arrow-lz4-4", scan::<4>(ArrowCompression::LZ4_FRAME)));
    }
    cases
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
        let iterations = if name.starts_with("log-header") {
            20_000
        } else {
            1_000_000
        };
        run(iterations / 10);
        let start = Instant::now();
        run(iterations);
        println!(
            "{name:28} {:8.1} ns",
            start.elapsed().as_secs_f64() * 1e9 / iterations as f64
        );
    }
}
