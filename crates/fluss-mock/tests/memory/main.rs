//! What the client keeps in the long run, counted in bytes: all of it on one thread, in paused time.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "test code")]

mod buckets;
mod given_up;
mod partitions;

use fluss::client::{FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::metadata::{SchemaBuilder, TableDescriptor, TableDescriptorBuilder, TablePath};
use fluss_mock::MockCluster;
use tokio::runtime::Runtime;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

async fn connect(cluster: &MockCluster) -> FlussConnection {
    fluss::mock::connect(cluster, Config::default())
        .await
        .unwrap()
}

/// Makes a table and opens it.
async fn table(
    connection: &FlussConnection,
    schema: SchemaBuilder,
    shape: impl FnOnce(TableDescriptorBuilder) -> TableDescriptorBuilder,
) -> FlussTable {
    let path = TablePath::new("fluss", "counted");
    let builder = TableDescriptor::builder().schema(schema.build().unwrap());
    let descriptor = shape(builder).build().unwrap();
    let admin = connection.get_admin().await.unwrap();
    admin.create_table(&path, &descriptor, false).await.unwrap();
    connection.get_table(&path).await.unwrap()
}
