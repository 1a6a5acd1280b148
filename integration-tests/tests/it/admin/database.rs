//! Databases.

use std::time::{SystemTime, UNIX_EPOCH};

use fluss::error::ErrorKind;
use fluss::metadata::{DatabaseDescriptor, ServerKind, TablePath};
use integration_tests::cluster::unique_database;

use super::{connect, connect_as, log_table};

pub(crate) async fn a_database_is_made_described_listed_and_dropped() {
    let connection = connect_as("admin", "admin-pass").await;
    let admin = connection.get_admin().await.unwrap();
    let name = unique_database("admin_db");
    assert!(!admin.database_exists(&name).await.unwrap());

    let descriptor = DatabaseDescriptor::builder()
        .comment("of a test")
        .custom_property("owner", "tests")
        .build();
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    admin
        .create_database(&name, Some(&descriptor), false)
        .await
        .unwrap();
    assert!(admin.database_exists(&name).await.unwrap());

    let info = admin.get_database_info(&name).await.unwrap();
    assert_eq!(info.name(), name);
    assert_eq!(info.descriptor(), &descriptor);
    let age = info.created_time() - before.as_millis() as i64;
    assert!((-60_000..60_000).contains(&age), "made {age} ms later");
    // The server reads its clock for each of them, in either order.
    let apart = info.modified_time() - info.created_time();
    assert!(
        apart.abs() < 1_000,
        "{apart} ms between creation and change"
    );

    assert!(admin.list_databases().await.unwrap().contains(&name));
    let tables_in_summary = async || {
        let summaries = admin.list_database_summaries().await.unwrap();
        let summary = summaries.iter().find(|line| line.name() == name).unwrap();
        // The server takes one from the database, the other from the moment it was stored.
        let later = summary.created_time() - info.created_time();
        assert!((0..1_000).contains(&later), "{later} ms");
        summary.table_count()
    };
    assert_eq!(tables_in_summary().await, 0);
    let path = TablePath::new(name.as_str(), "t");
    log_table(&connection, &path, 1).await;
    assert_eq!(tables_in_summary().await, 1);
    assert_eq!(admin.list_tables(&name).await.unwrap(), ["t"]);

    let error = admin.create_database(&name, None, false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    admin.create_database(&name, None, true).await.unwrap();
    assert_eq!(
        admin.get_database_info(&name).await.unwrap().descriptor(),
        &descriptor,
        "what is there is kept"
    );

    let error = admin.drop_database(&name, false, false).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(5)),
        "{error}"
    );
    admin.drop_database(&name, false, true).await.unwrap();
    assert!(!admin.database_exists(&name).await.unwrap());
    assert!(!admin.table_exists(&path).await.unwrap());
}

pub(crate) async fn a_missing_database_is_not_found_and_a_bad_name_is_not_sent() {
    let admin = connect().await.get_admin().await.unwrap();
    let missing = unique_database("admin_none");
    let error = admin.get_database_info(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(error.operation(), Some("get_database_info"));
    let error = admin.list_tables(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = admin
        .drop_database(&missing, false, false)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    admin.drop_database(&missing, true, false).await.unwrap();

    for name in ["", "a.b", "__mine", "ä", ".."] {
        let error = admin.create_database(name, None, true).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Usage, None),
            "{name:?}: {error}"
        );
    }
}

pub(crate) async fn the_servers_of_the_cluster_are_listed_the_coordinator_first() {
    let admin = connect().await.get_admin().await.unwrap();
    let nodes = admin.get_server_nodes().await.unwrap();
    assert_eq!(nodes[0].kind(), ServerKind::Coordinator);
    let tablets = nodes[1..]
        .iter()
        .map(|node| (node.id(), node.kind()))
        .collect::<Vec<_>>();
    let kind = ServerKind::TabletServer;
    assert_eq!(tablets, [(0, kind), (1, kind), (2, kind)]);
    assert!(
        nodes
            .iter()
            .all(|node| node.port() > 0 && !node.host().is_empty())
    );
}
