//! Tables and their schemas.

use fluss::error::ErrorKind;
use fluss::metadata::{TableDescriptor, TablePath};

use super::{keyed_schema, log_schema, start, start_listed, support};

pub(crate) async fn a_table_is_made_described_listed_and_dropped() {
    let (_, admin, database) = start_listed("admin_table").await;
    let path = TablePath::new(database.as_str(), "people");
    let descriptor = TableDescriptor::builder()
        .schema(keyed_schema())
        .comment("people of a test")
        .bucket_count(2)
        .bucket_keys(vec!["id"])
        .property("table.log.ttl", "3 d")
        .custom_property("owner", "tests")
        .build()
        .unwrap();
    assert!(!admin.table_exists(&path).await.unwrap());
    admin.create_table(&path, &descriptor, false).await.unwrap();
    assert!(admin.table_exists(&path).await.unwrap());
    assert_eq!(admin.list_tables(&database).await.unwrap(), ["people"]);

    let info = admin.get_table_info(&path).await.unwrap();
    assert_eq!(info.table_path(), &path);
    assert_eq!(info.num_buckets(), 2);
    assert_eq!(info.primary_keys(), ["id"]);
    assert_eq!(info.comment(), Some("people of a test"));
    assert_eq!(info.schema().column_names(), ["id", "name"]);
    assert_eq!(info.properties()["table.log.ttl"], "3 d");
    assert_eq!(info.custom_properties()["owner"], "tests");
    // What the server adds, and keys are encoded by.
    assert_eq!(info.properties()["table.kv.format-version"], "2");
    assert_eq!(info.properties()["table.replication.factor"], "1");

    for schema_id in [None, Some(info.schema_id())] {
        let schema = admin.get_table_schema(&path, schema_id).await.unwrap();
        assert_eq!(schema.schema_id(), info.schema_id());
        assert_eq!(schema.schema(), info.schema());
    }
    let error = admin.get_table_schema(&path, Some(99)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    let error = admin
        .create_table(&path, &descriptor, false)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(error.table(), Some(&path));
    let other = support::descriptor(log_schema(), 1);
    admin.create_table(&path, &other, true).await.unwrap();
    let again = admin.get_table_info(&path).await.unwrap();
    assert_eq!(again.table_id(), info.table_id(), "what is there is kept");

    admin.drop_table(&path, false).await.unwrap();
    assert!(!admin.table_exists(&path).await.unwrap());
    let error = admin.drop_table(&path, false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    admin.drop_table(&path, true).await.unwrap();
    let error = admin.get_table_info(&path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = admin.get_table_schema(&path, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    admin.create_table(&path, &descriptor, false).await.unwrap();
    let anew = admin.get_table_info(&path).await.unwrap();
    assert!(anew.table_id() > info.table_id());
}

pub(crate) async fn a_table_that_cannot_be_is_refused() {
    let (_, admin, database) = start("admin_bad_table").await;
    let good = support::descriptor(log_schema(), 1);
    for name in ["", "a.b", "__mine", "$changelog"] {
        let path = TablePath::new(database.as_str(), name);
        let error = admin.create_table(&path, &good, true).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Usage, None),
            "{name:?}: {error}"
        );
    }
    let missing = TablePath::new("admin_no_such_database", "t");
    let error = admin.create_table(&missing, &good, true).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::NotFound, Some(4)),
        "{error}"
    );
    // More copies than servers.
    let copies = TableDescriptor::builder()
        .schema(log_schema())
        .bucket_count(1)
        .property("table.replication.factor", "7")
        .build()
        .unwrap();
    let path = TablePath::new(database.as_str(), "copies");
    let error = admin.create_table(&path, &copies, true).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(17)),
        "{error}"
    );
    assert!(!admin.table_exists(&path).await.unwrap());
}
