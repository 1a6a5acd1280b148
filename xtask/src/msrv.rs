//! `cargo xtask msrv`: the published crates, with all features, on the oldest Rust that the manifest declares.

use std::{fs, process::Command};

use crate::{
    Result, shell,
    workspace::{self, Package},
};

/// How long a toolchain may take to download, in seconds.
const DOWNLOAD: &str = "300";

pub(crate) fn run() -> Result<()> {
    let manifest = fs::read_to_string(workspace::root().join("Cargo.toml"))?;
    let version = declared(&manifest).ok_or("Cargo.toml has no rust-version")?;
    if !is_installed(version) {
        println!("msrv: installing Rust {version}");
        let mut install = Command::new("timeout");
        install.args([DOWNLOAD, "rustup", "toolchain", "install", version]);
        install.args(["--profile", "minimal", "--no-self-update"]);
        if let Err(error) = shell::run_quietly(&mut install) {
            println!("msrv: NOT CHECKED, Rust {version} cannot be installed: {error}");
            return Ok(());
        }
    }
    let mut check = Command::new("rustup");
    check.args([
        "run",
        version,
        "cargo",
        "check",
        "--locked",
        "--all-features",
    ]);
    for Package { name, .. } in workspace::packages()?.iter().filter(|one| one.published) {
        check.args(["--package", name]);
    }
    // Those of this program's own Cargo are for another toolchain.
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        check.env_remove(variable);
    }
    shell::run(check.current_dir(workspace::root()))?;
    println!("msrv: Rust {version} builds the published crates with all features");
    Ok(())
}

fn is_installed(version: &str) -> bool {
    let mut command = Command::new("rustup");
    command.args(["run", version, "rustc", "--version"]);
    command.output().is_ok_and(|output| output.status.success())
}

/// The `rust-version` of a manifest.
fn declared(manifest: &str) -> Option<&str> {
    let mut lines = manifest.lines();
    lines.find_map(|line| {
        let value = line.strip_prefix("rust-version")?.trim_start();
        Some(value.strip_prefix('=')?.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_version_is_found() {
        let manifest = "[workspace.package]\nedition = \"2024\"\nrust-version = \"1.88\"\n";
        assert_eq!(declared(manifest), Some("1.88"));
        assert_eq!(declared("[package]\n"), None);
    }
}
