//! `cargo xtask fuzz [SECONDS]`: every fuzz body for this many seconds, 5 unless said, with mutations of golden data.
//!
//! The bodies run natively, two at a time, with another seed each time. Fuzzing with coverage needs a nightly toolchain and cargo-fuzz:
//! `cargo +nightly fuzz run TARGET` in `fuzz/`.

use crate::{Result, shell, workspace};

/// What CI runs.
pub(crate) fn smoke() -> Result<()> {
    run("5")
}

pub(crate) fn run(seconds: &str) -> Result<()> {
    let mut smoke = workspace::cargo(["run", "--quiet", "--package", "fuzz-bodies"]);
    shell::run(smoke.args(["--example", "smoke", "--", seconds]))
}
