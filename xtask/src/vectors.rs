//! `cargo xtask vectors`: runs the unit tests and proves that they ran every case of the golden data.
//!
//! A test that runs a file of `testdata/vectors` prints `vectors FILE RAN/TOTAL`. Where several crates share a file each test prints
//! its share, and the shares must add up. Here the lines are held against the files themselves: a file that no test ran, or a case
//! left out, is a failure.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::{Result, shell, workspace};

pub(crate) fn run() -> Result<()> {
    let mut counts = Vec::new();
    // `--show-output` rather than `--nocapture`: tests running beside each other don't tear each other's lines.
    let mut tests = workspace::cargo([
        "test",
        "--workspace",
        "--exclude",
        "integration-tests",
        "--exclude",
        "xtask",
        // Documentation tests and benches print no counts.
        "--lib",
        "--test",
        "*",
    ]);
    let passed = shell::each_line(tests.args(["--", "--show-output"]), |line| {
        println!("{line}");
        counts.extend(parse(line));
    })?;
    if !passed {
        return Err("unit tests failed".into());
    }
    print_counts(&counts);
    let files = case_counts(&workspace::root().join("testdata").join("vectors"))?;
    let problems = compare(&files, &counts);
    if problems.is_empty() {
        let cases = files.values().sum::<usize>();
        println!("vectors: all {cases} cases of {} files ran", files.len());
        Ok(())
    } else {
        Err(format!("golden data not run in full:\n  {}", problems.join("\n  ")).into())
    }
}

/// How many cases of each file ran, share by share.
fn print_counts(counts: &[Count]) {
    let mut by_file = BTreeMap::<_, Vec<String>>::new();
    for count in counts {
        let share = format!("{}/{}", count.ran, count.total);
        by_file.entry(&count.file).or_default().push(share);
    }
    for (file, shares) in by_file {
        println!("{file:<26} {}", shares.join(" + "));
    }
}

/// What one test says it ran.
#[derive(Debug, PartialEq, Eq)]
struct Count {
    file: String,
    ran: usize,
    total: usize,
}

fn parse(line: &str) -> Option<Count> {
    let (_, rest) = line.split_once("vectors ")?;
    let (file, counts) = rest.trim().split_once(' ')?;
    let (ran, total) = counts.split_once('/')?;
    let file = file.trim_end_matches(".json").to_owned();
    Some(Count {
        file,
        ran: ran.parse().ok()?,
        total: total.parse().ok()?,
    })
}

/// How many cases each file has.
fn case_counts(dir: &Path) -> Result<BTreeMap<String, usize>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let cases = serde_json::from_str::<Value>(&fs::read_to_string(&path)?)?;
            let cases = cases
                .as_array()
                .ok_or_else(|| format!("{} is no array", path.display()))?;
            files.insert(name, cases.len());
        }
    }
    Ok(files)
}

/// What is missing.
fn compare(files: &BTreeMap<String, usize>, counts: &[Count]) -> Vec<String> {
    let mut problems = Vec::new();
    for (file, &cases) in files {
        let mut lines = counts.iter().filter(|count| count.file == *file).peekable();
        if lines.peek().is_none() {
            problems.push(format!("{file}: none of {cases} cases ran"));
            continue;
        }
        let (mut shares, mut whole) = (0, false);
        for count in lines {
            if count.ran != count.total {
                problems.push(format!(
                    "{file}: {}/{} ran of {cases} cases",
                    count.ran, count.total
                ));
            }
            // A test of the whole file accounts for it alone, however many such tests there are.
            if count.ran == cases {
                whole = true;
            } else {
                shares += count.ran;
            }
        }
        if !whole && shares != cases {
            problems.push(format!(
                "{file}: the shares add up to {shares} of {cases} cases"
            ));
        }
    }
    for count in counts
        .iter()
        .filter(|count| !files.contains_key(&count.file))
    {
        problems.push(format!("{}: no such file", count.file));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(file: &str, ran: usize, total: usize) -> Count {
        Count {
            file: file.to_owned(),
            ran,
            total,
        }
    }

    #[test]
    fn lines_of_tests_are_understood() {
        assert_eq!(parse("vectors types.json 3/4"), Some(count("types", 3, 4)));
        assert_eq!(parse("vectors types 3/4"), Some(count("types", 3, 4)));
        assert_eq!(
            parse("test golden ... vectors types 4/4"),
            Some(count("types", 4, 4))
        );
        assert_eq!(parse("test vectors are_read ... ok"), None);
        assert_eq!(parse("all is well"), None);
    }

    #[test]
    fn every_gap_is_found() {
        let files = BTreeMap::from([
            ("a".to_owned(), 2),
            ("b".to_owned(), 3),
            ("c".to_owned(), 1),
        ]);
        let complete = [
            count("a", 2, 2),
            count("b", 3, 3),
            count("b", 3, 3),
            count("c", 1, 1),
        ];
        assert!(compare(&files, &complete).is_empty());
        let shared = [
            count("a", 1, 1),
            count("b", 2, 2),
            count("c", 1, 1),
            count("b", 1, 1),
            count("a", 1, 1),
        ];
        assert!(compare(&files, &shared).is_empty());
        assert_eq!(compare(&files, &complete[1..]), ["a: none of 2 cases ran"]);
        let short = [
            count("a", 2, 2),
            count("b", 2, 2),
            count("c", 0, 1),
            count("d", 1, 1),
        ];
        assert_eq!(
            compare(&files, &short),
            [
                "b: the shares add up to 2 of 3 cases",
                "c: 0/1 ran of 1 cases",
                "c: the shares add up to 0 of 1 cases",
                "d: no such file"
            ]
        );
    }
}
