//! `cargo xtask deny`: licenses, sources, bans and advisories of the dependencies, by cargo-deny and `deny.toml`.

use std::process::{Command, Stdio};

use crate::{Result, shell, workspace};

/// Everything, with the advisory database of today; needs cargo-deny and the network.
pub(crate) fn run() -> Result<()> {
    if !is_installed() {
        return Err("cargo-deny is not installed: `cargo install --locked cargo-deny`".into());
    }
    shell::run(&mut workspace::cargo(["deny", "--all-features", "check"]))
}

/// What needs no network, where cargo-deny is at hand; says so where it isn't.
pub(crate) fn run_if_installed() -> Result<()> {
    if !is_installed() {
        println!("deny: NOT CHECKED, cargo-deny is not installed (`cargo xtask deny` says how)");
        return Ok(());
    }
    shell::run(&mut workspace::cargo([
        "deny",
        "--all-features",
        "check",
        "bans",
        "licenses",
        "sources",
    ]))
}

fn is_installed() -> bool {
    let mut version = Command::new("cargo-deny");
    version
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}
