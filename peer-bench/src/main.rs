//! Compares this client with others on a real cluster: rates, CPU time, memory and latency.
//!
//! Each turn of a contender is a process of its own, so that memory and CPU time are its alone. See `docs/benchmarks.md`.

mod arguments;
mod contender;
mod harness;
mod scenario;
mod workload;

use std::{env, error::Error, process::ExitCode};

use arguments::{Request, USAGE};
use scenario::Scenario;

/// A failure of the comparison itself; nobody tells them apart.
type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match arguments::parse(env::args().skip(1)).and_then(perform) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(request: Request) -> Result<()> {
    match request {
        Request::Help => println!("{USAGE}"),
        Request::List => Scenario::ALL
            .iter()
            .for_each(|scenario| println!("{scenario}")),
        Request::Child(job) => harness::answer(&job)?,
        Request::Run(arguments) => harness::run(&arguments)?,
    }
    Ok(())
}
