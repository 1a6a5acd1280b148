//! `cargo xtask bench`: what the client costs.
//!
//! `bench [ARGS]` runs the crate `peer-bench`, which compares this client with others on a real cluster; `bench codec`
//! counts the instructions of the codecs.

mod codec;

pub(crate) const USAGE: &str = concat!(
    "usage: cargo xtask bench [OPTIONS]\n\n",
    include_str!("../../../peer-bench/usage.txt"),
    "  codec [FILTER]      instructions of the codecs instead (`cargo xtask bench codec --help`)\n",
);

pub(crate) const CODEC_USAGE: &str = "\
usage: cargo xtask bench codec [FILTER]...

Counts the instructions of one operation of each codec with valgrind, and fails if one is above its limit. Operations
whose names contain every FILTER are counted.
";

use crate::{
    Result,
    cluster::{self, Options},
    shell, workspace,
};

pub(crate) fn run(words: &[&str]) -> Result<()> {
    match words {
        ["codec", rest @ ..] => codec::run(rest),
        _ => compare(words),
    }
}

/// Builds first, so that the cluster idles for no longer than it must; passes `args` on.
fn compare(args: &[&str]) -> Result<()> {
    const MANIFEST: &str = "peer-bench/Cargo.toml";
    shell::run(&mut workspace::cargo([
        "build",
        "--release",
        "--manifest-path",
        MANIFEST,
    ]))?;
    let mut bench = workspace::cargo([
        "run",
        "--release",
        "--quiet",
        "--manifest-path",
        MANIFEST,
        "--",
    ]);
    bench.args(args);
    if let Some(address) = cluster::running_elsewhere()? {
        return shell::run(bench.env(cluster::BOOTSTRAP, address));
    }
    let options = Options {
        dir: workspace::root().join(".cluster").join("bench"),
        heap: "768m".to_owned(),
        ..Options::default()
    };
    cluster::down(&options)?;
    let state = cluster::up(&options)?;
    let measured = shell::run(bench.env(cluster::BOOTSTRAP, &state.bootstrap));
    let stopped = cluster::down(&options);
    measured.and(stopped)
}
