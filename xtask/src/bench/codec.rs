//! `cargo xtask bench codec [FILTER]`: instructions per operation, counted by callgrind.
//!
//! Wall time is noisy, instruction counts repeat. The crates without I/O offer their operations in bench targets with
//! `harness = false`:
//!
//! - `TARGET --list` prints one line an operation: its name, and behind a blank its limit if it has one;
//! - `TARGET NAME COUNT` does the operation so many times and nothing else that depends on the count.
//!
//! Each operation runs twice, with different counts; the difference leaves out what start and set-up cost.

use std::{path::PathBuf, process::Command};

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
        for operation in operations(program)? {
            if !filter.iter().all(|word| operation.name.contains(word)) {
                continue;
            }
            let few = count(program, &operation.name, FEW)?;
            let many = count(program, &operation.name, MANY)?;
            let each = many.saturating_sub(few) as f64 / (MANY - FEW) as f64;
            let limit = operation
                .limit
                .map_or_else(String::new, |limit| format!("limit {limit}"));
            println!("{:<48} {each:>10.1} instructions  {limit}", operation.name);
            if operation.limit.is_some_and(|limit| each > limit as f64) {
                above.push(operation.name);
            }
        }
    }
    if above.is_empty() {
        Ok(())
    } else {
        Err(format!("above their limits: {}", above.join(", ")).into())
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
    limit: Option<u64>,
}

fn operations(program: &PathBuf) -> Result<Vec<Operation>> {
    let text = shell::output(Command::new(program).arg("--list"))?;
    let operation = |line: &str| {
        let (name, limit) = line.split_once(' ').unwrap_or((line, ""));
        Operation {
            name: name.to_owned(),
            limit: limit.trim().parse().ok(),
        }
    };
    Ok(text.lines().map(operation).collect())
}

/// All instructions of one run.
fn count(program: &PathBuf, name: &str, times: u64) -> Result<u64> {
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
}
