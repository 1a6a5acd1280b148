//! What the examples share: a cluster, and a table made anew.

use std::error::Error;

use fluss::client::{FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::metadata::{TableDescriptor, TablePath};
use fluss_mock::{MockCluster, MockClusterBuilder};

/// The result of an example.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The cluster that `--bootstrap HOST:PORT` names, or a mock inside the process if there is no such argument.
pub(crate) struct Cluster {
    pub(crate) bootstrap_server: String,
    /// Ends when it is dropped.
    _mock: Option<MockCluster>,
}

impl Cluster {
    pub(crate) async fn from_arguments() -> Outcome<Self> {
        Self::from_arguments_or(MockCluster::builder()).await
    }

    /// With a mock of the example's own kind.
    pub(crate) async fn from_arguments_or(mock: MockClusterBuilder) -> Outcome<Self> {
        let mut arguments = std::env::args().skip(1);
        match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
            (None, None, None) => {
                let mock = mock.start().await?;
                println!("cluster: a mock inside this process, at {}", mock.bootstrap_servers());
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
