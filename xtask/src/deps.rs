//! `cargo xtask deps`: how many crates somebody who uses `fluss-rs` has to build, and that who tries its examples builds hardly more.

use std::collections::BTreeSet;

use crate::{Result, shell, workspace};

const PACKAGE: &str = "fluss-rs";
const LIMIT: usize = 110;

pub(crate) fn run() -> Result<()> {
    let library = tree(&["--package", PACKAGE, "--edges", "normal,build"])?;
    check_examples(&library)?;
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
