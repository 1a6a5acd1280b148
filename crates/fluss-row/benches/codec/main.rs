//! What rows, keys and log batches cost. An operation is one row, of 4 or of 40 columns, if its name does not say otherwise.
//!
//! `cargo bench -p fluss-row` measures times, `cargo xtask bench codec` counts instructions; see `bench-harness`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench on known data"
)]

mod log;
mod rows;

use std::process::ExitCode;

use fluss_metadata::{DataType, DataTypes, RowType};
use fluss_row::{Datum, GenericRow};

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

/// Reads the columns by their positions, as a user writes it: four, or with `40` ten times as many.
macro_rules! read_all {
    ($row:expr, 4) => {
        read_all!(@four $row, 0)
    };
    ($row:expr, 40) => {
        read_all!(@four $row, 0)
            ^ read_all!(@four $row, 4)
            ^ read_all!(@four $row, 8)
            ^ read_all!(@four $row, 12)
            ^ read_all!(@four $row, 16)
            ^ read_all!(@four $row, 20)
            ^ read_all!(@four $row, 24)
            ^ read_all!(@four $row, 28)
            ^ read_all!(@four $row, 32)
            ^ read_all!(@four $row, 36)
    };
    (@four $row:expr, $pos:literal) => {
        $row.get_long($pos) as u64
            ^ u64::from($row.get_int($pos + 1) as u32)
            ^ $row.get_double($pos + 2).to_bits()
            ^ $row.get_string($pos + 3).len() as u64
    };
}
use read_all;

fn main() -> ExitCode {
    let mut cases = rows::cases();
    cases.extend(log::cases());
    bench_harness::run(&cases)
}
