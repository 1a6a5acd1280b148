//! Where the workspace lies, and what Cargo says of its packages.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Result, shell};

/// The workspace's root directory.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Where Cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(set.unwrap_or_else(|| "target".into()))
}

/// Cargo itself, in the workspace's root. The same Cargo that started this program, if it said so.
pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// One package of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Where its manifest lies.
    pub(crate) folder: PathBuf,
    /// Whether it goes to a registry.
    pub(crate) published: bool,
    /// Sorted by name.
    pub(crate) features: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a package's `[dependencies]`, `[dev-dependencies]` or `[build-dependencies]`.
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Lies in this workspace.
    pub(crate) local: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Dev,
    Build,
}

/// The workspace's packages, by name.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let text = shell::output(&mut cargo(["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text)?;
    let mut packages = list(&metadata, "packages")
        .iter()
        .map(|package| Package {
            name: text_of(package, "name"),
            version: text_of(package, "version"),
            folder: Path::new(&text_of(package, "manifest_path"))
                .parent()
                .map(Path::to_owned)
                .unwrap_or_default(),
            // `publish = false` is an empty list of registries.
            published: package.get("publish").is_none_or(Value::is_null),
            features: package
                .get("features")
                .and_then(Value::as_object)
                .map_or_else(Vec::new, |features| features.keys().cloned().collect()),
            dependencies: list(package, "dependencies")
                .iter()
                .map(dependency)
                .collect(),
        })
        .collect::<Vec<_>>();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn dependency(value: &Value) -> Dependency {
    Dependency {
        name: text_of(value, "name"),
        kind: match value.get("kind").and_then(Value::as_str) {
            Some("dev") => Kind::Dev,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        },
        local: value.get("path").is_some_and(|path| !path.is_null()),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text_of(value: &Value, key: &str) -> String {
    value
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}
