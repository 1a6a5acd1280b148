//! The crates that only turn bytes into values reach no crate that does I/O.

use crate::{
    Result, shell,
    workspace::{self, Package},
};

const SANS_IO: [&str; 3] = ["fluss-wire", "fluss-metadata", "fluss-row"];
const FORBIDDEN: [&str; 7] = [
    "tokio",
    "tokio-util",
    "mio",
    "socket2",
    "async-std",
    "smol",
    "rustix",
];

pub(super) fn check(packages: &[Package]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for name in SANS_IO
        .into_iter()
        .filter(|name| packages.iter().any(|package| package.name == *name))
    {
        let mut tree = workspace::cargo([
            "tree",
            "--all-features",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ]);
        let text = shell::output(tree.args(["--format", "{p}", "--package", name]))?;
        for crate_name in reached(&text) {
            problems.push(format!("{name} reaches {crate_name}"));
        }
    }
    Ok(problems)
}

/// The forbidden crates among the lines of `cargo tree`.
fn reached(tree: &str) -> Vec<&'static str> {
    let is_in_tree = |name: &&str| {
        tree.lines()
            .any(|line| line.split(' ').next() == Some(*name))
    };
    FORBIDDEN.into_iter().filter(is_in_tree).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_in_the_tree_is_found() {
        assert_eq!(
            reached("fluss-wire v0.1.0\nbytes v1.10.0\n"),
            Vec::<&str>::new()
        );
        assert_eq!(
            reached("fluss-wire v0.1.0\ntokio v1.47.0\nmio v1.0.0\n"),
            ["tokio", "mio"]
        );
    }
}
