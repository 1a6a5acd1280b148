//! `cargo xtask api`: the public items of the published crates, compared with the lists in `public-api/`. With `--write`, the lists are
//! written.
//!
//! A change of the surface is thus a diff in the commit that makes it. The lists have items of the crates with all features, without
//! implementations that are derived or that every type has.

use std::{fs, path::Path};

use crate::{
    Result, shell,
    workspace::{self, Package},
};

/// The folder with the lists, and with the program that makes them.
const FOLDER: &str = "public-api";

pub(crate) fn run(write: bool) -> Result<()> {
    let root = workspace::root();
    let folder = root.join(FOLDER);
    let packages = workspace::packages()?;
    let published: Vec<&Package> = packages.iter().filter(|one| one.published).collect();
    document(&folder, &published)?;
    let mut changed = Vec::new();
    for package in published {
        let json = workspace::target().join("doc").join(json_of(&package.name));
        let mut list = workspace::cargo(["run", "--quiet", "--locked", "--manifest-path"]);
        list.arg(folder.join("Cargo.toml"));
        list.arg("--target-dir");
        list.arg(workspace::target().join("api-snapshot")).arg("--");
        let found = shell::output(list.arg(json))?;
        let file = folder.join(format!("{}.txt", package.name));
        let known = fs::read_to_string(&file).unwrap_or_default();
        let differences = diff(&known, &found);
        if !differences.is_empty() {
            println!("api: {}\n{}", package.name, differences.join("\n"));
            changed.push(package.name.as_str());
        }
        if write {
            fs::write(&file, found)?;
        }
    }
    match (changed.as_slice(), write) {
        ([], _) => println!("api: the public items are those in {FOLDER}/"),
        (_, true) => println!("api: wrote {FOLDER}/"),
        (changed, false) => {
            return Err(format!(
                "the public items of {} have changed: `cargo xtask api --write`, and commit the lists",
                changed.join(", ")
            )
            .into());
        }
    }
    Ok(())
}

/// Makes the JSON of all of them at once, with the features and the compiled dependencies that the documentation has.
fn document(folder: &Path, packages: &[&Package]) -> Result<()> {
    let mut doc = workspace::cargo(["doc", "--quiet", "--no-deps", "--all-features"]);
    for package in packages {
        doc.args(["--package", &package.name]);
    }
    shell::run(
        doc.env("RUSTDOC", folder.join("rustdoc"))
            .env_remove("RUSTDOCFLAGS"),
    )
}

/// The name of the file that rustdoc makes: that of the library.
fn json_of(package: &str) -> String {
    let library = if package == "fluss-rs" {
        "fluss"
    } else {
        package
    };
    format!("{}.json", library.replace('-', "_"))
}

/// Lines that are in one text only, those of the first with `-`, those of the second with `+`.
fn diff(known: &str, found: &str) -> Vec<String> {
    let (mut known, mut found): (Vec<_>, Vec<_>) =
        (known.lines().collect(), found.lines().collect());
    known.sort_unstable();
    found.sort_unstable();
    let gone = known
        .iter()
        .filter(|line| found.binary_search(line).is_err());
    let new = found
        .iter()
        .filter(|line| known.binary_search(line).is_err());
    gone.map(|line| format!("-{line}"))
        .chain(new.map(|line| format!("+{line}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_one_list_are_shown() {
        assert_eq!(diff("a\nb\nc\n", "b\nc\nd\n"), ["-a", "+d"]);
        assert!(diff("b\na\n", "a\nb\n").is_empty());
    }

    #[test]
    fn the_json_is_named_for_the_library() {
        assert_eq!(json_of("fluss-rs"), "fluss.json");
        assert_eq!(json_of("fluss-row"), "fluss_row.json");
    }
}
