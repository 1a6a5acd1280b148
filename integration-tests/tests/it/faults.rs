//! Faults between the client and a real cluster.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{config, connect, create, database, descriptor, read};
use fluss::client::FlussConnection;
use fluss::metadata::{DataTypes, Schema, TablePath};
use fluss::mock::fault::{self, Fault};
use fluss::mock::{ApiKey, FaultProxy};
use fluss::row::GenericRow;

/// The batch is written and its answer is lost, twice; the server weeds out what the client repeats.
#[tokio::test]
async fn a_row_whose_acknowledgement_is_lost_is_there_once() {
    let direct = connect().await;
    let database = database(&direct, "lost_acknowledgement").await;
    let path = TablePath::new(database.as_str(), "rows");
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .build()
        .unwrap();
    let clean = create(&direct, &path, &descriptor(schema, 1)).await;

    let proxy = Arc::new(FaultProxy::new(1));
    let builder = FlussConnection::builder(config());
    let dialer = fluss::mock::through(Arc::clone(&proxy));
    let connection = builder.dialer(dialer).connect().await.unwrap();
    let table = connection.get_table(&path).await.unwrap();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let lost = proxy.inject(fault::on(ApiKey::ProduceLog).times(2).after(Fault::Close));
    for id in 0..20 {
        let mut row = GenericRow::new(1);
        row.set_field(0, id);
        writer.append(&row).unwrap().await.unwrap();
    }
    assert_eq!(lost.hits(), 2);
    let found = read(&clean, 20).await;
    let ids = found[&0].iter().map(|record| record.row().get_int(0));
    assert_eq!(ids.collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    connection.close(Duration::from_secs(30)).await.unwrap();
}
