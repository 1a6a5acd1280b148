//! `cargo xtask test`: unit and documentation tests, the examples and the scenarios on mock clusters, then the integration tests on a real cluster.
//!
//! Without Java and Maven the last part is left out, unless it is demanded; the last lines then say so.
//! `test --mock` runs the scenarios on mock clusters alone.
//! `test --integration [ARGS]` runs the second half alone and hands `ARGS` to the tests, as a filter.

use std::{
    env,
    time::{Duration, Instant},
};

use crate::{
    Result,
    cluster::{self, Access, Options, State, Storage},
    compatibility::{self, On, Passed},
    examples, interop, shell, vectors, workspace,
};

/// Enough for three replicas and for losing one.
const TABLETS: u32 = 3;

/// Whether the tests that need a real cluster may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// They must run.
    Required,
    /// They run where a cluster can be had.
    WherePossible,
}

impl Demand {
    /// With `CI=true`, nothing may be left out.
    pub(crate) fn from_environment() -> Self {
        if env::var("CI").is_ok_and(|value| value == "true") {
            Self::Required
        } else {
            Self::WherePossible
        }
    }
}

pub(crate) fn run(demand: Demand) -> Result<()> {
    let missing = cluster::missing_tools();
    if demand == Demand::Required && !missing.is_empty() {
        return Err(format!(
            "no real cluster can be started, {} not found: the integration tests cannot run",
            missing.join(" and ")
        )
        .into());
    }
    let since = Instant::now();
    vectors::run()?;
    documentation()?;
    examples::run()?;
    // With the features of this program's own build, so that nothing is compiled twice.
    shell::run(&mut workspace::cargo(["test", "--package", "xtask"]))?;
    let units = since.elapsed();
    let on_mock = scenarios_on_the_mock()?;
    if !missing.is_empty() {
        println!("{}", left_out(&missing, on_mock.scenarios(On::Mock).len()));
        return Ok(());
    }
    let integration = integration_tests(&["--skip", "mock::"])?;
    compatibility::check(&integration.passed, false)?;
    compare_scenarios(&on_mock, &integration.passed)?;
    println!(
        "test: unit and documentation tests and examples passed in {units:.0?}, integration tests passed in {:.0?} on {}",
        integration.took, integration.cluster
    );
    Ok(())
}

/// The last lines of a run without a real cluster.
fn left_out(missing: &[&str], scenarios: usize) -> String {
    format!(
        "test: everything that needs no real cluster passed, {scenarios} scenarios on mock clusters among it\n\
         test: NOT RUN: the integration tests on a real Fluss cluster, because {} not found.\n\
         test: install Java 11 or later and Maven, or set {} to a running cluster, and run `cargo xtask test --real`",
        missing.join(" and "),
        cluster::BOOTSTRAP,
    )
}

/// The snippets of the crates, of their READMEs and of the pages of the guide.
fn documentation() -> Result<()> {
    shell::run(&mut workspace::cargo([
        "test",
        "--workspace",
        "--exclude",
        "integration-tests",
        "--exclude",
        "xtask",
        "--doc",
        // A page of the guide is about it.
        "--features",
        "fluss-rs/mock",
    ]))
}

/// The integration tests alone.
pub(crate) fn run_integration(args: &[&str]) -> Result<()> {
    let integration = integration_tests(args)?;
    println!(
        "test: integration tests passed in {:.0?} on {}",
        integration.took, integration.cluster
    );
    Ok(())
}

/// The integration tests, and the page that they make.
pub(crate) fn write_compatibility() -> Result<()> {
    let integration = integration_tests(&["--skip", "mock::"])?;
    compatibility::check(&integration.passed, true)
}

/// The scenarios of the integration tests, on mock clusters.
pub(crate) fn scenarios_on_the_mock() -> Result<Passed> {
    let package = ["test", "--package", "integration-tests", "--test", "it"];
    let mut tests = workspace::cargo(package);
    // Without a word about a real cluster, so that none is used by mistake.
    tests.env_remove(cluster::BOOTSTRAP);
    let passed = run_and_read(tests.args(["--", "mock::"]))?;
    let count = passed.scenarios(On::Mock).len();
    println!("test: {count} scenarios passed on mock clusters");
    Ok(passed)
}

/// Says how many scenarios passed on both kinds of clusters; one that passed on one alone is a failure.
fn compare_scenarios(on_mock: &Passed, on_real: &Passed) -> Result<()> {
    let (mock, real) = (on_mock.scenarios(On::Mock), on_real.scenarios(On::Real));
    let on_one = mock
        .symmetric_difference(&real)
        .copied()
        .collect::<Vec<_>>();
    if !on_one.is_empty() {
        return Err(format!(
            "scenarios that passed on one cluster alone: {}",
            on_one.join(", ")
        )
        .into());
    }
    println!(
        "test: {} scenarios passed on mock clusters and on a real one",
        mock.len()
    );
    Ok(())
}

struct Ran {
    took: Duration,
    cluster: String,
    passed: Passed,
}

fn integration_tests(args: &[&str]) -> Result<Ran> {
    let since = Instant::now();
    // Compile before the cluster starts: neither shall slow the other down.
    let class_path = interop::class_path()?;
    shell::run(&mut workspace::cargo([
        "test",
        "--package",
        "integration-tests",
        "--no-run",
    ]))?;

    let mut tests = workspace::cargo(["test", "--package", "integration-tests"]);
    tests.env("FLUSS_INTEROP_CLASS_PATH", class_path);
    tests.arg("--").args(args);
    if let Some(address) = cluster::running_elsewhere()? {
        tests.env(cluster::BOOTSTRAP, &address);
        let passed = run_and_read(&mut tests)?;
        return Ok(Ran {
            took: since.elapsed(),
            cluster: address,
            passed,
        });
    }

    let dir = workspace::root().join(".cluster").join("test");
    let options = Options {
        dir,
        tablets: TABLETS,
        access: Access::SaslAndAcl,
        storage: Storage::Tiered,
        ..Options::default()
    };
    // What an interrupted run left behind.
    cluster::down(&options)?;
    let state = cluster::up(&options).map_err(|error| {
        format!("no cluster, and without one the integration tests cannot run: {error}")
    })?;
    let tested = with_cluster(&mut tests, &options, &state);
    let stopped = cluster::down(&options);
    let passed = tested?;
    stopped?;
    Ok(Ran {
        took: since.elapsed(),
        passed,
        cluster: format!("a cluster of {TABLETS} tablet servers"),
    })
}

fn with_cluster(
    tests: &mut std::process::Command,
    options: &Options,
    state: &State,
) -> Result<Passed> {
    tests.env(cluster::BOOTSTRAP, &state.internal);
    tests.env("FLUSS_SASL_BOOTSTRAP_SERVERS", &state.bootstrap);
    tests.env("FLUSS_CLUSTER_DIR", &options.dir);
    tests.env("FLUSS_XTASK", env::current_exe()?);
    run_and_read(tests)
}

/// Runs test programs and says which tests passed.
fn run_and_read(tests: &mut std::process::Command) -> Result<Passed> {
    let mut passed = Passed::default();
    let succeeded = shell::each_line(tests, |line| {
        println!("{line}");
        passed.read(line);
    })?;
    if succeeded {
        Ok(passed)
    } else {
        Err("integration tests failed".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_said_in_the_last_lines() {
        let text = left_out(&["java", "mvn"], 7);
        assert!(text.contains("7 scenarios on mock clusters"));
        assert!(text.contains("NOT RUN"));
        assert!(text.contains("java and mvn not found"));
    }
}
