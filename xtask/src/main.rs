//! Build tool of the workspace: `cargo xtask VERB`.
//!
//! One verb, one module. It depends on none of the workspace's crates, so that it compiles while they don't, which is
//! when `codegen` and `tidy` are needed most.

mod api;
mod bench;
mod book;
mod ci;
mod cluster;
mod codegen;
mod compatibility;
mod deny;
mod deps;
mod examples;
mod features;
mod fuzz;
mod interop;
mod links;
mod msrv;
mod release;
mod shell;
mod sim;
mod spelling;
mod test;
mod tidy;
mod tools;
mod vectors;
mod workspace;

use std::{env, error::Error, process::ExitCode};

/// What every step returns: its failure is printed once, in `main`.
type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const USAGE: &str = "\
usage: cargo xtask VERB [OPTIONS]

  ci                     every check of the project, with the time each one took
  test [--real]          unit and documentation tests, examples, scenarios on mock clusters, then the integration tests
                         on a real cluster. Without Java and Maven the last part is left out, and the last lines say so;
                         with `--real` or CI=true that is a failure
  test --mock            the scenarios on mock clusters alone
  test --integration [FILTER]
                         the integration tests alone
  test --compatibility   the integration tests, and what they show into the page
  cluster up|status|down|kill-tablet N|start-tablet N
                         a real Fluss cluster on this machine (`cluster help` lists the options)
  codegen [--check]      message types of fluss-wire from proto/fluss.proto
  tidy                   the rules of the house that no compiler checks
  circles CRATE          the files of a crate that import each other in a circle, and what they import
  vectors                golden data: every case of every file must have run
  deny                   licenses, sources and advisories of the dependencies (needs cargo-deny)
  api [--write]          the public items of the crates, compared with the lists in public-api/, or written there
  features               every crate without features, and with each of them alone
  fuzz [SECONDS]         every fuzz body for some seconds with mutations of golden data
  links                  links between the Markdown files
  msrv                   the crates on the oldest Rust that the manifest declares
  spelling               spelling of code and text (installs typos below target/)
  book                   the guide as a book with search, in target/book/html (installs mdBook below target/)
  deps                   number of crates a user of fluss-rs builds
  examples               every example to its end, on a mock cluster
  bench [codec] [ARGS]   comparison with other clients on a real cluster; `codec`: instruction counts
  sim --seeds N | --seed S
                         the client under random faults on the mock cluster: more seeds than a test run has, or one again
  release --dry-run      publish order, versions, changelog, and packages, each built from what it would publish
";

fn main() -> ExitCode {
    let args = env::args().skip(1).collect::<Vec<_>>();
    let words = args.iter().map(String::as_str).collect::<Vec<_>>();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    if let Some(usage) = usage_of(words) {
        print!("{usage}");
        return Ok(());
    }
    match words {
        ["api"] => api::run(false),
        ["api", "--write"] => api::run(true),
        ["bench", rest @ ..] => bench::run(rest),
        ["book"] => book::run(),
        ["ci"] => ci::run(),
        ["cluster", rest @ ..] => cluster::run(rest),
        ["circles", name] => tidy::circles(name),
        ["codegen"] => codegen::run(false),
        ["codegen", "--check"] => codegen::run(true),
        ["deny"] => deny::run(),
        ["deps"] => deps::run(),
        ["examples"] => examples::run(),
        ["features"] => features::run(),
        ["fuzz"] => fuzz::smoke(),
        ["fuzz", seconds] => fuzz::run(seconds),
        ["links"] => links::run(),
        ["msrv"] => msrv::run(),
        ["spelling"] => spelling::run(),
        ["release", "--dry-run"] => release::dry_run(),
        ["sim", rest @ ..] => sim::run(rest),
        ["test"] => test::run(test::Demand::from_environment()),
        ["test", "--real"] => test::run(test::Demand::Required),
        ["test", "--compatibility"] => test::write_compatibility(),
        ["test", "--mock"] => test::scenarios_on_the_mock().map(drop),
        ["test", "--integration", rest @ ..] => test::run_integration(rest),
        ["tidy"] => tidy::run(),
        ["vectors"] => vectors::run(),
        other => Err(format!("cannot run `{}`\n\n{USAGE}", other.join(" ")).into()),
    }
}

/// What to print instead of doing anything: nothing is built or started for a word that asks for help, wherever it stands.
fn usage_of(words: &[&str]) -> Option<&'static str> {
    let asks = words
        .iter()
        .any(|word| matches!(*word, "help" | "--help" | "-h"));
    match words {
        [] => Some(USAGE),
        ["cluster"] => Some(cluster::USAGE),
        _ if !asks => None,
        ["cluster", ..] => Some(cluster::USAGE),
        ["bench", "codec", ..] => Some(bench::CODEC_USAGE),
        ["bench", ..] => Some(bench::USAGE),
        _ => Some(USAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_word_for_help_prints_and_does_nothing_else() {
        for words in [
            &["help"][..],
            &["--help"],
            &["bench", "--help"],
            &["bench", "--scenario", "ack", "-h"],
            &["bench", "codec", "--help"],
            &["cluster", "up", "--help"],
            &["test", "--integration", "--help"],
            &["ci", "-h"],
            &["release", "--dry-run", "--help"],
            &[],
            &["cluster"],
        ] {
            let usage = usage_of(words).unwrap_or_else(|| panic!("{words:?} would run"));
            assert!(usage.starts_with("usage: cargo xtask"), "{words:?}");
        }
        assert!(usage_of(&["ci"]).is_none());
        assert!(usage_of(&["cluster", "up"]).is_none());
    }
}
