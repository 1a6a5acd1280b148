//! `cargo xtask deps`: how many crates somebody who uses `fluss-rs` has to build.

use std::collections::BTreeSet;

use crate::{Result, shell, workspace};

const PACKAGE: &str = "fluss-rs";
const LIMIT: usize = 110;

pub(crate) fn run() -> Result<()> {
    let count = default_tree()?.len();
    println!("deps: {count} crates in the default tree of {PACKAGE} (limit {LIMIT})");
    if count > LIMIT {
        return Err(format!(
            "{count} crates are more than {LIMIT}: `cargo tree -p {PACKAGE} -e normal`"
        )
        .into());
    }
    Ok(())
}

/// Name and version of each crate in the tree, the package itself among them.
fn default_tree() -> Result<BTreeSet<String>> {
    let mut tree = workspace::cargo([
        "tree",
        "--package",
        PACKAGE,
        "--edges",
        "normal",
        "--prefix",
        "none",
    ]);
    let text = shell::output(tree.args(["--format", "{p}"]))?;
    let words = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    Ok(text
        .lines()
        .map(words)
        .filter(|name| !name.is_empty())
        .collect())
}
