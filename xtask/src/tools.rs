//! Programs of others that single checks need. They are installed below `target/tools`, never for the whole machine.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{Result, shell, workspace};

/// Where programs are installed.
fn folder() -> PathBuf {
    workspace::target().join("tools")
}

/// Whether a program runs, by its `--version`.
pub(crate) fn runs(program: &PathBuf) -> bool {
    let mut version = Command::new(program);
    version
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// A program of this version from `PyPI`, installed for this workspace if it is not.
pub(crate) fn from_pypi(name: &str, version: &str) -> Result<PathBuf> {
    let folder = folder().join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !runs(&program) {
        println!("{name}: installing version {version} below target/tools");
        let mut install = Command::new("python3");
        install
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
            .arg(&folder)
            .arg(format!("{name}=={version}"));
        shell::run_quietly(&mut install)?;
    }
    Ok(program)
}

/// A program of this version from crates.io, compiled for this workspace if it is not there.
pub(crate) fn from_crates(name: &str, version: &str, args: &[&str]) -> Result<PathBuf> {
    let folder = folder().join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !runs(&program) {
        println!("{name}: compiling version {version} below target/tools, which takes minutes");
        let mut install = workspace::cargo(["install", "--locked", "--version", version, "--root"]);
        install.arg(&folder).args(args).arg(name);
        shell::run(&mut install)?;
    }
    Ok(program)
}
