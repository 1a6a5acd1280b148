//! `cargo xtask release --dry-run`: what would be published, in which order, and whether it could be.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    Result, shell,
    workspace::{self, Kind, Package},
};

/// What Cargo.toml says of the profile of dependencies. A package does not contain it.
const PROFILE: [&str; 3] = [
    "profile.dev.debug='line-tables-only'",
    "profile.dev.package.'*'.debug=false",
    "profile.dev.package.'*'.opt-level=1",
];

/// Files of the workspace that every package has a copy of.
const LEGAL: [&str; 2] = ["LICENSE", "NOTICE"];

pub(crate) fn dry_run() -> Result<()> {
    let packages = workspace::packages()?;
    let order = publish_order(&packages)?;
    let version = one_version(&order)?;
    has_changelog_entry(
        &fs::read_to_string(workspace::root().join("CHANGELOG.md"))?,
        version,
    )?;
    println!("release {version}, in this order:");
    for package in &order {
        println!("  {}", package.name);
    }

    // All at once: Cargo then takes those that no registry has yet from each other. Each is built from its package alone, with the
    // profile of this workspace, so that dependencies are not compiled again.
    let mut package = workspace::cargo(["package", "--allow-dirty", "--target-dir"]);
    package.arg(workspace::target());
    for setting in PROFILE {
        package.args(["--config", setting]);
    }
    for one in &order {
        let mut list = workspace::cargo(["package", "--list", "--allow-dirty", "--package"]);
        let files = shell::output(list.arg(&one.name))?;
        check_files(&one.name, &files.lines().collect::<Vec<_>>())?;
        check_legal(&one.folder)?;
        package.arg("--package").arg(&one.name);
    }
    shell::run(&mut package)?;
    println!(
        "release: {} packages of version {version} are ready",
        order.len()
    );
    Ok(())
}

/// The published packages, each after those that it depends on.
fn publish_order(packages: &[Package]) -> Result<Vec<&Package>> {
    let mut waiting = packages
        .iter()
        .filter(|package| package.published)
        .collect::<Vec<_>>();
    let mut order = Vec::<&Package>::new();
    while !waiting.is_empty() {
        let names = waiting
            .iter()
            .map(|package| package.name.as_str())
            .collect::<BTreeSet<_>>();
        let is_ready = |package: &&Package| {
            let mut needed = package
                .dependencies
                .iter()
                .filter(|edge| edge.local && edge.kind != Kind::Dev);
            !needed.any(|edge| names.contains(edge.name.as_str()))
        };
        let (ready, rest) = waiting.iter().copied().partition::<Vec<_>, _>(is_ready);
        if ready.is_empty() {
            return Err(format!("these depend on each other: {names:?}").into());
        }
        order.extend(ready);
        waiting = rest;
    }
    let unpublished = packages
        .iter()
        .filter(|package| !package.published)
        .map(|package| package.name.as_str());
    let unpublished = unpublished.collect::<BTreeSet<_>>();
    for package in &order {
        let mut needed = package
            .dependencies
            .iter()
            .filter(|edge| edge.local && edge.kind != Kind::Dev);
        if let Some(edge) = needed.find(|edge| unpublished.contains(edge.name.as_str())) {
            return Err(format!(
                "{} needs {}, which is not published",
                package.name, edge.name
            )
            .into());
        }
    }
    Ok(order)
}

fn one_version<'a>(packages: &[&'a Package]) -> Result<&'a str> {
    let (first, rest) = packages.split_first().ok_or("nothing is published")?;
    match rest.iter().find(|package| package.version != first.version) {
        None => Ok(&first.version),
        Some(other) => Err(format!(
            "{} has version {}, but {} has {}",
            first.name, first.version, other.name, other.version
        )
        .into()),
    }
}

fn has_changelog_entry(changelog: &str, version: &str) -> Result<()> {
    let heading = format!("## [{version}]");
    if changelog.lines().any(|line| line.starts_with(&heading)) {
        Ok(())
    } else {
        Err(format!("CHANGELOG.md has no `{heading}`").into())
    }
}

fn check_files(package: &str, files: &[&str]) -> Result<()> {
    for needed in ["Cargo.toml", "README.md", "src/lib.rs"]
        .into_iter()
        .chain(LEGAL)
    {
        if !files.contains(&needed) {
            return Err(format!("the package of {package} lacks {needed}").into());
        }
    }
    Ok(())
}

/// The copies in a package are those of the workspace.
fn check_legal(folder: &Path) -> Result<()> {
    for name in LEGAL {
        let copy = folder.join(name);
        if fs::read(&copy)? != fs::read(workspace::root().join(name))? {
            return Err(format!("{} is not a copy of {name}", copy.display()).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Dependency;

    fn package(name: &str, version: &str, published: bool, needs: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency {
            name: (*name).to_owned(),
            kind: Kind::Normal,
            local: true,
        };
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            folder: "/".into(),
            published,
            features: Vec::new(),
            dependencies: needs.iter().map(dependency).collect(),
        }
    }

    #[test]
    fn packages_come_after_what_they_need() {
        let packages = [
            package("client", "1.0.0", true, &["rpc", "row"]),
            package("row", "1.0.0", true, &[]),
            package("rpc", "1.0.0", true, &["wire"]),
            package("tool", "1.0.0", false, &["client"]),
            package("wire", "1.0.0", true, &[]),
        ];
        let order = publish_order(&packages).unwrap();
        let names = order
            .iter()
            .map(|package| package.name.as_str())
            .collect::<Vec<_>>();
        assert_eq!(names, ["row", "wire", "rpc", "client"]);
    }

    #[test]
    fn what_needs_an_unpublished_package_is_refused() {
        let packages = [
            package("a", "1.0.0", true, &["b"]),
            package("b", "1.0.0", false, &[]),
        ];
        assert!(publish_order(&packages).is_err());
    }

    #[test]
    fn packages_in_a_circle_are_refused() {
        let packages = [
            package("a", "1.0.0", true, &["b"]),
            package("b", "1.0.0", true, &["a"]),
        ];
        assert!(publish_order(&packages).is_err());
    }

    #[test]
    fn different_versions_are_refused() {
        let (a, b) = (
            package("a", "1.0.0", true, &[]),
            package("b", "1.0.1", true, &[]),
        );
        assert!(one_version(&[&a, &b]).is_err());
        assert_eq!(one_version(&[&a]).unwrap(), "1.0.0");
    }

    #[test]
    fn the_changelog_must_name_the_version() {
        assert!(has_changelog_entry("# Changelog\n\n## [0.1.0] - unreleased\n", "0.1.0").is_ok());
        assert!(has_changelog_entry("# Changelog\n\n## [0.1.0] - unreleased\n", "0.2.0").is_err());
    }
}
