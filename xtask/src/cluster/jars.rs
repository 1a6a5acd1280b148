//! The jars of Fluss: from Maven into a directory of the workspace, or from a binary distribution.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Result, shell, workspace};

const DEFAULT_VERSION: &str = "0.9.1-incubating";
const COPY_GOAL: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// The version of Fluss that is started.
fn version() -> String {
    env::var("FLUSS_VERSION")
        .ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| DEFAULT_VERSION.to_owned())
}

/// The class path of the servers.
pub(super) fn server_class_path() -> Result<String> {
    if let Some(home) = env::var_os("FLUSS_HOME").filter(|home| !home.is_empty()) {
        let lib = PathBuf::from(home).join("lib");
        if !lib.is_dir() {
            return Err(format!("FLUSS_HOME is set, but {} is no directory", lib.display()).into());
        }
        return Ok(format!("{}/*", lib.display()));
    }
    let version = version();
    let dir = workspace::root()
        .join(".cluster")
        .join(format!("jars-{version}"));
    if !dir.is_dir() {
        let pom_dir = workspace::root()
            .join(".cluster")
            .join(format!("pom-{}", std::process::id()));
        fs::create_dir_all(&pom_dir)?;
        let pom = pom_dir.join("pom.xml");
        fs::write(&pom, server_pom(&version))?;
        copy(&pom, &dir)?;
        fs::remove_dir_all(&pom_dir)?;
    }
    Ok(format!("{}/*", dir.display()))
}

/// Copies the runtime dependencies of a Maven project into `dir`, which appears complete or not at all.
pub(crate) fn copy(pom: &Path, dir: &Path) -> Result<()> {
    eprintln!("getting the jars of {} by Maven", pom.display());
    let mut incoming = dir.as_os_str().to_owned();
    incoming.push(format!(".incoming-{}", std::process::id()));
    let incoming = PathBuf::from(incoming);
    fs::create_dir_all(&incoming)?;
    shell::run(
        Command::new("mvn")
            .args(["--batch-mode", "--quiet", "-Dstyle.color=never", "--file"])
            .arg(pom)
            .arg(COPY_GOAL)
            .arg("-DincludeScope=runtime")
            .arg(format!("-DoutputDirectory={}", incoming.display()))
            // Maven prints on stdout, where this program prints results.
            .stdout(std::io::stderr()),
    )?;
    match fs::rename(&incoming, dir) {
        Ok(()) => Ok(()),
        // Another run was quicker.
        Err(_) if dir.is_dir() => Ok(fs::remove_dir_all(&incoming)?),
        Err(error) => Err(error.into()),
    }
}

fn server_pom(version: &str) -> String {
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.example</groupId>
  <artifactId>fluss-test-cluster</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.fluss</groupId>
      <artifactId>fluss-server</artifactId>
      <version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"
    )
}
