//! Access rules: listed, made and dropped, and what they let an ordinary user do.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use fluss::client::{FlussAdmin, FlussConnection};
use fluss::config::{Config, SecurityProtocol};
use fluss::error::ErrorKind;
use fluss::metadata::{
    AclFilter, AclInfo, OffsetSpec, OperationType, Principal, Resource, ResourceType, TableBucket,
    TableChange, TablePath,
};
use integration_tests::cluster::{sasl_bootstrap_servers, unique_database};

use super::{append, connect_as, eventually, keyed_schema, log_schema, start_listed, support};

const USER: &str = "fluss";
const PASSWORD: &str = "fluss-pass";

fn rule(operation: OperationType, resource: Resource) -> AclInfo {
    AclInfo::allow(Principal::user(USER), operation, resource)
}

async fn allow(admin: &FlussAdmin, operation: OperationType, resource: Resource) {
    let rules = [rule(operation, resource)];
    admin.create_acls(&rules).await.unwrap().all().unwrap();
}

fn set(acls: Vec<AclInfo>) -> HashSet<AclInfo> {
    acls.into_iter().collect()
}

pub(crate) async fn rules_are_made_listed_by_what_they_say_and_dropped() {
    let (_, admin, database) = start_listed("admin_acl").await;
    let path = TablePath::new(database.as_str(), "t");
    let someone = unique_database("someone");
    let for_someone =
        |operation, resource| AclInfo::allow(Principal::user(&someone), operation, resource);
    let read = for_someone(OperationType::Read, Resource::table(&path));
    let write = for_someone(OperationType::Write, Resource::table(&path));
    let create = for_someone(OperationType::Create, Resource::database(&database));
    let made = admin
        .create_acls(&[read.clone(), write.clone(), create.clone()])
        .await
        .unwrap();
    let named = made.values().iter().map(|(acl, _)| acl.clone()).collect();
    assert_eq!(
        set(named),
        set(vec![read.clone(), write.clone(), create.clone()])
    );
    made.all().unwrap();
    // Once more is no failure.
    admin
        .create_acls(std::slice::from_ref(&read))
        .await
        .unwrap()
        .all()
        .unwrap();

    let of_someone = || AclFilter::any().principal(Principal::user(&someone));
    let all = vec![read.clone(), write.clone(), create.clone()];
    let cases = [
        ("all", of_someone(), all.clone()),
        (
            "of the table",
            of_someone().resource(Resource::table(&path)),
            vec![read.clone(), write.clone()],
        ),
        (
            "of the type",
            of_someone().resource_type(ResourceType::Database),
            vec![create.clone()],
        ),
        (
            "of the operation",
            of_someone().operation(OperationType::Write),
            vec![write.clone()],
        ),
        ("of a host", of_someone().host("10.0.0.1"), vec![]),
        (
            "of nobody",
            AclFilter::any().principal(Principal::user("nobody-of-this-name")),
            vec![],
        ),
    ];
    for (name, filter, expected) in cases {
        let listed = admin.list_acls(&filter).await.unwrap();
        assert_eq!(set(listed), set(expected), "{name}");
    }
    let everything = admin.list_acls(&AclFilter::any()).await.unwrap();
    assert!(set(everything).is_superset(&set(all)));

    let dropped = admin
        .drop_acls(&[
            of_someone().operation(OperationType::Read),
            of_someone().resource(Resource::database(&database)),
            of_someone().host("10.0.0.1"),
        ])
        .await
        .unwrap();
    let counts = dropped
        .values()
        .iter()
        .map(|matched| matched.as_ref().unwrap().len())
        .collect::<Vec<_>>();
    assert_eq!(counts, [1, 1, 0]);
    assert_eq!(set(dropped.all().unwrap()), set(vec![read, create]));
    let left = admin.list_acls(&of_someone()).await.unwrap();
    assert_eq!(left, [write]);
    let dropped = admin.drop_acls(&[of_someone()]).await.unwrap();
    assert_eq!(dropped.all().unwrap().len(), 1);
    assert_eq!(admin.list_acls(&of_someone()).await.unwrap(), []);
}

pub(crate) async fn a_user_may_what_rules_let_him_and_nothing_else() {
    let (connection, admin, database) = start_listed("admin_user").await;
    let path = TablePath::new(database.as_str(), "log");
    let descriptor = support::descriptor(log_schema(), 1);
    let his = connect_as(USER, PASSWORD).await;
    let his_admin = his.get_admin().await.unwrap();
    let refused = |error: fluss::error::Error| {
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Authorization, Some(48)),
            "{error}"
        );
    };

    assert!(
        !his_admin
            .list_databases()
            .await
            .unwrap()
            .contains(&database)
    );
    refused(
        his_admin
            .create_table(&path, &descriptor, false)
            .await
            .unwrap_err(),
    );
    allow(&admin, OperationType::Create, Resource::database(&database)).await;
    his_admin
        .create_table(&path, &descriptor, false)
        .await
        .unwrap();

    // Made by him, and nevertheless not his: whoever may do something in a database may see what is in it, no more.
    let info = eventually("he may describe", async || {
        for _ in 0..8 {
            his_admin.get_table_info(&path).await.ok()?;
        }
        his_admin.get_table_info(&path).await.ok()
    })
    .await;
    refused(his_admin.get_table_stats(&path).await.unwrap_err());
    refused(his_admin.drop_table(&path, false).await.unwrap_err());
    let change = [TableChange::set("a", "b")];
    refused(
        his_admin
            .alter_table(&path, &change, false)
            .await
            .unwrap_err(),
    );
    assert_eq!(his_admin.list_tables(&database).await.unwrap(), ["log"]);
    assert_eq!(
        his.get_table(&path)
            .await
            .unwrap()
            .get_table_info()
            .table_id(),
        info.table_id()
    );
    let buckets = [0];
    his_admin
        .list_offsets(&path, &buckets, OffsetSpec::Latest)
        .await
        .unwrap();
    refused(his_admin.get_table_stats(&path).await.unwrap_err());
    let offsets = BTreeMap::from([(TableBucket::new(info.table_id(), 0), 1)]);
    let producer = unique_database("producer");
    refused(
        his_admin
            .register_producer_offsets(&producer, &offsets, None)
            .await
            .unwrap_err(),
    );

    allow(&admin, OperationType::Read, Resource::table(&path)).await;
    let table = connection.get_table(&path).await.unwrap();
    append(&table, 0..5).await;
    eventually("he may read", async || {
        let stats = his_admin.get_table_stats(&path).await.ok()?;
        assert_eq!(stats.row_count(), Some(5));
        Some(())
    })
    .await;
    refused(his_admin.drop_table(&path, false).await.unwrap_err());

    allow(&admin, OperationType::All, Resource::table(&path)).await;
    his_admin.alter_table(&path, &change, false).await.unwrap();
    his_admin
        .register_producer_offsets(&producer, &offsets, None)
        .await
        .unwrap();
    his_admin.delete_producer_offsets(&producer).await.unwrap();
    his_admin.drop_table(&path, false).await.unwrap();

    let filter = AclFilter::any().resource(Resource::database(&database));
    admin.drop_acls(&[filter]).await.unwrap().all().unwrap();
    refused(
        his_admin
            .create_table(&path, &descriptor, false)
            .await
            .unwrap_err(),
    );
}

pub(crate) async fn a_user_may_not_make_or_drop_rules_for_himself() {
    let (connection, admin, database) = start_listed("admin_himself").await;
    let other = support::database(&connection, "admin_not_his").await;
    let missing = TablePath::new(other.as_str(), "t");
    let his_admin = connect_as(USER, PASSWORD).await.get_admin().await.unwrap();
    let mine = [rule(OperationType::All, Resource::database(&database))];
    let error = his_admin.create_acls(&mine).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Authorization, Some("create_acls")),
        "{error}"
    );

    allow(&admin, OperationType::Create, Resource::database(&database)).await;
    let filter = AclFilter::any().resource(Resource::database(&database));
    let of_another = AclInfo::allow(
        Principal::user("someone-else"),
        OperationType::Create,
        Resource::database(&other),
    );
    admin
        .create_acls(&[of_another])
        .await
        .unwrap()
        .all()
        .unwrap();
    let hidden = AclFilter::any().resource(Resource::database(&other));
    assert_eq!(
        his_admin.list_acls(&hidden).await.unwrap(),
        [],
        "not his to see"
    );
    assert_eq!(
        his_admin.list_acls(&filter).await.unwrap().len(),
        1,
        "where he may do something"
    );
    let error = his_admin.get_table_info(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authorization, "{error}");
    let error = his_admin
        .drop_acls(std::slice::from_ref(&filter))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authorization, "{error}");
    assert_eq!(admin.list_acls(&filter).await.unwrap().len(), 1);
}

pub(crate) async fn a_user_leases_snapshots_of_tables_that_he_may_read() {
    let (_, admin, database) = start_listed("admin_his_lease").await;
    let path = TablePath::new(database.as_str(), "keyed");
    let descriptor = support::descriptor(keyed_schema(), 1);
    admin.create_table(&path, &descriptor, false).await.unwrap();
    let table_id = admin.get_table_info(&path).await.unwrap().table_id();
    let his_admin = connect_as(USER, PASSWORD).await.get_admin().await.unwrap();
    let error = his_admin
        .get_latest_kv_snapshots(&path, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authorization, "{error}");
    let lease = his_admin
        .create_kv_snapshot_lease(&unique_database("lease"), Duration::from_secs(30))
        .unwrap();
    let snapshots = BTreeMap::from([(TableBucket::new(table_id, 0), 0)]);
    let error = lease.acquire_snapshots(&snapshots).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authorization, "{error}");
    allow(&admin, OperationType::Read, Resource::table(&path)).await;
    lease.acquire_snapshots(&snapshots).await.unwrap();
    lease.close().await.unwrap();
}

pub(crate) async fn a_wrong_password_administers_nothing() {
    let error = FlussConnection::new(Config {
        bootstrap_server: sasl_bootstrap_servers(),
        security_protocol: SecurityProtocol::SaslPlain,
        sasl_username: USER.to_owned(),
        sasl_password: "not-his-password".into(),
        ..Config::default()
    })
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Authentication, Some(46)),
        "{error}"
    );
    assert!(!format!("{error} {error:?}").contains("not-his-password"));
}
