//! `cargo xtask features`: each published crate without features, and with each feature alone.

use crate::{
    Result, shell,
    workspace::{self, Package},
};

/// A crate whose features another one passes through under the same names: checking that one checks both.
const PASSED_THROUGH: (&str, &str) = ("fluss-client", "fluss-rs");

pub(crate) fn run() -> Result<()> {
    let packages = workspace::packages()?;
    if let Some(feature) = not_passed_through(&packages) {
        let (below, above) = PASSED_THROUGH;
        return Err(format!("{above} does not pass on the feature {feature} of {below}").into());
    }
    let checked = packages.iter().filter(|one| one.published);
    for package in checked.filter(|one| one.name != PASSED_THROUGH.0) {
        for features in sets(package) {
            let mut check = workspace::cargo(["check", "--quiet", "--no-default-features"]);
            check.args(["--package", &package.name]);
            if let Some(feature) = features {
                check.args(["--features", feature]);
            }
            shell::run(check.arg("--lib"))?;
            println!(
                "features: {} with {}",
                package.name,
                features.unwrap_or("none")
            );
        }
    }
    Ok(())
}

fn not_passed_through(packages: &[Package]) -> Option<&String> {
    let features = |name: &str| -> &[String] {
        let found = packages.iter().find(|package| package.name == name);
        found.map_or(&[], |package| &package.features)
    };
    let (below, above) = (features(PASSED_THROUGH.0), features(PASSED_THROUGH.1));
    below.iter().find(|feature| !above.contains(feature))
}

/// No feature, then each one alone. A crate without features has nothing to check: every other step builds it as it is.
fn sets(package: &Package) -> Vec<Option<&str>> {
    let alone = package.features.iter().filter(|name| *name != "default");
    let alone: Vec<_> = alone.map(|name| Some(name.as_str())).collect();
    if alone.is_empty() {
        return Vec::new();
    }
    std::iter::once(None).chain(alone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, features: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            folder: "/".into(),
            published: true,
            features: features.iter().map(|&name| name.to_owned()).collect(),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn every_feature_is_checked_alone() {
        let some = package("a", &["default", "lz4", "zstd"]);
        assert_eq!(sets(&some), [None, Some("lz4"), Some("zstd")]);
        assert!(sets(&package("a", &["default"])).is_empty());
    }

    #[test]
    fn a_feature_that_is_not_passed_through_is_found() {
        let (below, above) = PASSED_THROUGH;
        let packages = [package(below, &["lz4", "s3"]), package(above, &["lz4"])];
        assert_eq!(not_passed_through(&packages).unwrap(), "s3");
        let packages = [package(below, &["lz4"]), package(above, &["lz4", "mock"])];
        assert!(not_passed_through(&packages).is_none());
    }
}
