//! A cluster in memory with a table of each kind, and a connection to it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fluss::client::{Dialer, FlussAdmin, FlussConnection, FlussTable, Transport};
use fluss::config::{Config, DriverPlacement};
use fluss::metadata::{DataTypes, Schema, SchemaBuilder, TableDescriptor, TablePath};
use fluss::row::GenericRow;
use fluss_mock::{MockCluster, MockClusterBuilder, Network, Release};

pub(crate) const DATABASE: &str = "robust";

/// Everything a call needs.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) cluster: Arc<MockCluster>,
    pub(crate) config: Config,
    pub(crate) connection: FlussConnection,
    pub(crate) admin: FlussAdmin,
    /// A log table of two buckets with ten rows in each.
    pub(crate) log: FlussTable,
    /// A primary-key table of two buckets, by `tenant` and `id`, with bucket key `tenant`.
    pub(crate) keyed: FlussTable,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with_servers(1).await
    }

    /// With a server of release 1.0.
    pub(crate) async fn newer() -> Self {
        Self::on(MockCluster::builder().release(Release::V1_0), 1).await
    }

    /// With so many tablet servers, each of which has a replica of every bucket.
    pub(crate) async fn with_servers(count: u16) -> Self {
        Self::on(MockCluster::builder().tablet_servers(count), count).await
    }

    /// On a cluster as the builder makes it, in memory; tables have so many replicas.
    pub(crate) async fn on(builder: MockClusterBuilder, replicas: u16) -> Self {
        Self::configured(builder, replicas, |_| ()).await
    }

    /// For tests in real time: calls have as long as a busy machine may need.
    pub(crate) async fn in_real_time(builder: MockClusterBuilder, replicas: u16) -> Self {
        Self::configured(builder, replicas, |config| {
            config.connect_timeout = Duration::from_secs(60);
            config.request_timeout = Duration::from_secs(60);
            config.call_timeout = Duration::from_secs(300);
            config.writer_delivery_timeout = Duration::from_secs(300);
            config.writer_buffer_wait_timeout = Duration::from_secs(300);
        })
        .await
    }

    pub(crate) async fn configured(
        builder: MockClusterBuilder,
        replicas: u16,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let cluster = builder.in_memory().start().await.unwrap();
        let mut config = Config {
            driver_placement: DriverPlacement::CallerRuntime,
            bootstrap_server: cluster.bootstrap_servers(),
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(8),
            writer_delivery_timeout: Duration::from_secs(10),
            writer_buffer_wait_timeout: Duration::from_secs(5),
            ..Config::default()
        };
        change(&mut config);
        let cluster = Arc::new(cluster);
        let connection = connect(&cluster, &config).await.unwrap();
        let admin = connection.get_admin().await.unwrap();
        admin.create_database(DATABASE, None, false).await.unwrap();
        let log = Schema::builder()
            .column("id", DataTypes::int())
            .column("text", DataTypes::string());
        let keyed = Schema::builder()
            .column("tenant", DataTypes::int())
            .column("id", DataTypes::int())
            .column("text", DataTypes::string())
            .primary_key(["tenant", "id"]);
        let days = Schema::builder()
            .column("id", DataTypes::int())
            .column("day", DataTypes::string());
        // Partitioned by `day`, and without a partition.
        table(&connection, "days", days, |builder| {
            builder.bucket_count(1).partitioned_by(["day"])
        })
        .await;
        let bench = Self {
            log: table(&connection, "log", log, |builder| {
                let builder = builder.bucket_count(2);
                builder.property("table.replication.factor", replicas.to_string())
            })
            .await,
            keyed: table(&connection, "keyed", keyed, |builder| {
                let builder = builder.distributed_by(Some(2), ["tenant"]);
                builder.property("table.replication.factor", replicas.to_string())
            })
            .await,
            cluster,
            config,
            connection,
            admin,
        };
        let rows = bench.log.new_append().unwrap().create_writer().unwrap();
        for id in 0..20 {
            rows.append(&log_row(id)).unwrap();
        }
        let keys = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
        for id in 0..20 {
            keys.upsert(&keyed_row(id % 2, id, "first")).unwrap();
        }
        rows.flush().await.unwrap();
        keys.flush().await.unwrap();
        bench
    }

    /// A second connection.
    pub(crate) async fn connect(&self) -> fluss::error::Result<FlussConnection> {
        connect(&self.cluster, &self.config).await
    }
}

pub(crate) async fn table(
    connection: &FlussConnection,
    name: &str,
    schema: SchemaBuilder,
    shape: impl FnOnce(
        fluss::metadata::TableDescriptorBuilder,
    ) -> fluss::metadata::TableDescriptorBuilder,
) -> FlussTable {
    let path = TablePath::new(DATABASE, name);
    let builder = TableDescriptor::builder().schema(schema.build().unwrap());
    let descriptor = shape(builder).build().unwrap();
    let admin = connection.get_admin().await.unwrap();
    admin.create_table(&path, &descriptor, false).await.unwrap();
    connection.get_table(&path).await.unwrap()
}

/// A log table whose 40 rows lie in two buckets, some in each.
pub(crate) async fn spread(bench: &Bench) -> FlussTable {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("text", DataTypes::string());
    let table = table(&bench.connection, "spread", schema, |builder| {
        builder.distributed_by(Some(2), ["id"])
    })
    .await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for id in 0..40 {
        writer.append(&log_row(id)).unwrap();
    }
    writer.flush().await.unwrap();
    table
}

pub(crate) fn log_row(id: i32) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, id);
    row.set_field(1, format!("row {id}"));
    row
}

pub(crate) fn keyed_row(tenant: i32, id: i32, text: &'static str) -> GenericRow<'static> {
    let mut row = GenericRow::new(3);
    row.set_field(0, tenant);
    row.set_field(1, id);
    row.set_field(2, text);
    row
}

pub(crate) fn key(tenant: i32, id: i32) -> GenericRow<'static> {
    let mut key = GenericRow::new(2);
    key.set_field(0, tenant);
    key.set_field(1, id);
    key
}

/// A connection over streams in memory.
pub(crate) async fn connect(
    cluster: &MockCluster,
    config: &Config,
) -> fluss::error::Result<FlussConnection> {
    let dialer = Arc::new(InMemory(cluster.network()));
    let builder = FlussConnection::builder(config.clone());
    builder.dialer(dialer).connect().await
}

#[derive(Debug)]
struct InMemory(Network);

impl Dialer for InMemory {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send + 'a>> {
        Box::pin(async move {
            let stream = self.0.dial(host, port).await?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}
