//! The command line.

use std::env;

use crate::{
    Result,
    contender::{Compression, Name},
    scenario::Scenario,
};

/// Variable that names the cluster; `cargo xtask bench` sets it.
const BOOTSTRAP: &str = "FLUSS_BOOTSTRAP_SERVERS";

pub(crate) const USAGE: &str = concat!(
    "usage: peer-bench [OPTIONS]\n\n",
    include_str!("../usage.txt"),
    "\nFLUSS_BOOTSTRAP_SERVERS names the cluster.",
);

/// What to do.
#[derive(Debug)]
pub(crate) enum Request {
    Help,
    List,
    /// A job in a process of its own.
    Child(String),
    Run(Arguments),
}

/// What to run.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) address: String,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) compressions: Vec<Compression>,
    pub(crate) contenders: Vec<Name>,
    pub(crate) rounds: u32,
    pub(crate) rows: u64,
    pub(crate) seconds: f64,
    pub(crate) buckets: i32,
    pub(crate) instructions: bool,
    pub(crate) json: bool,
}

pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Request> {
    let mut words = words;
    let mut arguments = Arguments {
        address: env::var(BOOTSTRAP).unwrap_or_default(),
        scenarios: Vec::new(),
        compressions: Vec::new(),
        contenders: Vec::new(),
        rounds: 3,
        rows: 2_000_000,
        seconds: 3.0,
        buckets: 512,
        instructions: false,
        json: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--child" => return Ok(Request::Child(value()?)),
            "--help" | "-h" => return Ok(Request::Help),
            "--list" => return Ok(Request::List),
            "--scenario" => {
                let name = value()?;
                let scenarios = Scenario::named(&name);
                if scenarios.is_empty() {
                    return Err(unknown(&name, &Scenario::ALL, Scenario::as_str).into());
                }
                arguments.scenarios.extend(scenarios);
            }
            "--compression" => arguments.compressions.push(named(
                &Compression::ALL,
                Compression::as_str,
                &value()?,
            )?),
            "--contender" => arguments
                .contenders
                .push(named(&Name::ALL, Name::as_str, &value()?)?),
            "--rounds" => arguments.rounds = value()?.parse()?,
            "--rows" => arguments.rows = value()?.parse()?,
            "--buckets" => arguments.buckets = value()?.parse()?,
            "--seconds" => arguments.seconds = value()?.parse()?,
            "--quick" => (arguments.rounds, arguments.rows, arguments.seconds) = (1, 200_000, 1.0),
            "--instructions" => arguments.instructions = true,
            "--json" => arguments.json = true,
            _ => return Err(format!("unknown argument {word}\n\n{USAGE}").into()),
        }
    }
    if arguments.scenarios.is_empty() {
        arguments.scenarios = Scenario::ALL.to_vec();
    }
    if arguments.compressions.is_empty() {
        arguments.compressions = Compression::ALL.to_vec();
    }
    if arguments.contenders.is_empty() {
        arguments.contenders = Name::ALL.to_vec();
    }
    if arguments.address.is_empty() {
        return Err(format!(
            "{BOOTSTRAP} is not set; `cargo xtask bench` starts a cluster and sets it"
        )
        .into());
    }
    if arguments.rounds == 0
        || arguments.rows < 20_000
        || !(0.1..=60.0).contains(&arguments.seconds)
        || !(16..=16_384).contains(&arguments.buckets)
    {
        return Err("at least 1 round, 20000 rows, 0.1 to 60 seconds, 16 to 16384 buckets".into());
    }
    Ok(Request::Run(arguments))
}

fn named<T: Copy>(all: &[T], name_of: fn(T) -> &'static str, name: &str) -> Result<T> {
    let found = all.iter().copied().find(|item| name_of(*item) == name);
    found.ok_or_else(|| unknown(name, all, name_of).into())
}

fn unknown<T: Copy>(name: &str, all: &[T], name_of: fn(T) -> &'static str) -> String {
    let names: Vec<_> = all.iter().map(|item| name_of(*item)).collect();
    format!("{name:?} is none of {}", names.join(", "))
}
