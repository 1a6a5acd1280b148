//! Changes to tables.

use fluss::error::ErrorKind;
use fluss::metadata::{
    AggFunctionType, AlterConfig, ColumnPosition, DataTypes, TableChange, TablePath,
};
use fluss::row::GenericRow;

use super::super::support::read;
use super::{append, log_table, start};

pub(crate) async fn columns_are_added_and_rows_of_both_schemas_are_read() {
    let (connection, admin, database) = start("admin_alter").await;
    let path = TablePath::new(database.as_str(), "log");
    let table = log_table(&connection, &path, 1).await;
    let before = table.get_table_info().clone();
    append(&table, 0..3).await;

    let point = DataTypes::row(vec![
        DataTypes::field("x", DataTypes::double()),
        DataTypes::field("y", DataTypes::double()),
    ]);
    let changes = [
        TableChange::add_column("score", DataTypes::double()).with_comment("out of ten"),
        TableChange::add_column("place", point),
    ];
    admin.alter_table(&path, &changes, false).await.unwrap();
    let after = admin.get_table_info(&path).await.unwrap();
    assert_eq!(after.table_id(), before.table_id());
    assert_eq!(after.schema_id(), before.schema_id() + 1);
    assert_eq!(
        after.schema().column_names(),
        ["id", "name", "score", "place"]
    );
    assert_eq!(after.schema().columns()[2].comment(), Some("out of ten"));
    let old = admin
        .get_table_schema(&path, Some(before.schema_id()))
        .await
        .unwrap();
    assert_eq!(old.schema(), before.schema());
    assert_eq!(old.schema_id(), before.schema_id());
    let new = admin.get_table_schema(&path, None).await.unwrap();
    assert_eq!(
        (new.schema(), new.schema_id()),
        (after.schema(), after.schema_id())
    );

    let table = connection.get_table(&path).await.unwrap();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let mut row = GenericRow::new(4);
    row.set_field(0, 3);
    row.set_field(1, "new");
    row.set_field(2, 9.5_f64);
    writer.append(&row).unwrap();
    writer.flush().await.unwrap();
    let records = read(&table, 4).await;
    let scores = records[&0]
        .iter()
        .map(|record| (!record.row().is_null_at(2)).then(|| record.row().get_double(2)))
        .collect::<Vec<_>>();
    assert_eq!(scores, [None, None, None, Some(9.5)]);
}

pub(crate) async fn properties_are_set_and_reset() {
    let (connection, admin, database) = start("admin_properties").await;
    let path = TablePath::new(database.as_str(), "log");
    log_table(&connection, &path, 1).await;
    let changes = [
        TableChange::set("owner", "me"),
        TableChange::set("note", "x"),
    ];
    admin.alter_table(&path, &changes, false).await.unwrap();
    let info = admin.get_table_info(&path).await.unwrap();
    assert_eq!(info.custom_properties()["owner"], "me");
    assert_eq!(info.custom_properties()["note"], "x");
    assert!(info.modified_time() >= info.created_time());

    let changes = [
        TableChange::reset("note"),
        TableChange::AlterOption(AlterConfig::set("owner", "you")),
    ];
    admin.alter_table(&path, &changes, false).await.unwrap();
    let info = admin.get_table_info(&path).await.unwrap();
    assert_eq!(info.custom_properties()["owner"], "you");
    assert!(!info.custom_properties().contains_key("note"));

    let fixed = [TableChange::set("table.log.format", "INDEXED")];
    let error = admin.alter_table(&path, &fixed, false).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(56)),
        "{error}"
    );
    let list = [TableChange::AlterOption(AlterConfig::append("owner", "b"))];
    let error = admin.alter_table(&path, &list, false).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Server, Some(-1)),
        "{error}"
    );
    admin.alter_table(&path, &[], false).await.unwrap();
}

pub(crate) async fn what_no_server_takes_is_not_sent_and_what_this_one_does_not_take_it_refuses() {
    let (connection, admin, database) = start("admin_bad_alter").await;
    let path = TablePath::new(database.as_str(), "log");
    log_table(&connection, &path, 1).await;
    let column = || TableChange::add_column("c", DataTypes::int());
    let not_sent = [
        ("first", vec![column().at(ColumnPosition::First)]),
        (
            "after",
            vec![column().at(ColumnPosition::After("id".to_owned()))],
        ),
        (
            "not null",
            vec![TableChange::add_column(
                "c",
                DataTypes::int().as_non_nullable(),
            )],
        ),
        ("both", vec![column(), TableChange::set("a", "b")]),
    ];
    for (name, changes) in not_sent {
        let error = admin.alter_table(&path, &changes, false).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Usage, None),
            "{name}: {error}"
        );
        assert_eq!(error.table(), Some(&path), "{name}");
    }
    // This server would skip these without a word.
    let newer = [
        (
            "aggregation",
            column().with_aggregation(AggFunctionType::Sum),
        ),
        ("buckets", TableChange::modify_bucket_count(8)),
    ];
    for (name, change) in newer {
        let error = admin
            .alter_table(&path, &[change], false)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
        assert!(error.to_string().contains("too old"), "{name}: {error}");
    }
    let refused = [
        ("drop", TableChange::drop_column("name")),
        ("rename", TableChange::rename_column("name", "title")),
        (
            "modify",
            TableChange::modify_column("name", DataTypes::bytes()),
        ),
    ];
    for (name, change) in refused {
        let error = admin
            .alter_table(&path, &[change], false)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Server, Some(-1)),
            "{name}: {error}"
        );
    }
    let there = [TableChange::add_column("name", DataTypes::string())];
    let error = admin.alter_table(&path, &there, false).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, Some(56)),
        "{error}"
    );
    let info = admin.get_table_info(&path).await.unwrap();
    assert_eq!(
        info.schema().column_names(),
        ["id", "name"],
        "nothing changed"
    );

    let missing = TablePath::new(database.as_str(), "none");
    let error = admin
        .alter_table(&missing, &[column()], false)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    admin
        .alter_table(&missing, &[column()], true)
        .await
        .unwrap();
}
