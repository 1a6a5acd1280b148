//! Shared by the examples: a cluster, and a new table.

use std::error::Error;

use fluss::client::{FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::metadata::{TableDescriptor, TablePath};
use fluss_mock::{MockCluster, MockClusterBuilder};

/// The result of an example.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The cluster at `--bootstrap HOST:PORT`, or an in-process mock without that argument.
pub(crate) struct Cluster {
    pub(crate) bootstrap_server: String,
    /// Shut down when it is dropped.
    _mock: Option<MockCluster>,
}

impl Cluster {
    pub(crate) async fn from_arguments() -> Outcome<Self> {
        Self::from_arguments_or(MockCluster::builder()).await
    }

    /// With a mock that the example configures.
    pub(crate) async fn from_arguments_or(mock: MockClusterBuilder) -> Outcome<Self> {
        let mut arguments = std::env::args().skip(1);
        match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
            (None, None, None) => {
                let mock = mock.start().await?;
                println!("cluster: in-process mock at {}", mock.bootstrap_servers());
                Ok(Self { bootstrap_server: mock.bootstrap_servers(), _mock: Some(mock) })
            }
            (Some("--bootstrap"), Some(address), None) => {
                println!("cluster: {address}");
                Ok(Self { bootstrap_server: address, _mock: None })
            }
            _ => Err("usage: [--bootstrap HOST:PORT] (`cargo xtask cluster up` starts a cluster and prints its address)".into()),
        }
    }

    pub(crate) async fn connect(&self) -> Outcome<FlussConnection> {
        let config = Config {
            bootstrap_server: self.bootstrap_server.clone(),
            ..Config::default()
        };
        Ok(FlussConnection::new(config).await?)
    }
}

/// Re-creates the table, so that the example only reads what it wrote.
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
