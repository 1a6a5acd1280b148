//! Finds the tablet server's process, so that its CPU time can be told from the client's.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The process of the only tablet server of the cluster whose coordinator listens at `address`.
///
/// Knows clusters on this machine whose servers got a `--configDir`, beside each other, such as those of
/// `cargo xtask cluster`. `None` for all others and for clusters with several tablet servers.
pub(crate) fn tablet_server(address: &str) -> Option<u32> {
    let (_, port) = address.rsplit_once(':')?;
    let servers = servers();
    let coordinator = servers
        .iter()
        .find(|server| server.class == Class::Coordinator && listens(&server.config, port))?;
    let beside = |server: &&Server| {
        server.class == Class::Tablet && server.config.parent() == coordinator.config.parent()
    };
    let mut tablets = servers.iter().filter(beside);
    match (tablets.next(), tablets.next()) {
        (Some(tablet), None) => Some(tablet.process),
        _ => None,
    }
}

#[derive(PartialEq, Eq)]
enum Class {
    Coordinator,
    Tablet,
}

struct Server {
    process: u32,
    class: Class,
    config: PathBuf,
}

fn servers() -> Vec<Server> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| {
            let process = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let line = fs::read_to_string(format!("/proc/{process}/cmdline")).ok()?;
            let words: Vec<&str> = line.split('\0').collect();
            let class = if words
                .iter()
                .any(|word| word.ends_with(".CoordinatorServer"))
            {
                Class::Coordinator
            } else if words.iter().any(|word| word.ends_with(".TabletServer")) {
                Class::Tablet
            } else {
                return None;
            };
            let config = words.windows(2).find(|pair| pair[0] == "--configDir")?[1].into();
            Some(Server {
                process,
                class,
                config,
            })
        })
        .collect()
}

fn listens(config: &Path, port: &str) -> bool {
    let yaml = fs::read_to_string(config.join("server.yaml")).unwrap_or_default();
    yaml.lines()
        .filter(|line| line.starts_with("bind.listeners:"))
        .any(|line| {
            line.split([',', ' '])
                .any(|part| part.rsplit_once(':').is_some_and(|(_, end)| end == port))
        })
}
