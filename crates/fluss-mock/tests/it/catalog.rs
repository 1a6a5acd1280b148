//! Databases, tables and partitions: what they look like, and the codes for what can't be done.

use std::time::Duration;

use fluss_metadata::{DataTypes, Schema, TableDescriptor, TableDescriptorBuilder};
use fluss_mock::MockCluster;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    CreateDatabaseRequest, CreatePartitionRequest, DropDatabaseRequest, DropPartitionRequest,
    DropTableRequest, GetDatabaseInfoRequest, GetTableInfoRequest, GetTableSchemaRequest,
    ListDatabasesRequest, ListPartitionInfosRequest, ListTablesRequest, MetadataRequest,
    PbKeyValue, PbPartitionSpec, PbPhysicalTablePath, TableExistsRequest,
};

use crate::client::{Client, cluster, create, descriptor, path};

fn create_database(name: &str, ignore_if_exists: bool) -> CreateDatabaseRequest {
    CreateDatabaseRequest {
        database_name: name.to_owned(),
        ignore_if_exists,
        database_json: None,
    }
}

fn drop_database(name: &str, ignore_if_not_exists: bool, cascade: bool) -> DropDatabaseRequest {
    DropDatabaseRequest {
        database_name: name.to_owned(),
        ignore_if_not_exists,
        cascade,
    }
}

#[tokio::test]
async fn databases_come_and_go_with_the_codes_of_the_servers() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    for (request, expected) in [
        (create_database("one", false), ErrorCode::NONE),
        (
            create_database("one", false),
            ErrorCode::DATABASE_ALREADY_EXIST,
        ),
        (create_database("one", true), ErrorCode::NONE),
        (
            create_database("no such/name", false),
            ErrorCode::INVALID_DATABASE_EXCEPTION,
        ),
    ] {
        assert_eq!(
            coordinator.code(request.clone()).await,
            expected,
            "{request:?}"
        );
    }
    let listed = tablet.call(ListDatabasesRequest::default()).await.unwrap();
    let mut names = listed.database_name.into_vec();
    names.sort();
    assert_eq!(names, ["fluss", "one"]);

    let mut table = create("events", descriptor(false));
    table.table_path.database_name = "one".to_owned();
    assert_eq!(coordinator.code(table).await, ErrorCode::NONE);
    for (request, expected) in [
        (
            drop_database("two", false, true),
            ErrorCode::DATABASE_NOT_EXIST,
        ),
        (drop_database("two", true, true), ErrorCode::NONE),
        (
            drop_database("one", false, false),
            ErrorCode::DATABASE_NOT_EMPTY,
        ),
        (drop_database("one", false, true), ErrorCode::NONE),
        (
            drop_database("fluss", false, true),
            ErrorCode::UNKNOWN_SERVER_ERROR,
        ),
    ] {
        assert_eq!(
            coordinator.code(request.clone()).await,
            expected,
            "{request:?}"
        );
    }
    let info = GetDatabaseInfoRequest {
        database_name: "one".to_owned(),
    };
    assert_eq!(tablet.code(info).await, ErrorCode::DATABASE_NOT_EXIST);
    let list = ListTablesRequest {
        database_name: "one".to_owned(),
    };
    assert_eq!(tablet.code(list).await, ErrorCode::DATABASE_NOT_EXIST);
}

#[tokio::test]
async fn a_table_gets_what_the_server_adds_and_a_new_id_each_time() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let get = || GetTableInfoRequest {
        table_path: path("people"),
    };
    assert_eq!(tablet.code(get()).await, ErrorCode::TABLE_NOT_EXIST);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = create(
            "people",
            descriptor(true).property("table.merge-engine", "first_row"),
        );
        assert_eq!(coordinator.code(request.clone()).await, ErrorCode::NONE);
        assert_eq!(
            coordinator.code(request).await,
            ErrorCode::TABLE_ALREADY_EXIST
        );
        let info = tablet.call(get()).await.unwrap();
        let stored = TableDescriptor::from_json(&info.table_json).unwrap();
        assert_eq!(stored.bucket_count(), Some(1));
        for (key, value) in [
            ("table.replication.factor", "1"),
            ("table.kv.format-version", "2"),
            ("table.delete.behavior", "IGNORE"),
        ] {
            assert_eq!(stored.property(key), Some(value), "{key}");
        }
        ids.push(info.table_id);
        let dropped = DropTableRequest {
            table_path: path("people"),
            ignore_if_not_exists: false,
        };
        assert_eq!(coordinator.code(dropped.clone()).await, ErrorCode::NONE);
        assert_eq!(coordinator.code(dropped).await, ErrorCode::TABLE_NOT_EXIST);
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn tables_that_can_not_be_are_refused() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let mut nowhere = create("events", descriptor(false));
    nowhere.table_path.database_name = "nowhere".to_owned();
    let replicated = descriptor(false).property("table.replication.factor", "3");
    let mut garbled = create("events", descriptor(false));
    garbled.table_json = "{".into();
    for (request, expected) in [
        (nowhere, ErrorCode::DATABASE_NOT_EXIST),
        (
            create("events", replicated),
            ErrorCode::INVALID_REPLICATION_FACTOR,
        ),
        (
            create("no$name", descriptor(false)),
            ErrorCode::INVALID_TABLE_EXCEPTION,
        ),
        (garbled, ErrorCode::INVALID_TABLE_EXCEPTION),
        (
            create("events", descriptor(false).property("table.foo.bar", "1")),
            ErrorCode::INVALID_CONFIG_EXCEPTION,
        ),
        (
            // Of release 1.0.
            create(
                "events",
                descriptor(false).property("table.log.local-ttl", "1 d"),
            ),
            ErrorCode::INVALID_CONFIG_EXCEPTION,
        ),
        (
            create(
                "events",
                descriptor(false).property("table.datalake.enabled", "true"),
            ),
            ErrorCode::INVALID_TABLE_EXCEPTION,
        ),
    ] {
        assert_eq!(
            coordinator.code(request.clone()).await,
            expected,
            "{request:?}"
        );
    }
    let exists = TableExistsRequest {
        table_path: path("events"),
    };
    assert!(!tablet.call(exists).await.unwrap().exists);
}

#[tokio::test]
async fn schemas_are_found_by_id_and_the_latest_without_one() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    coordinator
        .call(create("events", descriptor(false)))
        .await
        .unwrap();
    let get = |schema_id| GetTableSchemaRequest {
        table_path: path("events"),
        schema_id,
    };
    let latest = tablet.call(get(None)).await.unwrap();
    assert_eq!(latest.schema_id, 1);
    let schema = Schema::from_json(&latest.schema_json).unwrap();
    assert_eq!(schema.column_names(), ["id", "name"]);
    assert_eq!(tablet.call(get(Some(1))).await.unwrap(), latest);
    assert_eq!(tablet.code(get(Some(2))).await, ErrorCode::SCHEMA_NOT_EXIST);
}

#[tokio::test]
async fn buckets_are_spread_over_the_servers_and_the_seed_decides_where_they_begin() {
    let leaders = |seed| async move {
        let cluster = MockCluster::builder()
            .tablet_servers(3)
            .seed(seed)
            .start()
            .await
            .unwrap();
        let mut coordinator = Client::connect(cluster.coordinator()).await;
        let request = descriptor(false)
            .bucket_count(6)
            .property("table.replication.factor", "2");
        coordinator.call(create("events", request)).await.unwrap();
        let request = MetadataRequest {
            table_path: vec![path("events")].into(),
            ..MetadataRequest::default()
        };
        let answer = coordinator.call(request).await.unwrap();
        assert_eq!(answer.tablet_servers.len(), 3);
        let buckets = &answer.table_metadata.first().unwrap().bucket_metadata;
        assert!(buckets.iter().all(|bucket| bucket.replica_id.len() == 2));
        buckets
            .iter()
            .map(|bucket| bucket.leader_id.unwrap())
            .collect::<Vec<_>>()
    };
    let first = leaders(1).await;
    assert_eq!(first, leaders(1).await);
    for server in 0..3 {
        assert_eq!(first.iter().filter(|leader| **leader == server).count(), 2);
    }
    let mut starts = Vec::new();
    for seed in 0..12 {
        starts.push(leaders(seed).await[0]);
    }
    assert!((0..3).all(|server| starts.contains(&server)), "{starts:?}");
}

fn partitioned() -> TableDescriptorBuilder {
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("day", DataTypes::string())
        .column("region", DataTypes::string());
    TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .partitioned_by(["day", "region"])
}

fn spec(entries: &[(&str, &str)]) -> PbPartitionSpec {
    let entry = |(key, value): &(&str, &str)| PbKeyValue {
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    PbPartitionSpec {
        partition_key_values: entries.iter().map(entry).collect(),
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told from the top")]
async fn partitions_come_and_go_with_the_codes_of_the_servers() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    coordinator
        .call(create("sales", partitioned()))
        .await
        .unwrap();
    coordinator
        .call(create("plain", descriptor(false)))
        .await
        .unwrap();
    let add = |table, partition_spec, ignore_if_not_exists| CreatePartitionRequest {
        table_path: path(table),
        partition_spec,
        ignore_if_not_exists,
    };
    let (monday, tuesday) = (
        spec(&[("region", "eu"), ("day", "mon")]),
        spec(&[("day", "tue"), ("region", "eu")]),
    );
    for (request, expected) in [
        (add("sales", monday.clone(), false), ErrorCode::NONE),
        (add("sales", tuesday.clone(), false), ErrorCode::NONE),
        (
            add("sales", monday.clone(), false),
            ErrorCode::PARTITION_ALREADY_EXISTS,
        ),
        (add("sales", monday.clone(), true), ErrorCode::NONE),
        (
            add("sales", spec(&[("day", "mon")]), false),
            ErrorCode::PARTITION_SPEC_INVALID_EXCEPTION,
        ),
        (
            add("sales", spec(&[("day", "a$b"), ("region", "eu")]), false),
            ErrorCode::PARTITION_SPEC_INVALID_EXCEPTION,
        ),
        (
            add("plain", monday.clone(), false),
            ErrorCode::TABLE_NOT_PARTITIONED_EXCEPTION,
        ),
        (
            add("nothing", monday.clone(), false),
            ErrorCode::TABLE_NOT_EXIST,
        ),
    ] {
        assert_eq!(
            coordinator.code(request.clone()).await,
            expected,
            "{request:?}"
        );
    }
    let list = |partial_partition_spec| ListPartitionInfosRequest {
        table_path: path("sales"),
        partial_partition_spec,
        include_system_partitions: None,
    };
    let mut all = tablet
        .call(list(None))
        .await
        .unwrap()
        .partitions_info
        .into_vec();
    assert_eq!(all.len(), 2);
    all.sort_by_key(|one| one.partition_id);
    assert_eq!(
        all[0].partition_spec,
        spec(&[("day", "mon"), ("region", "eu")])
    );
    let some = tablet
        .call(list(Some(spec(&[("day", "tue")]))))
        .await
        .unwrap();
    assert_eq!(some.partitions_info, all[1..]);

    let of = |name: &str| MetadataRequest {
        table_path: vec![path("sales")].into(),
        partitions_path: vec![PbPhysicalTablePath {
            database_name: "fluss".to_owned(),
            table_name: "sales".to_owned(),
            partition_name: Some(name.to_owned()),
        }]
        .into(),
        partitions_id: vec![all[1].partition_id].into(),
    };
    let answer = tablet.call(of("mon$eu")).await.unwrap();
    assert!(
        answer
            .table_metadata
            .first()
            .unwrap()
            .bucket_metadata
            .is_empty()
    );
    let names = answer
        .partition_metadata
        .iter()
        .map(|found| found.partition_name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["mon$eu", "tue$eu"]);
    assert_eq!(
        answer
            .partition_metadata
            .first()
            .unwrap()
            .bucket_metadata
            .len(),
        1
    );
    assert_eq!(
        tablet.code(of("wed$eu")).await,
        ErrorCode::PARTITION_NOT_EXISTS
    );

    let remove = |partition_spec, ignore_if_not_exists| DropPartitionRequest {
        table_path: path("sales"),
        partition_spec,
        ignore_if_not_exists,
    };
    for (request, expected) in [
        (remove(tuesday.clone(), false), ErrorCode::NONE),
        (
            remove(tuesday.clone(), false),
            ErrorCode::PARTITION_NOT_EXISTS,
        ),
        (remove(tuesday, true), ErrorCode::NONE),
    ] {
        assert_eq!(
            coordinator.code(request.clone()).await,
            expected,
            "{request:?}"
        );
    }
    assert_eq!(
        tablet.code(of("mon$eu")).await,
        ErrorCode::PARTITION_NOT_EXISTS
    );
}

#[tokio::test]
async fn a_table_partitioned_by_time_begins_with_the_partitions_to_come() {
    let (_cluster, mut coordinator, mut tablet) = cluster().await;
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .column("day", DataTypes::string());
    let table = TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .partitioned_by(["day"])
        .property("table.auto-partition.enabled", "true")
        .property("table.auto-partition.time-unit", "DAY")
        .property("table.auto-partition.num-precreate", "3");
    coordinator.call(create("daily", table)).await.unwrap();
    let request = ListPartitionInfosRequest {
        table_path: path("daily"),
        ..ListPartitionInfosRequest::default()
    };
    let first = tablet.call(request.clone()).await.unwrap();
    assert!(first.partitions_info.is_empty(), "a moment later");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let listed = tablet
        .call(request)
        .await
        .unwrap()
        .partitions_info
        .into_vec();
    assert_eq!(listed.len(), 3);
    let value = &listed[0]
        .partition_spec
        .partition_key_values
        .first()
        .unwrap()
        .value;
    assert!(value.len() == 8 && value.starts_with("20"), "{value}");
    let old = CreatePartitionRequest {
        table_path: path("daily"),
        partition_spec: spec(&[("day", "20010101")]),
        ignore_if_not_exists: false,
    };
    assert_eq!(
        coordinator.code(old).await,
        ErrorCode::NONE,
        "0.9.1 takes any text"
    );
}
