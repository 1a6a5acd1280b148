//! The table of results, for people and as JSON lines.

use std::fmt;

use serde::Serialize;

use super::statistics::median;
use crate::{
    Result,
    contender::{Compression, Name},
    scenario::{Measurement, Scenario},
};

/// What is compared: a scenario on tables of one compression.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) scenario: Scenario,
    pub(super) compression: Compression,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scenario, self.compression.as_str())
    }
}

/// What one contender reached in one scenario.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) contender: Name,
    /// One of each round that worked.
    pub(super) measurements: Vec<Measurement>,
    /// Of one operation, if they were counted.
    pub(super) instructions: Option<f64>,
}

/// Medians over the rounds.
#[derive(Debug, Serialize)]
struct Line {
    scenario: Scenario,
    compression: Compression,
    contender: Name,
    rounds: usize,
    /// Rows, lookups, acknowledged appends or connections.
    operations_per_second: Option<f64>,
    cpu_seconds_per_million: Option<f64>,
    server_cpu_seconds_per_million: Option<f64>,
    /// Of one second, where it is about waiting.
    cpu_ms_per_second: Option<f64>,
    server_cpu_ms_per_second: Option<f64>,
    peak_mib: Option<f64>,
    threads: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    allocations: Option<f64>,
    instructions: Option<f64>,
    /// How many times better than the peer in the same run: rate, or median time where one operation is measured.
    times_peer: Option<f64>,
}

impl Row {
    pub(super) fn new(contender: Name) -> Self {
        Self {
            contender,
            measurements: Vec::new(),
            instructions: None,
        }
    }

    fn median(&self, value: impl Fn(&Measurement) -> Option<f64>) -> Option<f64> {
        median(self.measurements.iter().filter_map(value))
    }

    fn line(&self, subject: Subject) -> Line {
        let each = |value: fn(&Measurement) -> Option<f64>| {
            let share = |measurement: &Measurement| {
                Some(value(measurement)? / measurement.operations as f64)
            };
            let counts = !subject.scenario.is_about_waiting();
            counts.then(|| self.median(share)).flatten()
        };
        let of_second = |value: fn(&Measurement) -> Option<f64>| {
            let waiting = subject.scenario.is_about_waiting();
            let share =
                |measurement: &Measurement| Some(value(measurement)? / measurement.cost.wall * 1e3);
            waiting.then(|| self.median(share)).flatten()
        };
        Line {
            scenario: subject.scenario,
            compression: subject.compression,
            contender: self.contender,
            rounds: self.measurements.len(),
            operations_per_second: each(|measurement| Some(measurement.cost.wall))
                .map(|seconds| 1.0 / seconds),
            cpu_seconds_per_million: each(|measurement| Some(measurement.cost.cpu * 1e6)),
            server_cpu_seconds_per_million: each(|measurement| {
                Some(measurement.cost.server_cpu? * 1e6)
            }),
            cpu_ms_per_second: of_second(|measurement| Some(measurement.cost.cpu)),
            server_cpu_ms_per_second: of_second(|measurement| measurement.cost.server_cpu),
            peak_mib: self.median(|measurement| Some(measurement.peak_mib)),
            threads: self.median(|measurement| Some(measurement.threads as f64)),
            p50_ms: self.median(|measurement| Some(measurement.latency?.p50)),
            p99_ms: self.median(|measurement| Some(measurement.latency?.p99)),
            allocations: each(|measurement| Some(measurement.cost.allocations? as f64)),
            instructions: self.instructions,
            times_peer: None,
        }
    }
}

impl Line {
    fn times(&self, peer: &Self) -> Option<f64> {
        let ratio = |ours: Option<f64>, theirs: Option<f64>| Some(ours? / theirs?);
        if self.instructions.is_some() {
            ratio(peer.instructions, self.instructions)
        } else if self.p50_ms.is_none() && self.scenario.is_about_waiting() {
            ratio(peer.cpu_ms_per_second, self.cpu_ms_per_second)
        } else if self.scenario.is_about_latency() {
            ratio(peer.p50_ms, self.p50_ms)
        } else {
            ratio(self.operations_per_second, peer.operations_per_second)
        }
    }
}

/// All lines, in the order of the scenarios.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: Vec<Line>,
}

impl Table {
    /// Adds a scenario's rows, and prints them at once if JSON lines are wanted.
    pub(super) fn add(&mut self, subject: Subject, rows: &[Row], json: bool) -> Result<()> {
        let mut lines: Vec<Line> = rows.iter().map(|row| row.line(subject)).collect();
        if let Some(peer) = rows.iter().find(|row| row.contender == Name::Peer) {
            let peer = Line {
                instructions: peer.instructions,
                ..peer.line(subject)
            };
            for line in lines.iter_mut().filter(|line| line.contender != Name::Peer) {
                line.times_peer = line.times(&peer);
            }
        }
        if json {
            for line in &lines {
                println!("{}", serde_json::to_string(line)?);
            }
        }
        self.lines.append(&mut lines);
        Ok(())
    }
}

type Column = (&'static str, fn(&Line) -> Option<String>);

/// Columns of text, which come first and stand on the left.
const TEXT_COLUMNS: usize = 3;

const COLUMNS: [Column; 15] = [
    ("scenario", |line| Some(line.scenario.to_string())),
    ("compression", |line| {
        Some(line.compression.as_str().to_owned())
    }),
    ("contender", |line| Some(line.contender.to_string())),
    ("per second", |line| line.operations_per_second.map(count)),
    ("CPU s/M", |line| {
        line.cpu_seconds_per_million.map(significant)
    }),
    ("server CPU s/M", |line| {
        line.server_cpu_seconds_per_million.map(significant)
    }),
    ("CPU ms/s", |line| line.cpu_ms_per_second.map(significant)),
    ("server CPU ms/s", |line| {
        line.server_cpu_ms_per_second.map(significant)
    }),
    ("peak MiB", |line| {
        line.peak_mib.map(|mib| format!("{mib:.0}"))
    }),
    ("threads", |line| {
        line.threads.map(|threads| format!("{threads:.0}"))
    }),
    ("p50 ms", |line| line.p50_ms.map(significant)),
    ("p99 ms", |line| line.p99_ms.map(significant)),
    ("allocations", |line| line.allocations.map(significant)),
    ("instructions", |line| line.instructions.map(count)),
    ("times peer", |line| line.times_peer.map(significant)),
];

/// A whole number with thousands set apart.
fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, or whole numbers from 1000 on.
fn significant(value: f64) -> String {
    match value.abs() {
        1000.0.. => count(value),
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A Markdown table without the columns that no line fills.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<(&str, Vec<String>)> = COLUMNS
            .iter()
            .filter(|(_, cell)| self.lines.iter().any(|line| cell(line).is_some()))
            .map(|(name, cell)| {
                let cells = self
                    .lines
                    .iter()
                    .map(|line| cell(line).unwrap_or_else(|| "-".to_owned()));
                (*name, cells.collect())
            })
            .collect();
        let width = |name: &str, cells: &[String]| {
            cells
                .iter()
                .map(String::len)
                .max()
                .unwrap_or(0)
                .max(name.len())
        };
        for (name, cells) in &columns {
            write!(f, "| {name:<0$} ", width(name, cells))?;
        }
        writeln!(f, "|")?;
        for (position, (name, cells)) in columns.iter().enumerate() {
            let dashes = "-".repeat(width(name, cells) + 1);
            // Numbers stand on the right.
            write!(
                f,
                "|{}",
                if position < TEXT_COLUMNS {
                    format!("-{dashes}")
                } else {
                    format!("{dashes}:")
                }
            )?;
        }
        writeln!(f, "|")?;
        for line in 0..self.lines.len() {
            for (position, (name, cells)) in columns.iter().enumerate() {
                let (cell, width) = (&cells[line], width(name, cells));
                if position < TEXT_COLUMNS {
                    write!(f, "| {cell:<width$} ")?;
                } else {
                    write!(f, "| {cell:>width$} ")?;
                }
            }
            writeln!(f, "|")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_readable() {
        for (value, expected) in [
            (1_234_567.8, "1,234,568"),
            (1000.0, "1,000"),
            (101.83, "102"),
            (12.34, "12.3"),
            (1.236, "1.24"),
            (0.0412, "0.041"),
        ] {
            assert_eq!(significant(value), expected);
        }
    }
}
