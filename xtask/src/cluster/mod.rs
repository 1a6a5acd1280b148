//! `cargo xtask cluster`: a real Fluss cluster on this machine, from the published jars.
//!
//! ZooKeeper, one coordinator and N tablet servers run as detached processes on ports of their own, with all their
//! files below one directory, so several clusters can run beside each other. A state file there remembers what was
//! started: `down` stops exactly that.

mod config;
mod jars;
mod launch;
mod options;
mod ports;
mod probe;
mod process;
mod state;

use std::{env, time::Duration};

pub(crate) use self::jars::copy as copy_jars;
pub(crate) use self::options::{Access, Options, Storage};
pub(crate) use self::state::State;
use crate::Result;

/// Names a cluster that already runs; then none is started.
pub(crate) const BOOTSTRAP: &str = "FLUSS_BOOTSTRAP_SERVERS";

/// How long a cluster may take from its first process to its first table. It takes 15 to 20 seconds on an idle machine.
const READY_WITHIN: Duration = Duration::from_secs(240);

/// Name of the coordinator in the state file.
const COORDINATOR: &str = "coordinator";

pub(crate) const USAGE: &str = "\
usage: cargo xtask cluster COMMAND [OPTIONS]

  up              start a cluster, wait until tables can be created, print its bootstrap address
  status          print what runs; fails unless all of it does
  down            stop what `up` started and delete its data
  kill-tablet N   kill tablet server N at once, as a crash does
  stop-tablet N   stop tablet server N in good order
  start-tablet N  start tablet server N again, with its data and its port
  kill-coordinator, start-coordinator
                  the same for the coordinator

  --dir D         directory of this cluster (default .cluster)
  --tablets N     tablet servers (default 1)
  --sasl          the printed address asks for SASL/PLAIN: admin/admin-pass or fluss/fluss-pass
  --acl           with access control; admin is the super user (implies --sasl)
  --tiered        small log segments that move to remote storage within seconds, frequent snapshots
  --s3 ENDPOINT   as --tiered, into the bucket fluss of a store with the protocols of S3 and STS there, as user server
  --hdfs          as --tiered, under names of the scheme hdfs for a directory here, which this client does not read
  --heap SIZE     heap of each tablet server (default 512m)

FLUSS_BOOTSTRAP_SERVERS names a running cluster to be used instead; FLUSS_HOME a binary distribution whose jars are
run; FLUSS_VERSION another version than the default to get from Maven.
";

/// Runs the command that `words` spell.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let (words, options) = options::parse(words)?;
    match words.as_slice() {
        ["up"] => {
            let address = match running_elsewhere()? {
                Some(address) => address,
                None => up(&options)?.bootstrap,
            };
            println!("{address}");
            Ok(())
        }
        ["status"] => status(&options),
        ["down"] => down(&options),
        ["kill-tablet", id] => end(&options, &tablet_name(id)?, process::How::Crash),
        ["stop-tablet", id] => end(&options, &tablet_name(id)?, process::How::Asked),
        ["start-tablet", id] => start(&options, &tablet_name(id)?),
        ["kill-coordinator"] => end(&options, COORDINATOR, process::How::Crash),
        ["start-coordinator"] => start(&options, COORDINATOR),
        other => Err(format!("no such command: {}\n\n{USAGE}", other.join(" ")).into()),
    }
}

/// The bootstrap address in the environment, after a look whether a Fluss server answers there.
pub(crate) fn running_elsewhere() -> Result<Option<String>> {
    let Some(addresses) = env::var(BOOTSTRAP)
        .ok()
        .filter(|text| !text.trim().is_empty())
    else {
        return Ok(None);
    };
    let mut last = String::new();
    for address in addresses.split(',').map(str::trim) {
        match probe::server_answers(address) {
            Ok(()) => return Ok(Some(addresses)),
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(format!("{BOOTSTRAP} names a cluster that does not answer ({last})").into())
}

/// The programs that the integration tests need and that are not on this machine: Maven and the compiler for the programs of the
/// Java client, Java for the cluster unless a running one is named.
pub(crate) fn missing_tools() -> Vec<&'static str> {
    let named = |variable| env::var(variable).is_ok_and(|text| !text.trim().is_empty());
    let mut tools = vec!["javac", "mvn"];
    if !named(BOOTSTRAP) && !named("JAVA_HOME") {
        tools.insert(0, "java");
    }
    tools.retain(|tool| !is_on_path(tool));
    tools
}

fn is_on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// Starts a cluster, or finds that one with the same options runs there already.
pub(crate) fn up(options: &Options) -> Result<State> {
    if let Some(state) = State::load(&options.dir)? {
        let alive = state
            .servers
            .iter()
            .filter(|server| server.is_running())
            .count();
        if alive == state.servers.len() && state.options == *options {
            eprintln!("already running in {}", options.dir.display());
            return Ok(state);
        }
        if alive > 0 {
            return Err(format!(
                "{} has a cluster with other options or with servers missing ({alive} of {} run); \
                 `cargo xtask cluster down` ends it",
                options.dir.display(),
                state.servers.len()
            )
            .into());
        }
    }
    let class_path = jars::server_class_path(&options.storage)?;
    // Between choosing a free port and listening on it, somebody else may take it: then all starts again elsewhere.
    let mut attempts = 0;
    loop {
        attempts += 1;
        match launch::launch(options, &class_path, READY_WITHIN) {
            Ok(state) => return Ok(state),
            Err(failure) => {
                if let Some(state) = State::load(&options.dir)? {
                    state.stop_all()?;
                    State::remove(&options.dir)?;
                }
                if !failure.port_taken || attempts == 3 {
                    return Err(failure.text.into());
                }
                eprintln!("a port was taken by somebody else, trying others");
            }
        }
    }
}

/// Stops the cluster in the options' directory and deletes its data; its logs stay.
pub(crate) fn down(options: &Options) -> Result<()> {
    let Some(state) = State::load(&options.dir)? else {
        eprintln!("no cluster in {}", options.dir.display());
        return Ok(());
    };
    state.stop_all()?;
    State::remove(&options.dir)?;
    config::remove_data(&options.dir)?;
    eprintln!("stopped {}", options.dir.display());
    Ok(())
}

fn status(options: &Options) -> Result<()> {
    let Some(state) = State::load(&options.dir)? else {
        return Err(format!("no cluster in {}", options.dir.display()).into());
    };
    let mut missing = 0;
    for server in &state.servers {
        let running = server.is_running();
        missing += usize::from(!running);
        println!(
            "{:<12} pid {:<8} {}",
            server.name,
            server.pid,
            if running { "running" } else { "not running" }
        );
    }
    println!("bootstrap    {}", state.bootstrap);
    println!("plaintext    {}", state.internal);
    println!("directory    {}", options.dir.display());
    if missing == 0 {
        Ok(())
    } else {
        Err(format!("{missing} servers do not run").into())
    }
}

fn end(options: &Options, name: &str, how: process::How) -> Result<()> {
    let state = State::load(&options.dir)?.ok_or("no cluster there")?;
    state.server(name)?.end(how)
}

fn start(options: &Options, name: &str) -> Result<()> {
    let mut state = State::load(&options.dir)?.ok_or("no cluster there")?;
    let server = state.server(name)?;
    if server.is_running() {
        return Err(format!("{} is running", server.name).into());
    }
    let restarted =
        process::Server::start(&server.name, &server.command, &server.log, server.port)?;
    let address = format!("localhost:{}", restarted.port);
    state.put(restarted);
    state.save(&options.dir)?;
    // A server knows of others only from the coordinator, so that what it says of them tells that it has been let in.
    // After a crash that takes until ZooKeeper has given up its former self.
    probe::wait_for_servers(&address, state.running_tablets(), READY_WITHIN)
}

fn tablet_name(id: &str) -> Result<String> {
    let id = id
        .parse::<u32>()
        .map_err(|_| format!("`{id}` is not the number of a tablet server"))?;
    Ok(format!("tablet-{id}"))
}
