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

/// Reads all columns, four after another. Their number is not known to the compiler, so that rows of 4 and of 40 columns are
/// read by the same code.
macro_rules! read_all {
    ($row:expr, $columns:expr) => {{
        let mut sum = 0;
        for four in 0..std::hint::black_box($columns) / 4 {
            let pos = 4 * four;
            sum ^= $row.get_long(pos) as u64;
            sum ^= u64::from($row.get_int(pos + 1) as u32);
            sum ^= $row.get_double(pos + 2).to_bits();
            sum ^= $row.get_string(pos + 3).len() as u64;
        }
        sum
    }};
}
use read_all;

fn main() -> ExitCode {
    let mut cases = rows::cases();
    cases.extend(log::cases());
    bench_harness::run(&cases)
}
