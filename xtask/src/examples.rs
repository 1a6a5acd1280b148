//! The examples, each run to its end on the mock cluster that it starts by itself.

use std::{
    collections::BTreeSet,
    env, fs,
    process::{Command, Stdio},
};

use crate::{Result, cluster, shell, workspace};

/// What examples share, in a folder beside them.
const SHARED: &str = "common";

pub(crate) fn run() -> Result<()> {
    // What was compiled for the unit tests serves here too.
    shell::run(&mut workspace::cargo([
        "build",
        "--workspace",
        "--exclude",
        "integration-tests",
        "--exclude",
        "xtask",
        "--examples",
    ]))?;
    let names = names()?;
    let program = env::current_exe()?;
    let built = program
        .parent()
        .ok_or("this program lies nowhere")?
        .join("examples");
    for name in &names {
        let mut example = Command::new(built.join(name));
        // Without a word about a real cluster, so that none is used by mistake.
        example.env_remove(cluster::BOOTSTRAP).stdin(Stdio::null());
        let printed = shell::output(&mut example)?;
        if printed.trim().is_empty() {
            return Err(format!("the example {name} printed nothing").into());
        }
    }
    println!(
        "examples: {} ran to their ends on mock clusters",
        names.len()
    );
    Ok(())
}

/// The programs and folders in the `examples` folders of the crates.
fn names() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for package in fs::read_dir(workspace::root().join("crates"))? {
        let Ok(examples) = fs::read_dir(package?.path().join("examples")) else {
            continue;
        };
        for example in examples {
            let path = example?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            if name != SHARED {
                names.insert(name.into_owned());
            }
        }
    }
    if names.is_empty() {
        return Err("no example was found".into());
    }
    Ok(names)
}
