//! One bench program for two ways of measuring: times by criterion, instructions by callgrind.
//!
//! - without an operation, criterion measures all of them (`cargo bench -p fluss-row`);
//! - `--list` prints one line an operation: its name, and behind a blank its limit if it has one;
//! - `NAME COUNT` does one operation so many times and nothing else that depends on the count, for
//!   `cargo xtask bench codec`.

use std::{fmt, process::ExitCode, time::Instant};

use criterion::Criterion;

/// Does an operation so many times.
pub type Operation = Box<dyn FnMut(u64)>;

/// What an operation may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// No limit.
    None,
    /// So many instructions.
    Instructions(u32),
    /// So many times what another operation costs.
    Times(u32, &'static str),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Instructions(count) => write!(f, " {count}"),
            Self::Times(factor, other) => write!(f, " {factor}*{other}"),
        }
    }
}

/// An operation with its name and its limit.
pub struct Case {
    name: &'static str,
    limit: Limit,
    prepare: Box<dyn Fn() -> Operation>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.limit)
    }
}

impl Case {
    /// `prepare` makes what the operation needs; it is not measured.
    pub fn new<F: FnMut(u64) + 'static>(
        name: &'static str,
        limit: Limit,
        prepare: impl Fn() -> F + 'static,
    ) -> Self {
        Self {
            name,
            limit,
            prepare: Box::new(move || Box::new(prepare())),
        }
    }
}

/// Does what the arguments of the program say.
#[must_use]
pub fn run(cases: &[Case]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["--list"] => cases
            .iter()
            .for_each(|case| println!("{}{}", case.name, case.limit)),
        // How cargo runs the program as a test: each operation once.
        ["--test", ..] => cases.iter().for_each(|case| (case.prepare)()(1)),
        [name, count] if !name.starts_with('-') => {
            let Some(case) = cases.iter().find(|case| case.name == name) else {
                eprintln!("there is no operation {name}");
                return ExitCode::FAILURE;
            };
            let Ok(count) = count.parse() else {
                eprintln!("{count} is no number");
                return ExitCode::FAILURE;
            };
            (case.prepare)()(count);
        }
        _ => measure(cases),
    }
    ExitCode::SUCCESS
}

fn measure(cases: &[Case]) {
    let mut criterion = Criterion::default().configure_from_args();
    for case in cases {
        let mut operation = (case.prepare)();
        criterion.bench_function(case.name, |bencher| {
            bencher.iter_custom(|count| {
                let start = Instant::now();
                operation(count);
                start.elapsed()
            });
        });
    }
    criterion.final_summary();
}
