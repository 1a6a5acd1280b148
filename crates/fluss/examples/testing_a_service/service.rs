//! The service under test: it stores orders in a log table.

use std::time::{Duration, Instant};

use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::error::Result;
use fluss::metadata::{DataTypes, Schema, TableDescriptor, TablePath};
use fluss::row::GenericRow;
use fluss_mock::MockCluster;

/// Maximum time for reading.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stores orders.
pub(crate) struct Orders {
    connection: FlussConnection,
    table: FlussTable,
}

impl Orders {
    /// Opens the table of orders, and creates it if it does not exist.
    pub(crate) async fn open(config: Config) -> Result<Self> {
        let connection = FlussConnection::new(config).await?;
        let admin = connection.get_admin().await?;
        let schema = Schema::builder()
            .column("number", DataTypes::bigint())
            .build()?;
        let descriptor = TableDescriptor::builder()
            .schema(schema)
            .bucket_count(1)
            .build()?;
        admin.create_table(&Self::path(), &descriptor, true).await?;
        let table = connection.get_table(&Self::path()).await?;
        Ok(Self { connection, table })
    }

    /// The table.
    pub(crate) fn path() -> TablePath {
        TablePath::new("fluss", "orders")
    }

    /// Returns when the order is safe.
    pub(crate) async fn keep(&self, number: i64) -> Result<()> {
        let writer = self.table.new_append()?.create_writer()?;
        let mut row = GenericRow::new(1);
        row.set_field(0, number);
        writer.append(&row)?.await?;
        Ok(())
    }

    /// Returns the first orders, in the order in which they were placed.
    pub(crate) async fn first(&self, count: usize) -> Result<Vec<i64>> {
        let scanner = self.table.new_scan().create_log_scanner()?;
        scanner.subscribe(0, EARLIEST_OFFSET).await?;
        let started = Instant::now();
        let mut numbers = Vec::new();
        while numbers.len() < count && started.elapsed() < PATIENCE {
            let records = scanner.poll(Duration::from_millis(200)).await?;
            numbers.extend(records.into_iter().map(|record| record.row().get_long(0)));
        }
        Ok(numbers)
    }

    /// Shuts down the service.
    pub(crate) async fn close(self) -> Result<()> {
        self.connection.close(PATIENCE).await
    }
}

/// The default configuration for a cluster.
pub(crate) fn config(cluster: &MockCluster) -> Config {
    Config {
        bootstrap_server: cluster.bootstrap_servers(),
        ..Config::default()
    }
}
