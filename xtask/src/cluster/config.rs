//! The configuration files of the servers, and the directories that they name.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use super::options::{Access, Options, S3_BUCKET, Storage};
use crate::Result;

/// The ports of one coordinator or tablet server.
#[derive(Clone, Copy)]
pub(super) struct Listeners {
    /// Plain text: the servers among themselves, and all clients of a cluster without SASL.
    pub(super) internal: u16,
    /// SASL/PLAIN for clients.
    pub(super) client: Option<u16>,
}

/// Fresh directories for data and logs.
pub(super) fn prepare(dir: &Path) -> Result<()> {
    remove_data(dir)?;
    for part in ["conf", "data", "logs", "remote"] {
        fs::create_dir_all(dir.join(part))?;
    }
    Ok(())
}

/// Deletes what the servers stored; their logs stay until the next start.
pub(super) fn remove_data(dir: &Path) -> Result<()> {
    for part in ["conf", "data", "remote"] {
        match fs::remove_dir_all(dir.join(part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(format!("{}: {error}", dir.join(part).display()).into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes ZooKeeper's configuration and returns its path.
pub(super) fn zookeeper(dir: &Path, port: u16) -> Result<PathBuf> {
    let path = dir.join("conf").join("zookeeper.properties");
    let data = dir.join("data").join("zookeeper");
    fs::write(
        &path,
        format!(
            "dataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n\
             tickTime=1000\n",
            data.display()
        ),
    )?;
    Ok(path)
}

/// Writes the `server.yaml` of the server `name` and returns the directory that it lies in.
pub(super) fn server(
    options: &Options,
    name: &str,
    tablet: Option<u32>,
    zookeeper: u16,
    listeners: Listeners,
) -> Result<PathBuf> {
    let dir = options.dir.join("conf").join(name);
    fs::create_dir_all(&dir)?;
    fs::write(
        dir.join("server.yaml"),
        server_yaml(options, name, tablet, zookeeper, listeners)?,
    )?;
    Ok(dir)
}

fn server_yaml(
    options: &Options,
    name: &str,
    tablet: Option<u32>,
    zookeeper: u16,
    listeners: Listeners,
) -> Result<String> {
    let mut yaml = String::new();
    writeln!(yaml, "zookeeper.address: localhost:{zookeeper}")?;
    writeln!(yaml, "zookeeper.path.root: /fluss")?;
    // Short, so that a killed tablet server is missed soon.
    writeln!(yaml, "zookeeper.client.session-timeout: 6s")?;
    writeln!(yaml, "default.bucket.number: 3")?;
    writeln!(yaml, "default.replication.factor: 1")?;
    writeln!(
        yaml,
        "data.dir: {}",
        options.dir.join("data").join(name).display()
    )?;
    let remote = match &options.storage {
        Storage::S3(_) => format!("s3://{S3_BUCKET}/data"),
        Storage::Hdfs => "hdfs://local/data".to_owned(),
        Storage::Default | Storage::Tiered => options.dir.join("remote").display().to_string(),
    };
    writeln!(yaml, "remote.data.dir: {remote}")?;
    if let Some(id) = tablet {
        writeln!(yaml, "tablet-server.id: {id}")?;
    }

    let internal = listeners.internal;
    if let Some(client) = listeners.client {
        writeln!(
            yaml,
            "bind.listeners: INTERNAL://localhost:{internal}, CLIENT://localhost:{client}"
        )?;
        writeln!(yaml, "internal.listener.name: INTERNAL")?;
        writeln!(
            yaml,
            "security.protocol.map: CLIENT:SASL, INTERNAL:PLAINTEXT"
        )?;
        writeln!(yaml, "security.sasl.enabled.mechanisms: PLAIN")?;
        writeln!(
            yaml,
            "security.sasl.plain.jaas.config: org.apache.fluss.security.auth.sasl.plain.PlainLoginModule required \
             user_admin=\"admin-pass\" user_fluss=\"fluss-pass\";"
        )?;
    } else {
        writeln!(yaml, "bind.listeners: FLUSS://localhost:{internal}")?;
    }
    if options.access == Access::SaslAndAcl {
        writeln!(yaml, "authorizer.enabled: true")?;
        writeln!(yaml, "super.users: User:admin")?;
    }
    if let Storage::S3(endpoint) = &options.storage {
        writeln!(yaml, "s3.endpoint: {endpoint}")?;
        writeln!(yaml, "s3.assumed.role.sts.endpoint: {endpoint}")?;
        writeln!(yaml, "s3.region: us-east-1")?;
        writeln!(yaml, "s3.path.style.access: true")?;
        writeln!(yaml, "s3.access-key: server")?;
        writeln!(yaml, "s3.secret-key: server-secret")?;
    }
    if options.storage == Storage::Hdfs {
        let directory = options.dir.join("remote");
        writeln!(
            yaml,
            "fluss.hadoop.fs.hdfs.impl: org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"
        )?;
        writeln!(
            yaml,
            "fluss.hadoop.fs.viewfs.mounttable.local.link./data: file://{}",
            directory.display()
        )?;
    }
    if options.storage != Storage::Default {
        writeln!(yaml, "log.segment.file-size: 64kb")?;
        writeln!(yaml, "remote.log.task-interval-duration: 1s")?;
        writeln!(yaml, "kv.snapshot.interval: 2s")?;
    }
    Ok(yaml)
}
