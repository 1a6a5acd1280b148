//! Arrow columns and log batches: appending, building, finding, checking and reading.

use std::hint::black_box;

use bench_harness::{Case, Limit};
use bytes::Bytes;
use fluss_metadata::{ArrowCompression, LogFormat};
use fluss_row::arrow::ColumnBuilders;
use fluss_row::log::{ArrowLogBatchBuilder, LogBatch, LogBatches, ReadContext};

use super::{read_all, row, row_type};

/// Rows of a batch where more than one is needed.
const ROWS: usize = 1000;

fn builder(columns: usize, compression: ArrowCompression) -> ArrowLogBatchBuilder {
    ArrowLogBatchBuilder::new(&row_type(columns), 1, compression).unwrap()
}

fn batch(columns: usize, compression: ArrowCompression) -> Bytes {
    let mut builder = builder(columns, compression);
    for _ in 0..ROWS {
        builder.append(&row(columns)).unwrap();
    }
    builder.build().unwrap().stamp(1, 1)
}

/// Into columns that have grown before.
fn append(columns: usize) -> impl FnMut(u64) {
    let row = row(columns);
    let mut builder = ColumnBuilders::new(&row_type(columns)).unwrap();
    for _ in 0..ROWS {
        builder.append_row(&row).unwrap();
    }
    move |count| {
        for index in 0..count {
            if index % ROWS as u64 == 0 {
                builder.clear();
            }
            black_box(builder.append_row(black_box(&row)).unwrap());
        }
    }
}

/// Appending and building: 1000 rows a batch.
fn build(columns: usize, compression: ArrowCompression) -> impl FnMut(u64) {
    let row = row(columns);
    let mut builder = builder(columns, compression);
    move |count| {
        for _ in 0..count.div_ceil(ROWS as u64) {
            for _ in 0..ROWS {
                builder.append(black_box(&row)).unwrap();
            }
            black_box(builder.build().unwrap().stamp(1, 1));
        }
    }
}

/// Reading the columns of a row that is at hand.
fn read(columns: usize) -> impl FnMut(u64) {
    let context = ReadContext::new(LogFormat::Arrow, &row_type(columns)).unwrap();
    let decoded = LogBatch::parse(batch(columns, ArrowCompression::NONE))
        .unwrap()
        .read(&context)
        .unwrap();
    let row = decoded.row(7);
    move |count| {
        for _ in 0..count {
            let row = black_box(&row);
            black_box(if columns == 4 {
                read_all!(row, 4)
            } else {
                read_all!(row, 40)
            });
        }
    }
}

/// Finding, checking and decoding batches of 1000 rows, and reading all their columns.
fn scan(columns: usize, compression: ArrowCompression) -> impl FnMut(u64) {
    let context = ReadContext::new(LogFormat::Arrow, &row_type(columns)).unwrap();
    let bytes = batch(columns, compression);
    move |count| {
        for _ in 0..count.div_ceil(ROWS as u64) {
            for batch in LogBatches::new(black_box(bytes.clone())) {
                let batch = batch.unwrap();
                batch.verify_crc().unwrap();
                for row in batch.read(&context).unwrap().rows() {
                    black_box(if columns == 4 {
                        read_all!(row, 4)
                    } else {
                        read_all!(row, 40)
                    });
                }
            }
        }
    }
}

/// The header of a batch of 1000 rows, and with `crc` its checksum.
fn header(crc: bool) -> impl FnMut(u64) {
    let bytes = batch(4, ArrowCompression::NONE);
    move |count| {
        for _ in 0..count {
            let batch = LogBatch::parse(black_box(bytes.clone())).unwrap();
            if crc {
                batch.verify_crc().unwrap();
            }
            black_box(batch);
        }
    }
}

/// Writer id, sequence and checksum into the header of a batch of 1000 rows.
fn restamp() -> impl FnMut(u64) {
    let mut builder = builder(4, ArrowCompression::NONE);
    for _ in 0..ROWS {
        builder.append(&row(4)).unwrap();
    }
    let mut sealed = builder.build().unwrap();
    move |count| {
        for sequence in 0..count {
            black_box(sealed.stamp(1, sequence as i32));
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    const NONE: ArrowCompression = ArrowCompression::NONE;
    let mut cases = vec![
        Case::new("append-arrow-4", Limit::Instructions(400), || append(4)),
        Case::new(
            "append-arrow-40",
            Limit::Times(10, "append-arrow-4"),
            || append(40),
        ),
        Case::new("read-arrow-4", Limit::Instructions(100), || read(4)),
        Case::new("read-arrow-40", Limit::Times(10, "read-arrow-4"), || {
            read(40)
        }),
        Case::new("build-arrow-none-4", Limit::None, || build(4, NONE)),
        Case::new("scan-arrow-none-4", Limit::None, || scan(4, NONE)),
        Case::new("scan-arrow-none-40", Limit::None, || scan(40, NONE)),
        Case::new("log-header", Limit::None, || header(false)),
        Case::new("log-header-crc-1000-rows", Limit::None, || header(true)),
        Case::new("log-stamp-1000-rows", Limit::None, restamp),
    ];
    if cfg!(feature = "zstd") {
        const ZSTD: ArrowCompression = ArrowCompression::ZSTD;
        cases.push(Case::new("build-arrow-zstd-4", Limit::None, || {
            build(4, ZSTD)
        }));
        cases.push(Case::new("scan-arrow-zstd-4", Limit::None, || {
            scan(4, ZSTD)
        }));
    }
    if cfg!(feature = "lz4") {
        const LZ4: ArrowCompression = ArrowCompression::LZ4_FRAME;
        cases.push(Case::new("build-arrow-lz4-4", Limit::None, || {
            build(4, LZ4)
        }));
        cases.push(Case::new("scan-arrow-lz4-4", Limit::None, || scan(4, LZ4)));
    }
    cases
}
