//! `cargo xtask ci`: everything that must hold before a change goes in, cheap checks first.

use std::time::{Duration, Instant};

use crate::{
    Result, api, codegen, deny, deps, features, fuzz, links, shell, spelling, test, tidy, workspace,
};

/// One step: its name and what it does.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: [Step; 14] = [
    ("format", format),
    ("tidy", tidy::run),
    ("links", links::run),
    ("spelling", spelling::run),
    ("codegen", || codegen::run(true)),
    ("deps", deps::run),
    ("deny", deny::run_if_installed),
    ("clippy", clippy),
    ("all features", all_features),
    ("features", features::run),
    ("doc", doc),
    ("api", || api::run(false)),
    ("test", || test::run(test::Demand::Required)),
    ("fuzz", fuzz::smoke),
];

pub(crate) fn run() -> Result<()> {
    let mut times = Vec::new();
    let mut failure = None;
    for (name, step) in STEPS {
        println!("--- {name}");
        let since = Instant::now();
        let result = step();
        times.push((name, since.elapsed()));
        if let Err(error) = result {
            failure = Some(format!("{name} failed: {error}"));
            break;
        }
    }
    println!("--- times");
    for (name, time) in &times {
        println!("{name:<12} {:>7.1} s", time.as_secs_f64());
    }
    let total = times.iter().map(|(_, time)| *time).sum::<Duration>();
    println!("{:<12} {:>7.1} s", "total", total.as_secs_f64());
    match failure {
        None => {
            println!("ci: passed");
            Ok(())
        }
        Some(failure) => Err(failure.into()),
    }
}

fn format() -> Result<()> {
    shell::run(&mut workspace::cargo(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    shell::run(&mut workspace::cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))
}

/// The crates without their features and with all of them; every other step has the default ones. What a feature adds is tested
/// here.
fn all_features() -> Result<()> {
    for package in ["fluss-row", "fluss-rs"] {
        let mut clippy = workspace::cargo(["clippy", "--package", package]);
        shell::run(clippy.args(["--no-default-features", "--", "--deny", "warnings"]))?;
    }
    let all = [
        "--package",
        "fluss-row",
        "--package",
        "fluss-client",
        "--all-features",
    ];
    let mut clippy = workspace::cargo(["clippy", "--all-targets"]);
    shell::run(clippy.args(all).args(["--", "--deny", "warnings"]))?;
    shell::run(workspace::cargo(["test", "--lib"]).args(all))
}

/// With all as docs.rs shows it.
fn doc() -> Result<()> {
    let mut doc = workspace::cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    shell::run(
        doc.args(["--exclude", "integration-tests", "--exclude", "xtask"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}
