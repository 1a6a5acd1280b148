//! `cargo xtask fuzz [SECONDS]`: every fuzz body for this many seconds, 5 unless said, with mutations of golden data.
//!
//! The bodies run natively, two at a time, with another seed each time. Fuzzing with coverage needs a nightly toolchain and cargo-fuzz:
//! `cargo +nightly fuzz run TARGET` in `fuzz/`.

use std::process::Command;

use crate::{Result, shell, workspace};

/// What CI runs.
pub(crate) fn smoke() -> Result<()> {
    run("5")
}

pub(crate) fn run(seconds: &str) -> Result<()> {
    // Chosen as the tests are, so that nothing is compiled again.
    let mut build = workspace::cargo(["build", "--quiet", "--workspace"]);
    build.args(["--exclude", "integration-tests", "--exclude", "xtask"]);
    shell::run(build.args(["--example", "smoke"]))?;
    let smoke = workspace::target().join("debug/examples/smoke");
    shell::run(Command::new(smoke).arg(seconds))
}
