//! What servers do that a test double would rather not: sums that outgrow their type, lists in no order, changes that are seen a moment
//! later. The mock cluster has to do the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use fluss::client::{FlussAdmin, FlussConnection, FlussTable, UpsertWriter};
use fluss::error::ErrorKind;
use fluss::metadata::{
    AggFunction, AggFunctionType, DataTypes, PartitionInfo, PartitionSpec, Schema, SchemaBuilder,
    TableChange, TableDescriptor, TableDescriptorBuilder, TablePath,
};
use fluss::row::{Decimal, GenericRow};

use super::support::{self, PATIENCE, connect};
use super::write_support::{log_table, make};

async fn table_of(
    connection: &FlussConnection,
    test: &str,
    schema: SchemaBuilder,
    shape: impl FnOnce(TableDescriptorBuilder) -> TableDescriptorBuilder,
) -> FlussTable {
    let database = support::database(connection, test).await;
    let builder = TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(1);
    let descriptor = shape(builder).build().unwrap();
    make(connection, &database, "t", &descriptor).await
}

/// Whether the servers are of release 1.0 or later.
async fn is_newer(admin: &FlussAdmin) -> bool {
    match admin.get_cluster_health().await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            false
        }
    }
}

/// A table that adds up amounts of type DECIMAL(4, 2), with this format of its log.
async fn sums(connection: &FlussConnection, log_format: &str) -> FlussTable {
    let schema = Schema::builder()
        .column("k", DataTypes::int())
        .column_with_agg(
            "amount",
            DataTypes::decimal(4, 2),
            AggFunction::new(AggFunctionType::Sum),
        )
        .primary_key(["k"]);
    table_of(connection, "sums", schema, |table| {
        table
            .property("table.merge-engine", "aggregation")
            .property("table.log.format", log_format)
    })
    .await
}

fn amount(unscaled: i128) -> GenericRow<'static> {
    let mut row = GenericRow::new(2);
    row.set_field(0, 1);
    row.set_field(1, Decimal::from_unscaled(unscaled, 4, 2).unwrap());
    row
}

async fn stored(table: &FlussTable) -> i128 {
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    let mut key = GenericRow::new(1);
    key.set_field(0, 1);
    let found = lookuper.lookup(&key).await.unwrap();
    let row = found.get_single_row().unwrap().unwrap();
    row.get_decimal(1, 4, 2).unscaled()
}

async fn add(writer: &UpsertWriter, unscaled: i128) -> fluss::error::Result<()> {
    writer.upsert(&amount(unscaled)).unwrap().await.map(drop)
}

pub(crate) async fn a_sum_that_outgrows_its_type_is_refused_where_the_log_has_no_place_for_it() {
    let connection = connect().await;
    let table = sums(&connection, "ARROW").await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    add(&writer, 9900).await.unwrap();
    let error = add(&writer, 100).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Server, Some(-1)),
        "{error}"
    );
    assert_eq!(stored(&table).await, 9900, "nothing has changed");
}

pub(crate) async fn a_sum_that_outgrows_its_type_is_kept_where_rows_are_logged() {
    let connection = connect().await;
    let table = sums(&connection, "COMPACTED").await;
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    for unscaled in [9900, 100] {
        add(&writer, unscaled).await.unwrap();
    }
    // 100.00 has five digits. It was kept all the same, as what is added to it tells.
    add(&writer, -5000).await.unwrap();
    assert_eq!(stored(&table).await, 5000);
}

pub(crate) async fn the_first_row_of_a_table_gets_the_number_1_whatever_its_bucket() {
    let connection = connect().await;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("number", DataTypes::bigint())
        .primary_key(["id"])
        .enable_auto_increment("number");
    let table = table_of(&connection, "numbers", schema, |table| {
        table.bucket_count(3)
    })
    .await;
    let writer = table.new_upsert().unwrap();
    let writer = writer.partial_update_with_column_names(&["id"]).unwrap();
    let writer = writer.create_writer().unwrap();
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    // A bucket takes the next 100,000 numbers with its first row.
    let mut next: BTreeMap<i32, i64> = BTreeMap::new();
    for id in 0..20_i64 {
        let mut row = GenericRow::new(2);
        row.set_field(0, id);
        let written = writer.upsert(&row).unwrap().await.unwrap();
        let taken = next.len() as i64 * 100_000;
        let number = next.entry(written.bucket().bucket_id()).or_insert(taken);
        *number += 1;
        let mut key = GenericRow::new(1);
        key.set_field(0, id);
        let found = lookuper.lookup(&key).await.unwrap();
        let found = found.get_single_row().unwrap().unwrap().get_long(1);
        assert_eq!(found, *number, "row {id} in {}", written.bucket());
    }
    assert_eq!(next.len(), 3, "all buckets have rows");
}

/// A log table partitioned by its text column.
async fn partitioned(
    connection: &FlussConnection,
    test: &str,
    properties: &[(&str, &str)],
) -> TablePath {
    let database = support::database(connection, test).await;
    let descriptor = log_table()
        .bucket_count(1)
        .partitioned_by(["text"])
        .properties(properties.iter().copied());
    let table = make(connection, &database, "t", &descriptor.build().unwrap()).await;
    table.table_path().clone()
}

async fn names(admin: &FlussAdmin, path: &TablePath) -> Vec<String> {
    let partitions = admin.list_partition_infos(path).await.unwrap();
    let names = partitions.iter().map(PartitionInfo::partition_name);
    names.collect()
}

pub(crate) async fn partitions_are_listed_in_no_order() {
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let path = partitioned(&connection, "no_order", &[]).await;
    let mut expected = BTreeSet::new();
    for number in 0..12 {
        let name = format!("p{number:02}");
        let spec = PartitionSpec::new([("text", name.as_str())]);
        admin.create_partition(&path, &spec, false).await.unwrap();
        expected.insert(name);
    }
    let listed = names(&admin, &path).await;
    assert!(!listed.is_sorted(), "{listed:?}");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected);
}

pub(crate) async fn a_table_gets_the_partitions_of_its_time_a_moment_later() {
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let path = partitioned(
        &connection,
        "soon",
        &[
            ("table.auto-partition.enabled", "true"),
            ("table.auto-partition.time-unit", "MONTH"),
            ("table.auto-partition.num-precreate", "3"),
        ],
    )
    .await;
    let started = Instant::now();
    loop {
        let listed = names(&admin, &path).await;
        if listed.len() == 3 {
            break;
        }
        assert!(
            listed.len() < 3 && started.elapsed() < PATIENCE,
            "{listed:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn a_partition_of_any_text_is_taken_or_has_to_be_a_time_as_the_release_says() {
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let path = partitioned(
        &connection,
        "any_time",
        &[
            ("table.auto-partition.enabled", "true"),
            ("table.auto-partition.time-unit", "YEAR"),
            ("table.auto-partition.num-retention", "2"),
        ],
    )
    .await;
    let newer = is_newer(&admin).await;
    for name in ["1999", "2001-01", "notatime"] {
        let spec = PartitionSpec::new([("text", name)]);
        let made = admin.create_partition(&path, &spec, false).await;
        if newer {
            let error = made.unwrap_err();
            assert_eq!(
                (error.kind(), error.server_code()),
                (ErrorKind::Usage, Some(43)),
                "{name}: {error}"
            );
        } else {
            made.unwrap();
            assert!(names(&admin, &path).await.contains(&name.to_owned()));
        }
    }
}

pub(crate) async fn a_dropped_partition_is_gone_soon_for_those_who_look_rows_up() {
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("day", DataTypes::string())
        .primary_key(["id", "day"]);
    let table = table_of(&connection, "gone", schema, |table| {
        table.partitioned_by(["day"]).bucket_keys(["id"])
    })
    .await;
    let mut row = GenericRow::new(2);
    row.set_field(0, 1);
    row.set_field(1, "monday");
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    writer.upsert(&row).unwrap().await.unwrap();
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    assert!(!lookuper.lookup(&row).await.unwrap().is_empty());
    let spec = PartitionSpec::new([("day", "monday")]);
    let path = table.table_path();
    admin.drop_partition(path, &spec, false).await.unwrap();
    let started = Instant::now();
    while !lookuper.lookup(&row).await.unwrap().is_empty() {
        assert!(started.elapsed() < PATIENCE, "the row is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn properties_that_no_server_knows_are_refused() {
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let database = support::database(&connection, "unknown_properties").await;
    let path = TablePath::new(database.as_str(), "t");
    let table = |key: &str, value: &str| log_table().property(key, value).build().unwrap();
    let refused = [
        ("table.foo.bar", "1", 39),
        ("table.log.formats", "ARROW", 39),
        // The servers of these tests have no lake.
        ("table.datalake.enabled", "true", 15),
    ];
    for (key, value, code) in refused {
        let descriptor = table(key, value);
        let error = admin.create_table(&path, &descriptor, true).await;
        let error = error.unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Usage, Some(code)),
            "{key}: {error}"
        );
        assert!(error.to_string().contains(key), "{error}");
    }
    assert!(!admin.table_exists(&path).await.unwrap());
    let descriptor = log_table()
        .property("table.datalake.enabled", "false")
        .custom_property("table.foo.bar", "1")
        .build()
        .unwrap();
    admin.create_table(&path, &descriptor, false).await.unwrap();
    let info = admin.get_table_info(&path).await.unwrap();
    assert_eq!(info.custom_properties()["table.foo.bar"], "1");
}

pub(crate) async fn a_table_joins_no_lake_where_the_cluster_has_none() {
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let database = support::database(&connection, "no_lake").await;
    let path = TablePath::new(database.as_str(), "t");
    let descriptor = log_table().bucket_count(1).build().unwrap();
    support::create(&connection, &path, &descriptor).await;
    let changes = [TableChange::set("table.datalake.enabled", "true")];
    let error = admin.alter_table(&path, &changes, false).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(56)),
        "{error}"
    );
    // Nothing but the value is left of the number of buckets.
    let changes = [TableChange::set("bucket.num", "7")];
    admin.alter_table(&path, &changes, false).await.unwrap();
    let info = admin.get_table_info(&path).await.unwrap();
    assert_eq!(info.num_buckets(), 1);
    assert_eq!(info.custom_properties()["bucket.num"], "7");
}
