//! The options of a cluster, from the command line.

use std::path::{Path, PathBuf};

use crate::{Result, workspace};

/// What kind of cluster, and where. Two clusters with equal options are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// Absolute.
    pub(crate) dir: PathBuf,
    pub(crate) tablets: u32,
    pub(crate) access: Access,
    pub(crate) storage: Storage,
    /// Of each tablet server, as Java's `-Xmx` takes it.
    pub(crate) heap: String,
}

/// How clients get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Plaintext,
    Sasl,
    SaslAndAcl,
}

/// Where log segments end up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Storage {
    Default,
    /// Small segments, moved away at once.
    Tiered,
    /// As [`Tiered`](Self::Tiered), into the bucket [`S3_BUCKET`] of a store that speaks the protocols of S3 and of STS at this address.
    S3(String),
    /// As [`Tiered`](Self::Tiered), under names of the scheme `hdfs` for a directory of this machine: a file system that clients have to
    /// know, and this one does not.
    Hdfs,
}

/// Where segments go with `--s3`.
pub(super) const S3_BUCKET: &str = "fluss";

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: workspace::root().join(".cluster"),
            tablets: 1,
            access: Access::Plaintext,
            storage: Storage::Default,
            heap: "512m".to_owned(),
        }
    }
}

/// Splits the words of a command line into a command and its options.
pub(super) fn parse<'a>(words: &[&'a str]) -> Result<(Vec<&'a str>, Options)> {
    let mut options = Options::default();
    let mut command = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word {
            "--dir" => options.dir = std::path::absolute(Path::new(value()?))?,
            "--tablets" => {
                options.tablets = value()?
                    .parse()
                    .ok()
                    .filter(|n| (1..=16).contains(n))
                    .ok_or("--tablets: 1 to 16")?;
            }
            "--sasl" if options.access == Access::Plaintext => options.access = Access::Sasl,
            "--sasl" => {}
            "--acl" => options.access = Access::SaslAndAcl,
            "--tiered" => options.storage = Storage::Tiered,
            "--s3" => options.storage = Storage::S3(value()?.to_owned()),
            "--hdfs" => options.storage = Storage::Hdfs,
            "--heap" => value()?.clone_into(&mut options.heap),
            flag if flag.starts_with('-') => return Err(format!("unknown option {flag}").into()),
            plain => command.push(plain),
        }
    }
    Ok((command, options))
}
