//! `cargo xtask bench codec [FILTER]`: instructions per operation, counted by callgrind.
//!
//! Wall time is noisy, instruction counts repeat. The crates without I/O offer their operations in bench targets with
//! `harness = false`:
//!
//! - `TARGET --list` prints one line an operation: its name, and behind a blank its limit if it has one, in instructions
//!   (`250`) or as a multiple of another operation (`10*append-arrow-4`);
//! - `TARGET NAME COUNT` does the operation so many times and nothing else that depends on the count.
//!
//! Each operation runs twice, with different counts; the difference leaves out what start and set-up cost.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Result, shell, workspace};

const PACKAGES: [&str; 3] = ["fluss-metadata", "fluss-row", "fluss-wire"];
const FEW: u64 = 1_000;
const MANY: u64 = 11_000;

pub(super) fn run(filter: &[&str]) -> Result<()> {
    let programs = build()?;
    if programs.is_empty() {
        return Err(format!("none of {} has a bench target", PACKAGES.join(", ")).into());
    }
    let mut above = Vec::new();
    for program in &programs {
        let mut costs = Costs {
            program,
            known: HashMap::new(),
        };
        for Operation { name, limit } in operations(program)? {
            if !filter.iter().all(|word| name.contains(word)) {
                continue;
            }
            let each = costs.of(&name)?;
            let most = match &limit {
                Limit::None => None,
                Limit::Instructions(most) => Some(*most as f64),
                Limit::Times(factor, other) => Some(*factor as f64 * costs.of(other)?),
            };
            println!("{name:<32} {each:>10.1} instructions{limit}");
            if most.is_some_and(|most| each > most) {
                above.push(name);
            }
        }
    }
    if above.is_empty() {
        Ok(())
    } else {
        Err(format!("above their limits: {}", above.join(", ")).into())
    }
}

/// What the operations of a program cost.
struct Costs<'p> {
    program: &'p Path,
    known: HashMap<String, f64>,
}

impl Costs<'_> {
    /// Instructions of an operation.
    fn of(&mut self, name: &str) -> Result<f64> {
        if let Some(cost) = self.known.get(name) {
            return Ok(*cost);
        }
        let few = count(self.program, name, FEW)?;
        let many = count(self.program, name, MANY)?;
        // To a tenth: starting a program takes a few instructions more or less from run to run.
        let each = many.saturating_sub(few) as f64 / (MANY - FEW) as f64;
        let cost = (each * 10.0).round() / 10.0;
        self.known.insert(name.to_owned(), cost);
        Ok(cost)
    }
}

/// Builds the bench targets and returns where they are.
fn build() -> Result<Vec<PathBuf>> {
    let mut bench = workspace::cargo(["bench", "--no-run", "--benches", "--message-format=json"]);
    for package in PACKAGES {
        bench.args(["--package", package]);
    }
    let text = shell::output(&mut bench)?;
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let programs = messages.filter_map(|message| {
        // `--benches` builds the libraries' own tests, too.
        let kind = message.pointer("/target/kind/0")?.as_str()?;
        let path = message.get("executable")?.as_str()?;
        (kind == "bench").then(|| PathBuf::from(path))
    });
    Ok(programs.collect())
}

struct Operation {
    name: String,
    limit: Limit,
}

#[derive(Debug, PartialEq, Eq)]
enum Limit {
    None,
    Instructions(u64),
    /// A multiple of what another operation costs.
    Times(u64, String),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Instructions(most) => write!(f, ", limit {most}"),
            Self::Times(factor, other) => write!(f, ", limit {factor} x {other}"),
        }
    }
}

fn operations(program: &Path) -> Result<Vec<Operation>> {
    shell::output(Command::new(program).arg("--list"))?
        .lines()
        .map(operation)
        .collect()
}

fn operation(line: &str) -> Result<Operation> {
    let (name, limit) = line.split_once(' ').unwrap_or((line, ""));
    let limit = match limit.split_once('*') {
        Some((factor, other)) => Limit::Times(factor.parse()?, other.to_owned()),
        None if limit.is_empty() => Limit::None,
        None => Limit::Instructions(limit.parse()?),
    };
    Ok(Operation {
        name: name.to_owned(),
        limit,
    })
}

/// All instructions of one run.
fn count(program: &Path, name: &str, times: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([name, &times.to_string()])
        .output()
        .map_err(|error| format!("cannot start valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{name}: {}\n{text}", output.status).into());
    }
    collected(&text).ok_or_else(|| format!("{name}: callgrind told no count\n{text}").into())
}

fn collected(text: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_callgrind_is_read() {
        let text = "==7== Events    : Ir\n==7== Collected : 123456\n==7==\n";
        assert_eq!(collected(text), Some(123_456));
        assert_eq!(collected("==7== nothing"), None);
    }

    #[test]
    fn limits_are_read() {
        for (line, name, limit) in [
            ("a", "a", Limit::None),
            ("a 250", "a", Limit::Instructions(250)),
            ("a-40 10*a-4", "a-40", Limit::Times(10, "a-4".to_owned())),
        ] {
            let operation = operation(line).unwrap();
            assert_eq!((operation.name.as_str(), operation.limit), (name, limit));
        }
        assert!(operation("a b").is_err());
    }
}
