//! Faults between the client and a real cluster.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{config, connect, create, database, descriptor, read};
use fluss::client::{AppendWriter, FlussConnection, FlussTable};
use fluss::config::Config;
use fluss::metadata::{DataTypes, Schema, TablePath};
use fluss::mock::fault::{self, Fault};
use fluss::mock::{ApiKey, ErrorCode, FaultProxy};
use fluss::row::GenericRow;
use tokio::time::sleep;

/// A table of one bucket, and a connection to it through a proxy.
struct Bench {
    proxy: Arc<FaultProxy>,
    connection: FlussConnection,
    writer: AppendWriter,
    /// The table, past the proxy.
    clean: FlussTable,
}

impl Bench {
    async fn new(name: &str, change: impl FnOnce(&mut Config)) -> Self {
        let direct = connect().await;
        let database = database(&direct, name).await;
        let path = TablePath::new(database.as_str(), "rows");
        let schema = Schema::builder().column("id", DataTypes::int());
        let descriptor = descriptor(schema.build().unwrap(), 1);
        let clean = create(&direct, &path, &descriptor).await;
        let proxy = Arc::new(FaultProxy::new(1));
        let mut config = config();
        change(&mut config);
        let builder = FlussConnection::builder(config);
        let dialer = fluss::mock::through(Arc::clone(&proxy));
        let connection = builder.dialer(dialer).connect().await.unwrap();
        let table = connection.get_table(&path).await.unwrap();
        let writer = table.new_append().unwrap().create_writer().unwrap();
        // So that everything is known before the faults begin.
        writer.append(&row(0)).unwrap().await.unwrap();
        Self {
            proxy,
            connection,
            writer,
            clean,
        }
    }

    /// The rows up to this one are there, once and in their order.
    async fn finish(self, rows: i32) {
        let found = read(&self.clean, rows as usize).await;
        let ids = found[&0].iter().map(|record| record.row().get_int(0));
        assert_eq!(ids.collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
        self.connection
            .close(Duration::from_secs(30))
            .await
            .unwrap();
    }
}

fn row(id: i32) -> GenericRow<'static> {
    let mut row = GenericRow::new(1);
    row.set_field(0, id);
    row
}

/// The batch is written and its answer is lost, twice; the server weeds out what the client repeats.
pub(crate) async fn a_row_whose_acknowledgement_is_lost_is_there_once() {
    let bench = Bench::new("lost_acknowledgement", |_| ()).await;
    let lost = fault::on(ApiKey::ProduceLog).times(2).after(Fault::Close);
    let lost = bench.proxy.inject(lost);
    for id in 1..20 {
        bench.writer.append(&row(id)).unwrap().await.unwrap();
    }
    assert_eq!(lost.hits(), 2);
    bench.finish(20).await;
}

/// The server is slow to answer: five batches of a bucket are on their way, and no more, whatever the writer has.
pub(crate) async fn at_most_five_batches_of_a_bucket_are_under_way() {
    const SLOW: Duration = Duration::from_secs(10);
    let bench = Bench::new("five_under_way", |config| {
        config.writer_batch_timeout = Duration::from_millis(1);
    })
    .await;
    let slow = fault::on(ApiKey::ProduceLog).after(Fault::Delay(SLOW));
    let slow = bench.proxy.inject(slow);
    let mut results = Vec::new();
    for id in 1..30 {
        results.push(bench.writer.append(&row(id)).unwrap());
        sleep(Duration::from_millis(20)).await;
    }
    // As long as none of them is answered, no other may follow.
    let under_way = || {
        let hits = slow.hits();
        results[0].try_result().is_none().then_some(hits)
    };
    while under_way().expect("five go before the first is answered") < 5 {
        sleep(Duration::from_millis(20)).await;
    }
    sleep(SLOW / 10).await;
    assert!(under_way().is_none_or(|hits| hits == 5), "{}", slow.hits());
    bench.proxy.remove_faults();
    for result in results {
        result.await.unwrap();
    }
    bench.finish(30).await;
}

/// A server that does not know the writer: it gets a new id and goes on behind what is acknowledged.
pub(crate) async fn a_writer_that_the_server_does_not_know_gets_a_new_id() {
    let bench = Bench::new("unknown_writer", |_| ()).await;
    for id in 1..10 {
        bench.writer.append(&row(id)).unwrap().await.unwrap();
    }
    let asked = fault::on(ApiKey::InitWriter).before(Fault::Delay(Duration::from_millis(1)));
    let asked = bench.proxy.inject(asked);
    let unknown = Fault::BucketError(ErrorCode::UNKNOWN_WRITER_ID_EXCEPTION);
    let unknown = fault::on(ApiKey::ProduceLog).times(1).before(unknown);
    let unknown = bench.proxy.inject(unknown);
    for id in 10..20 {
        bench.writer.append(&row(id)).unwrap().await.unwrap();
    }
    assert_eq!((unknown.hits(), asked.hits()), (1, 1));
    bench.finish(20).await;
}
