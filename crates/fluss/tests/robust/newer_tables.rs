//! Tables on servers of release 1.0: what may change, what is refused, and by which codes. No such server is published yet.

use std::time::Duration;

use fluss::error::ErrorKind;
use fluss::metadata::{
    AggFunction, AggFunctionType, DataTypes, PartitionSpec, Schema, TableChange, TablePath,
};
use fluss::row::GenericRow;
use fluss_mock::{MockCluster, MockClusterBuilder, Release};
use tokio::time::sleep;

use super::support::{Bench, DATABASE, table};

fn newer() -> MockClusterBuilder {
    MockCluster::builder().release(Release::V1_0)
}

fn log() -> fluss::metadata::SchemaBuilder {
    Schema::builder()
        .column("id", DataTypes::int())
        .column("day", DataTypes::string())
}

#[tokio::test(start_paused = true)]
async fn an_added_column_is_aggregated_as_it_was_asked_for() {
    let bench = Bench::newer().await;
    let schema = Schema::builder()
        .column("k", DataTypes::int())
        .column_with_agg(
            "first",
            DataTypes::int(),
            AggFunction::new(AggFunctionType::Sum),
        )
        .primary_key(["k"]);
    let totals = table(&bench.connection, "totals", schema, |table| {
        table
            .bucket_count(1)
            .property("table.merge-engine", "aggregation")
    })
    .await;
    let path = totals.table_path();
    let joined = AggFunction::new(AggFunctionType::Listagg).with_parameter("delimiter", "+");
    let changes = [
        TableChange::add_column("most", DataTypes::int()).with_aggregation(AggFunctionType::Max),
        TableChange::add_column("all", DataTypes::string()).with_aggregation(joined.clone()),
    ];
    bench
        .admin
        .alter_table(path, &changes, false)
        .await
        .unwrap();
    let totals = bench.connection.get_table(path).await.unwrap();
    let schema = totals.get_table_info().schema();
    let functions = schema.columns().iter().map(|column| column.agg_function());
    let expected = [
        None,
        Some(AggFunction::new(AggFunctionType::Sum)),
        Some(AggFunction::new(AggFunctionType::Max)),
        Some(joined),
    ];
    assert!(functions.eq(expected.iter().map(Option::as_ref)));

    let writer = totals.new_upsert().unwrap().create_writer().unwrap();
    for (most, text) in [(3, "a"), (7, "b"), (5, "c")] {
        let mut row = GenericRow::new(4);
        row.set_field(0, 1);
        row.set_field(1, 1);
        row.set_field(2, most);
        row.set_field(3, text);
        writer.upsert(&row).unwrap();
    }
    writer.flush().await.unwrap();
    let lookuper = totals.new_lookup().unwrap().create_lookuper().unwrap();
    let mut key = GenericRow::new(1);
    key.set_field(0, 1);
    let found = lookuper.lookup(&key).await.unwrap();
    let row = found.get_single_row().unwrap().unwrap();
    assert_eq!(
        (row.get_int(1), row.get_int(2), row.get_string(3)),
        (3, 7, "a+b+c")
    );

    // A function for another type, and one in a table that does not aggregate.
    let wrong = [
        TableChange::add_column("x", DataTypes::string()).with_aggregation(AggFunctionType::Sum)
    ];
    for path in [path, bench.keyed.table_path()] {
        let error = bench.admin.alter_table(path, &wrong, false).await;
        let error = error.unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Usage, Some(39)),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn properties_that_may_change_since_release_1_0_change() {
    let bench = Bench::newer().await;
    let days = table(&bench.connection, "changing", log(), |table| {
        table
            .bucket_count(1)
            .partitioned_by(["day"])
            .property("table.auto-partition.time-unit", "DAY")
    })
    .await;
    let path = days.table_path();
    let admin = &bench.admin;
    let changes = [
        TableChange::set("table.log.ttl", "2 d"),
        TableChange::set("table.log.local-ttl", "1 d"),
        TableChange::set("table.statistics.columns", "id"),
        TableChange::set("table.log.tiered.local-segments", "3"),
        TableChange::set("table.auto-partition.enabled", "true"),
        TableChange::set("table.auto-partition.num-precreate", "4"),
        TableChange::set("table.auto-partition.num-retention", "1"),
    ];
    admin.alter_table(path, &changes, false).await.unwrap();
    let info = admin.get_table_info(path).await.unwrap();
    for (key, value) in [
        ("table.log.ttl", "2 d"),
        ("table.log.local-ttl", "1 d"),
        ("table.statistics.columns", "id"),
        ("table.auto-partition.num-precreate", "4"),
    ] {
        assert_eq!(info.properties()[key], value);
    }
    // What is new is done at once.
    sleep(Duration::from_millis(200)).await;
    let made = admin.list_partition_infos(path).await.unwrap();
    assert_eq!(made.len(), 4, "{made:?}");
    let old = PartitionSpec::new([("day", "20010101")]);
    let error = admin.create_partition(path, &old, false).await.unwrap_err();
    assert_eq!(error.server_code(), Some(43), "{error}");

    let reset = [TableChange::reset("table.log.local-ttl")];
    admin.alter_table(path, &reset, false).await.unwrap();
    let info = admin.get_table_info(path).await.unwrap();
    assert!(!info.properties().contains_key("table.log.local-ttl"));

    let standby = "table.kv.standby-replica.enabled";
    for (change, code) in [
        (TableChange::set("table.log.format", "INDEXED"), 56),
        (TableChange::set("table.merge-engine", "versioned"), 56),
        (TableChange::set(standby, "false"), 56),
        (TableChange::set("table.datalake.enabled", "true"), 56),
        (TableChange::set("table.datalake.freshness", "1 min"), 56),
        (TableChange::set("table.log.local-ttl", "30 d"), 39),
        (TableChange::set("table.statistics.columns", "none"), 39),
        (TableChange::set("table.log.ttl", "soon"), 39),
    ] {
        let change = [change];
        let error = admin.alter_table(path, &change, false).await.unwrap_err();
        assert_eq!(error.server_code(), Some(code), "{change:?}: {error}");
    }
    let keyed = bench.keyed.table_path();
    let info = admin.get_table_info(keyed).await.unwrap();
    assert_eq!(info.properties()[standby], "true", "of new tables");
    let change = [TableChange::set(standby, "false")];
    admin.alter_table(keyed, &change, false).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn snapshots_of_what_is_not_there_are_an_error_and_of_a_log_table_none() {
    let bench = Bench::newer().await;
    let admin = &bench.admin;
    let keyed = bench.keyed.get_table_info().table_id();
    let log = bench.log.get_table_info().table_id();
    let snapshots = admin.list_kv_snapshots(keyed, None).await.unwrap();
    assert!(!snapshots.snapshot_ids().is_empty(), "{snapshots:?}");
    let none = admin.list_kv_snapshots(log, None).await.unwrap();
    assert!(none.snapshot_ids().is_empty(), "{none:?}");
    for (table, partition, code) in [
        (keyed + 1000, None, 7),
        (keyed + 1000, Some(77), 36),
        (keyed, Some(77), 36),
    ] {
        let error = admin.list_kv_snapshots(table, partition).await;
        assert_eq!(error.unwrap_err().server_code(), Some(code));
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_is_in_a_lake_only_where_the_cluster_has_one() {
    let without = Bench::newer().await;
    let lake = |enabled: bool| {
        move |table: fluss::metadata::TableDescriptorBuilder| {
            let table = table.bucket_count(1);
            table.property("table.datalake.enabled", enabled.to_string())
        }
    };
    let descriptor = lake(true)(fluss::metadata::TableDescriptor::builder())
        .schema(log().build().unwrap())
        .build()
        .unwrap();
    let path = TablePath::new(DATABASE, "in_lake");
    let error = without.admin.create_table(&path, &descriptor, false).await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(15)),
        "{error}"
    );
    for release in [Release::V0_9_1, Release::V1_0] {
        let builder = MockCluster::builder().release(release);
        let with = Bench::on(builder.config("datalake.format", "paimon"), 1).await;
        let made = table(&with.connection, "in_lake", log(), lake(true)).await;
        let format = &made.get_table_info().properties()["table.datalake.format"];
        assert!(format.eq_ignore_ascii_case("paimon"), "{format}");
        // One that is not in it yet may join later.
        let outside = table(&with.connection, "outside", log(), lake(false)).await;
        let join = [TableChange::set("table.datalake.enabled", "true")];
        let path = outside.table_path();
        with.admin.alter_table(path, &join, false).await.unwrap();
    }
    let disabled = newer()
        .config("datalake.format", "paimon")
        .config("datalake.enabled", "false");
    let disabled = Bench::on(disabled, 1).await;
    let error = disabled.admin.create_table(&path, &descriptor, false).await;
    assert_eq!(error.unwrap_err().server_code(), Some(15));
}
