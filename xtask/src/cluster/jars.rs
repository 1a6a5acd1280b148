//! The jars of Fluss: from Maven into a directory of the workspace, or from a binary distribution.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::options::Storage;
use crate::{Result, shell, workspace};

const DEFAULT_VERSION: &str = "0.9.1-incubating";
const COPY_GOAL: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
/// Of the last release that can put what it got elsewhere, and without the project of the artifact.
const GET_GOAL: &str = "org.apache.maven.plugins:maven-dependency-plugin:2.10:get";

/// The version of Fluss that is started.
fn version() -> String {
    env::var("FLUSS_VERSION")
        .ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| DEFAULT_VERSION.to_owned())
}

/// The class path of the servers.
pub(super) fn server_class_path(storage: &Storage) -> Result<String> {
    let plugin = match storage {
        Storage::S3(_) => Some("s3"),
        Storage::Hdfs => Some("hdfs"),
        Storage::Default | Storage::Tiered => None,
    };
    if let Some(home) = env::var_os("FLUSS_HOME").filter(|home| !home.is_empty()) {
        let home = PathBuf::from(home);
        let mut dirs = vec![home.join("lib")];
        dirs.extend(plugin.map(|plugin| home.join("plugins").join(plugin)));
        if let Some(dir) = dirs.iter().find(|dir| !dir.is_dir()) {
            return Err(format!("FLUSS_HOME is set, but {} is no directory", dir.display()).into());
        }
        return Ok(all_of(&dirs));
    }
    let version = version();
    let mut dirs = vec![server_jars(&version)?];
    if let Some(plugin) = plugin {
        dirs.push(plugin_jars(plugin, &version)?);
    }
    Ok(all_of(&dirs))
}

fn all_of(dirs: &[PathBuf]) -> String {
    let entries = dirs.iter().map(|dir| format!("{}/*", dir.display()));
    entries.collect::<Vec<_>>().join(":")
}

fn server_jars(version: &str) -> Result<PathBuf> {
    let ours = workspace::root().join(".cluster");
    let dir = ours.join(format!("jars-{version}"));
    if !dir.is_dir() {
        let pom_dir = ours.join(format!("pom-{}", std::process::id()));
        fs::create_dir_all(&pom_dir)?;
        let pom = pom_dir.join("pom.xml");
        fs::write(&pom, server_pom(version))?;
        copy(&pom, &dir)?;
        fs::remove_dir_all(&pom_dir)?;
    }
    Ok(dir)
}

/// A file system of the servers: one jar with all that it needs.
fn plugin_jars(name: &str, version: &str) -> Result<PathBuf> {
    let dir = workspace::root()
        .join(".cluster")
        .join(format!("jars-{name}-{version}"));
    if !dir.is_dir() {
        // By itself: the parent of its project is not published.
        let artifact = format!("org.apache.fluss:fluss-fs-{name}:{version}");
        eprintln!("getting {artifact} by Maven");
        into_dir(&dir, |incoming| {
            let mut get = maven(GET_GOAL);
            get.arg(format!("-Dartifact={artifact}"))
                .arg("-Dtransitive=false")
                .arg(format!("-Ddest={}", incoming.display()));
            get
        })?;
    }
    Ok(dir)
}

/// Copies the runtime dependencies of a Maven project into `dir`, which appears complete or not at all.
pub(crate) fn copy(pom: &Path, dir: &Path) -> Result<()> {
    eprintln!("getting the jars of {} by Maven", pom.display());
    into_dir(dir, |incoming| {
        let mut copy = maven(COPY_GOAL);
        copy.arg("--file")
            .arg(pom)
            .arg("-DincludeScope=runtime")
            .arg(format!("-DoutputDirectory={}", incoming.display()));
        copy
    })
}

fn maven(goal: &str) -> Command {
    let mut maven = Command::new("mvn");
    maven
        .args(["--batch-mode", "--quiet", "-Dstyle.color=never"])
        .arg(goal);
    maven
}

/// Fills a directory by a command, so that it appears complete or not at all.
fn into_dir(dir: &Path, command: impl FnOnce(&Path) -> Command) -> Result<()> {
    let mut incoming = dir.as_os_str().to_owned();
    incoming.push(format!(".incoming-{}", std::process::id()));
    let incoming = PathBuf::from(incoming);
    fs::create_dir_all(&incoming)?;
    shell::run_quietly(&mut command(&incoming))?;
    let (files, bytes) = size_of(&incoming)?;
    eprintln!("got {files} files, {} MB", bytes.div_ceil(1_000_000));
    match fs::rename(&incoming, dir) {
        Ok(()) => Ok(()),
        // Another run was quicker.
        Err(_) if dir.is_dir() => Ok(fs::remove_dir_all(&incoming)?),
        Err(error) => Err(error.into()),
    }
}

/// How many files lie in a directory, and how many bytes they have.
fn size_of(dir: &Path) -> Result<(usize, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(dir)? {
        files += 1;
        bytes += entry?.metadata()?.len();
    }
    Ok((files, bytes))
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
