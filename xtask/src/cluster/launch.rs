//! Starting all servers of a cluster, in order, and waiting until it works.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use super::{
    config::{self, Listeners},
    options::{Access, Options},
    ports::Ports,
    probe,
    process::Server,
    state::State,
};
use crate::Result;

const ZOOKEEPER: &str =
    "org.apache.fluss.shaded.zookeeper3.org.apache.zookeeper.server.quorum.QuorumPeerMain";
const COORDINATOR: &str = "org.apache.fluss.server.coordinator.CoordinatorServer";
const TABLET_SERVER: &str = "org.apache.fluss.server.tablet.TabletServer";

/// Why no cluster came up.
pub(super) struct Failure {
    pub(super) text: String,
    /// Other ports may work.
    pub(super) port_taken: bool,
}

/// Starts it. On failure the state file tells what is left running.
pub(super) fn launch(
    options: &Options,
    class_path: &str,
    within: Duration,
) -> Result<State, Failure> {
    let since = Instant::now();
    let result = start_servers(options, class_path, since + within);
    result.map_err(|error| explain(&options.dir, &error.to_string()))
}

fn start_servers(options: &Options, class_path: &str, deadline: Instant) -> Result<State> {
    config::prepare(&options.dir)?;
    let logs = options.dir.join("logs");
    for old in fs::read_dir(&logs)? {
        fs::remove_file(old?.path())?;
    }

    let mut ports = Ports::new();
    let zookeeper_port = ports.take()?;
    let mut listeners = || -> Result<Listeners> {
        let client = (options.access != Access::Plaintext)
            .then(|| ports.take())
            .transpose()?;
        Ok(Listeners {
            internal: ports.take()?,
            client,
        })
    };
    let coordinator = listeners()?;
    let mut state = State {
        options: options.clone(),
        bootstrap: format!(
            "localhost:{}",
            coordinator.client.unwrap_or(coordinator.internal)
        ),
        internal: format!("localhost:{}", coordinator.internal),
        servers: Vec::new(),
    };
    let mut start = |name: &str, port: u16, command: Vec<String>| -> Result<()> {
        let log = logs.join(format!("{name}.log"));
        state.put(Server::start(name, &command, &log, port)?);
        state.save(&options.dir)
    };

    let file = config::zookeeper(&options.dir, zookeeper_port)?;
    let command = java(class_path, "128m", ZOOKEEPER, [file.display().to_string()]);
    start("zookeeper", zookeeper_port, command)?;
    wait_for_port(zookeeper_port, deadline)?;

    let server_args = |dir: PathBuf| ["--configDir".to_owned(), dir.display().to_string()];
    let dir = config::server(options, "coordinator", None, zookeeper_port, coordinator)?;
    let command = java(class_path, "384m", COORDINATOR, server_args(dir));
    start("coordinator", coordinator.internal, command)?;
    for id in 0..options.tablets {
        let name = format!("tablet-{id}");
        let tablet = listeners()?;
        let dir = config::server(options, &name, Some(id), zookeeper_port, tablet)?;
        let command = java(class_path, &options.heap, TABLET_SERVER, server_args(dir));
        start(&name, tablet.internal, command)?;
    }

    eprintln!(
        "waiting for {} tablet servers, logs in {}",
        options.tablets,
        logs.display()
    );
    wait_until_usable(&state, deadline)?;
    Ok(state)
}

/// The command of one JVM.
fn java<const N: usize>(
    class_path: &str,
    heap: &str,
    main: &str,
    args: [String; N],
) -> Vec<String> {
    let java = std::env::var("JAVA_HOME")
        .map_or_else(|_| "java".to_owned(), |home| format!("{home}/bin/java"));
    let flags = [
        format!("-Xmx{heap}"),
        "-XX:+UseG1GC".to_owned(),
        // Arrow reaches into direct buffers.
        "--add-opens=java.base/java.nio=ALL-UNNAMED".to_owned(),
        "-Dorg.slf4j.simpleLogger.showDateTime=true".to_owned(),
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS".to_owned(),
        "-Dorg.slf4j.simpleLogger.showShortLogName=true".to_owned(),
        "-cp".to_owned(),
        class_path.to_owned(),
        main.to_owned(),
    ];
    [java].into_iter().chain(flags).chain(args).collect()
}

fn wait_for_port(port: u16, deadline: Instant) -> Result<()> {
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            return Err(format!("nobody listens on port {port}").into());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Until a table can be created and all of its buckets have leaders; a server that ends meanwhile is a failure.
fn wait_until_usable(state: &State, deadline: Instant) -> Result<()> {
    loop {
        let problem = match probe::table_can_be_created(state) {
            Ok(()) => return Ok(()),
            Err(problem) => problem,
        };
        if let Some(gone) = state.servers.iter().find(|server| !server.is_running()) {
            return Err(format!("{} ended while the cluster started", gone.name).into());
        }
        if Instant::now() > deadline {
            return Err(format!("the cluster does not get ready: {problem}").into());
        }
        thread::sleep(Duration::from_millis(300));
    }
}

/// The error with the ends of the logs.
fn explain(dir: &Path, error: &str) -> Failure {
    let mut text = error.to_owned();
    let mut port_taken = false;
    let logs = dir.join("logs");
    for entry in fs::read_dir(&logs).into_iter().flatten().flatten() {
        let log = fs::read_to_string(entry.path()).unwrap_or_default();
        port_taken |= log.contains("Address already in use") || log.contains("BindException");
        let lines = log.lines().collect::<Vec<_>>();
        let end = lines
            .get(lines.len().saturating_sub(8)..)
            .unwrap_or_default();
        text = format!(
            "{text}\n--- end of {}\n{}",
            entry.path().display(),
            end.join("\n")
        );
    }
    Failure { text, port_taken }
}
