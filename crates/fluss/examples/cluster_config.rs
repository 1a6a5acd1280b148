//! Reads the configuration of a cluster, changes an entry, and resets it: `cargo run --example cluster_config`.

#[allow(dead_code, reason = "this example makes no table")]
mod common;

use common::{Cluster, Outcome};
use fluss::client::FlussAdmin;
use fluss::metadata::AlterConfig;

/// One of the entries that can be changed while servers run.
const ENTRY: &str = "kv.rocksdb.shared-rate-limiter.bytes-per-sec";

async fn show(admin: &FlussAdmin) -> Outcome {
    let configs = admin.describe_cluster_configs().await?;
    match configs.iter().find(|entry| entry.key() == ENTRY) {
        Some(entry) => println!("{ENTRY} = {:?}, from {:?}", entry.value(), entry.source()),
        None => println!("{ENTRY} has its default; {} others are set", configs.len()),
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome {
    let cluster = Cluster::from_arguments().await?;
    let admin = cluster.connect().await?.get_admin().await?;
    show(&admin).await?;
    admin
        .alter_cluster_configs(&[AlterConfig::set(ENTRY, "10gb")])
        .await?;
    show(&admin).await?;
    admin
        .alter_cluster_configs(&[AlterConfig::delete(ENTRY)])
        .await?;
    show(&admin).await
}
