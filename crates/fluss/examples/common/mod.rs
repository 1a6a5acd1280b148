//! What the examples of reading and writing share: the cluster's address, and a table made anew.

use std::error::Error;

use fluss::client::{FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::metadata::{TableDescriptor, TablePath};

/// The result of an example.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Connects to the cluster that `--bootstrap HOST:PORT` names.
pub(crate) async fn connect() -> Outcome<FlussConnection> {
    let mut arguments = std::env::args().skip(1);
    let mut config = Config::default();
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some("--bootstrap"), Some(address), None) => config.bootstrap_server = address,
        _ => return Err("usage: --bootstrap HOST:PORT (`cargo xtask cluster up` starts a cluster and prints its address)".into()),
    }
    Ok(FlussConnection::new(config).await?)
}

/// Makes the table anew, so that the example reads what it wrote and nothing else.
pub(crate) async fn fresh_table(
    connection: &FlussConnection,
    name: &str,
    descriptor: &TableDescriptor,
) -> Outcome<FlussTable> {
    let admin = connection.get_admin().await?;
    admin.create_database("examples", None, true).await?;
    let path = TablePath::new("examples", name);
    admin.drop_table(&path, true).await?;
    admin.create_table(&path, descriptor, false).await?;
    Ok(connection.get_table(&path).await?)
}
