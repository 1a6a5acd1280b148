//! `cargo xtask features`: each published crate without features, and with each feature alone.

use crate::{
    Result, shell,
    workspace::{self, Package},
};

pub(crate) fn run() -> Result<()> {
    let packages = workspace::packages()?;
    for package in packages.iter().filter(|package| package.published) {
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

    #[test]
    fn every_feature_is_checked_alone() {
        let mut package = Package {
            name: "a".to_owned(),
            version: "1.0.0".to_owned(),
            folder: "/".into(),
            published: true,
            features: ["default", "lz4", "zstd"].map(str::to_owned).to_vec(),
            dependencies: Vec::new(),
        };
        assert_eq!(sets(&package), [None, Some("lz4"), Some("zstd")]);
        package.features = vec!["default".to_owned()];
        assert!(sets(&package).is_empty());
    }
}
