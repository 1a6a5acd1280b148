//! The state file of a cluster: what runs, how to reach it, how to start it again.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{
    options::{Access, Options, Storage},
    process::{How, Server},
};
use crate::Result;

const FILE: &str = "state.json";

/// What `up` started.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) options: Options,
    /// Where clients connect to.
    pub(crate) bootstrap: String,
    /// The coordinator's address without authentication.
    pub(crate) internal: String,
    /// In the order of their start.
    pub(crate) servers: Vec<Server>,
}

impl State {
    pub(super) fn load(dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: {error}", path.display()).into()),
        };
        let value = serde_json::from_str(&text)?;
        let state =
            from_json(dir, &value).ok_or_else(|| format!("{} is damaged", path.display()))?;
        Ok(Some(state))
    }

    /// Replaces the file at once, never leaving half of one.
    pub(super) fn save(&self, dir: &Path) -> Result<()> {
        let incoming = dir.join("state.json.incoming");
        fs::write(&incoming, serde_json::to_string_pretty(&self.to_json())?)?;
        fs::rename(&incoming, dir.join(FILE))?;
        Ok(())
    }

    pub(super) fn remove(dir: &Path) -> Result<()> {
        match fs::remove_file(dir.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The server of that name.
    pub(super) fn server(&self, name: &str) -> Result<&Server> {
        let found = self.servers.iter().find(|server| server.name == name);
        found.ok_or_else(|| format!("this cluster has no {name}").into())
    }

    /// Adds the server, in the place of one with its name if there is one.
    pub(super) fn put(&mut self, server: Server) {
        match self
            .servers
            .iter_mut()
            .find(|other| other.name == server.name)
        {
            Some(other) => *other = server,
            None => self.servers.push(server),
        }
    }

    pub(super) fn running_tablets(&self) -> usize {
        self.servers
            .iter()
            .filter(|server| server.name.starts_with("tablet-") && server.is_running())
            .count()
    }

    /// Stops all servers, those first that depend on others. They hold nothing that is kept, so none is asked kindly.
    pub(super) fn stop_all(&self) -> Result<()> {
        self.servers
            .iter()
            .rev()
            .try_for_each(|server| server.end(How::Crash))
    }

    fn to_json(&self) -> Value {
        let servers = self.servers.iter().map(|server| {
            json!({
                "name": server.name,
                "pid": server.pid,
                "started": server.started,
                "port": server.port,
                "command": server.command,
                "log": server.log,
            })
        });
        json!({
            "bootstrap": self.bootstrap,
            "internal": self.internal,
            "tablets": self.options.tablets,
            "access": match self.options.access {
                Access::Plaintext => "plaintext",
                Access::Sasl => "sasl",
                Access::SaslAndAcl => "sasl+acl",
            },
            "storage": match &self.options.storage {
                Storage::Default => "default",
                Storage::Tiered => "tiered",
                Storage::Hdfs => "hdfs",
                Storage::S3(endpoint) => endpoint,
            },
            "heap": self.options.heap,
            "servers": servers.collect::<Vec<_>>(),
        })
    }
}

fn from_json(dir: &Path, value: &Value) -> Option<State> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(State {
        options: Options {
            dir: dir.to_owned(),
            tablets: u32::try_from(value.get("tablets")?.as_u64()?).ok()?,
            access: match text("access")?.as_str() {
                "plaintext" => Access::Plaintext,
                "sasl" => Access::Sasl,
                "sasl+acl" => Access::SaslAndAcl,
                _ => return None,
            },
            storage: match text("storage")?.as_str() {
                "default" => Storage::Default,
                "tiered" => Storage::Tiered,
                "hdfs" => Storage::Hdfs,
                endpoint => Storage::S3(endpoint.to_owned()),
            },
            heap: text("heap")?,
        },
        bootstrap: text("bootstrap")?,
        internal: text("internal")?,
        servers: value
            .get("servers")?
            .as_array()?
            .iter()
            .map(server_from_json)
            .collect::<Option<_>>()?,
    })
}

fn server_from_json(value: &Value) -> Option<Server> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let command = value.get("command")?.as_array()?.iter();
    Some(Server {
        name: text("name")?,
        pid: u32::try_from(value.get("pid")?.as_u64()?).ok()?,
        started: text("started")?,
        port: u16::try_from(value.get("port")?.as_u64()?).ok()?,
        command: command
            .map(|word| word.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        log: PathBuf::from(text("log")?),
    })
}
