//! `cargo xtask spelling`: spelling of code and text, by typos. `typos.toml` has the exceptions.

use std::process::Command;

use crate::{Result, shell, tools, workspace};

/// From `PyPI`, which has it as a compiled program.
const VERSION: &str = "1.52.0";

pub(crate) fn run() -> Result<()> {
    let typos = match tools::from_pypi("typos", VERSION) {
        Ok(typos) => typos,
        Err(error) => {
            println!("spelling: NOT CHECKED, typos {VERSION} cannot be installed: {error}");
            return Ok(());
        }
    };
    let mut check = Command::new(typos);
    check.args(["--format", "brief"]);
    shell::run(check.current_dir(workspace::root()))
        .map_err(|_| "misspelled words; exceptions go to typos.toml".into())
}
