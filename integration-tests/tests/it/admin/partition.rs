//! Partitions.

use std::collections::BTreeSet;

use fluss::error::ErrorKind;
use fluss::metadata::{
    DataTypes, PartitionInfo, PartitionSpec, Schema, TableDescriptor, TablePath,
};

use super::{log_table, start, support};

fn events() -> TableDescriptor {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("day", DataTypes::string())
        .column("region", DataTypes::string())
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .partitioned_by(vec!["day", "region"])
        .bucket_count(2)
        .build()
        .unwrap()
}

fn spec(day: &str, region: &str) -> PartitionSpec {
    PartitionSpec::new([("day", day), ("region", region)])
}

pub(crate) async fn partitions_are_made_listed_by_part_of_their_values_and_dropped() {
    let (_, admin, database) = start("admin_partition").await;
    let path = TablePath::new(database.as_str(), "events");
    support::create_known(&admin, &path, &events()).await;
    assert_eq!(admin.list_partition_infos(&path).await.unwrap(), []);

    for (day, region) in [("20260101", "eu"), ("20260101", "us"), ("20260102", "eu")] {
        let spec = spec(day, region);
        admin.create_partition(&path, &spec, false).await.unwrap();
    }
    let names = |partitions: &[fluss::metadata::PartitionInfo]| {
        partitions
            .iter()
            .map(fluss::metadata::PartitionInfo::partition_name)
            .collect::<BTreeSet<_>>()
    };
    let all = admin.list_partition_infos(&path).await.unwrap();
    assert_eq!(
        names(&all),
        ["20260101$eu", "20260101$us", "20260102$eu"]
            .map(str::to_owned)
            .into()
    );
    let ids = all.iter().map(PartitionInfo::partition_id);
    assert_eq!(ids.collect::<BTreeSet<_>>().len(), 3);
    let one = all.iter().find(|one| one.partition_name() == "20260101$us");
    let resolved = one.unwrap().resolved_partition_spec();
    assert_eq!(resolved.partition_keys(), ["day", "region"]);
    assert_eq!(resolved.partition_values(), ["20260101", "us"]);

    let partial = PartitionSpec::new([("region", "eu")]);
    let some = admin
        .list_partition_infos_with_spec(&path, Some(&partial))
        .await
        .unwrap();
    assert_eq!(
        names(&some),
        ["20260101$eu", "20260102$eu"].map(str::to_owned).into()
    );

    let first = spec("20260101", "eu");
    let error = admin
        .create_partition(&path, &first, false)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    admin.create_partition(&path, &first, true).await.unwrap();

    admin.drop_partition(&path, &first, false).await.unwrap();
    let error = admin
        .drop_partition(&path, &first, false)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    admin.drop_partition(&path, &first, true).await.unwrap();
    let left = admin.list_partition_infos(&path).await.unwrap();
    assert_eq!(
        names(&left),
        ["20260101$us", "20260102$eu"].map(str::to_owned).into()
    );
}

pub(crate) async fn a_partition_that_cannot_be_is_refused() {
    let (connection, admin, database) = start("admin_bad_partition").await;
    let path = TablePath::new(database.as_str(), "events");
    support::create_known(&admin, &path, &events()).await;
    let cases = [
        (
            "a key is missing",
            PartitionSpec::new([("day", "20260101")]),
        ),
        (
            "another key",
            PartitionSpec::new([("day", "1"), ("planet", "x")]),
        ),
        ("a value that no name can have", spec("2026/01/01", "eu")),
    ];
    for (name, spec) in cases {
        let error = admin
            .create_partition(&path, &spec, true)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{name}: {error}");
        assert_eq!(error.table(), Some(&path), "{name}");
    }

    let plain = TablePath::new(database.as_str(), "plain");
    log_table(&connection, &plain, 1).await;
    let error = admin.list_partition_infos(&plain).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    let error = admin
        .create_partition(&plain, &spec("1", "eu"), true)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");

    let missing = TablePath::new(database.as_str(), "none");
    let error = admin.list_partition_infos(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = admin
        .drop_partition(&missing, &spec("1", "eu"), true)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
