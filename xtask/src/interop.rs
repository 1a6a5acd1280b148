//! Compiles the Java program of the integration tests.

use std::{fs, process::Command};

use crate::{Result, cluster, shell, workspace};

/// Gets its jars by Maven unless they are there, compiles it, and returns its class path.
pub(crate) fn class_path() -> Result<String> {
    let root = workspace::root();
    let java = root.join("integration-tests").join("java");
    let cluster_dir = root.join(".cluster");
    let jars = cluster_dir.join("jars-interop");
    let pom = java.join("pom.xml");
    // The jars are those of this pom; another pom needs others.
    let copied_for = jars.join("pom.xml");
    if fs::read(&copied_for).ok() != Some(fs::read(&pom)?) {
        if jars.is_dir() {
            fs::remove_dir_all(&jars)?;
        }
        cluster::copy_jars(&pom, &jars)?;
        fs::copy(&pom, &copied_for)?;
    }

    let classes = cluster_dir.join("interop-classes");
    fs::create_dir_all(&classes)?;
    let mut javac = Command::new("javac");
    javac
        .args(["--release", "11", "-encoding", "UTF-8", "-nowarn", "-d"])
        .arg(&classes);
    javac.arg("-cp").arg(format!("{}/*", jars.display()));
    for source in fs::read_dir(java.join("src/main/java/interop"))? {
        javac.arg(source?.path());
    }
    shell::run(&mut javac)?;
    Ok(format!("{}:{}/*", classes.display(), jars.display()))
}
