//! Upserts, deletes, partial updates, merge engines, auto-increment: what the table holds afterwards.

use fluss::client::{FlussConnection, FlussTable, MergeMode, UpsertWriter};
use fluss::error::ErrorKind;
use fluss::metadata::{
    AggFunction, AggFunctionType, DataTypes, Schema, SchemaBuilder, TableDescriptor,
};
use fluss::row::GenericRow;

use super::support::{self, connect};
use super::write_support::{kv_table, make, read_all, row};

/// A key `k`, and two INT columns that may be null.
fn three() -> SchemaBuilder {
    Schema::builder()
        .column("k", DataTypes::int())
        .column("a", DataTypes::int())
        .column("b", DataTypes::int())
        .primary_key(["k"])
}

async fn table_of(
    connection: &FlussConnection,
    test: &str,
    schema: SchemaBuilder,
    properties: &[(&str, &str)],
) -> FlussTable {
    let database = support::database(connection, test).await;
    let descriptor = TableDescriptor::builder()
        .schema(schema.build().unwrap())
        .bucket_count(1)
        .properties(properties.iter().copied())
        .build()
        .unwrap();
    make(connection, &database, "kv", &descriptor).await
}

fn ints(values: [Option<i32>; 3]) -> GenericRow<'static> {
    let mut row = GenericRow::new(3);
    for (position, value) in values.into_iter().enumerate() {
        row.set_field(position, value);
    }
    row
}

fn writer(table: &FlussTable) -> UpsertWriter {
    table.new_upsert().unwrap().create_writer().unwrap()
}

async fn put(writer: &UpsertWriter, values: [Option<i32>; 3]) {
    writer.upsert(&ints(values)).unwrap().await.unwrap();
}

/// The two columns beside the key, if the row is there.
async fn get(table: &FlussTable, key: i32) -> Option<(Option<i32>, Option<i32>)> {
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    let mut row = GenericRow::new(1);
    row.set_field(0, key);
    let found = lookuper.lookup(&row).await.unwrap();
    let row = found.get_single_row().unwrap()?;
    let column = |at| (!row.is_null_at(at)).then(|| row.get_int(at));
    Some((column(1), column(2)))
}

pub(crate) async fn upserts_and_deletes_of_a_key_apply_in_the_order_of_the_calls() {
    let connection = connect().await;
    let database = support::database(&connection, "upsert_order").await;
    let descriptor = kv_table().bucket_count(3).build().unwrap();
    let table = make(&connection, &database, "kv", &descriptor).await;
    let writer = writer(&table);
    for i in 0..500 {
        writer.upsert(&row(i % 50)).unwrap();
        if i % 3 == 0 {
            writer.delete(&row(i % 50)).unwrap();
        }
    }
    writer.flush().await.unwrap();
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    for i in 0..50 {
        let mut key = GenericRow::new(1);
        key.set_field(0, i);
        let found = lookuper.lookup(&key).await.unwrap();
        // The last round of key `i` is number 450 + i.
        assert_eq!(found.is_empty(), (450 + i) % 3 == 0, "key {i}");
    }
    assert_eq!(table.new_append().unwrap_err().kind(), ErrorKind::Usage);
}

pub(crate) async fn a_partial_update_leaves_other_columns_alone_by_position_and_by_name() {
    let connection = connect().await;
    let table = table_of(&connection, "partial", three(), &[]).await;
    put(&writer(&table), [Some(1), Some(10), Some(100)]).await;
    let by_position = table
        .new_upsert()
        .unwrap()
        .partial_update(Some(vec![0, 1]))
        .unwrap()
        .create_writer()
        .unwrap();
    let by_name = table
        .new_upsert()
        .unwrap()
        .partial_update_with_column_names(&["k", "b"])
        .unwrap()
        .create_writer()
        .unwrap();
    put(&by_position, [Some(1), Some(11), Some(-1)]).await;
    assert_eq!(get(&table, 1).await, Some((Some(11), Some(100))));
    put(&by_name, [Some(1), Some(-1), Some(101)]).await;
    assert_eq!(get(&table, 1).await, Some((Some(11), Some(101))));
    // A key that is new: the rest is null.
    put(&by_name, [Some(2), None, Some(7)]).await;
    assert_eq!(get(&table, 2).await, Some((None, Some(7))));
    // A partial delete clears its columns, and the row once nothing is left.
    by_position
        .delete(&ints([Some(1), None, None]))
        .unwrap()
        .await
        .unwrap();
    assert_eq!(get(&table, 1).await, Some((None, Some(101))));
    by_name
        .delete(&ints([Some(1), None, None]))
        .unwrap()
        .await
        .unwrap();
    assert_eq!(get(&table, 1).await, None);
    // Writes of all three kinds to one key, unawaited, keep their order.
    let whole = writer(&table);
    whole.upsert(&ints([Some(3), Some(1), Some(1)])).unwrap();
    by_position.upsert(&ints([Some(3), Some(2), None])).unwrap();
    by_name.upsert(&ints([Some(3), None, Some(3)])).unwrap();
    by_position.upsert(&ints([Some(3), Some(4), None])).unwrap();
    for writer in [&whole, &by_position, &by_name] {
        writer.flush().await.unwrap();
    }
    assert_eq!(get(&table, 3).await, Some((Some(4), Some(3))));
}

pub(crate) async fn deletes_are_allowed_ignored_or_refused_as_the_table_says() {
    let connection = connect().await;
    for (behavior, expected) in [
        ("ALLOW", None),
        ("IGNORE", Some((Some(10), Some(100)))),
        ("DISABLE", Some((Some(10), Some(100)))),
    ] {
        let properties = [("table.delete.behavior", behavior)];
        let table = table_of(&connection, "deletes", three(), &properties).await;
        let writer = writer(&table);
        put(&writer, [Some(1), Some(10), Some(100)]).await;
        let deleted = writer.delete(&ints([Some(1), None, None])).unwrap().await;
        if behavior == "DISABLE" {
            let error = deleted.unwrap_err();
            assert_eq!(
                (error.kind(), error.server_code()),
                (ErrorKind::Usage, Some(57))
            );
        } else {
            deleted.unwrap();
        }
        assert_eq!(get(&table, 1).await, expected, "{behavior}");
    }
}

pub(crate) async fn the_first_row_engine_keeps_the_first() {
    let connection = connect().await;
    let properties = [("table.merge-engine", "first_row")];
    let table = table_of(&connection, "first_row", three(), &properties).await;
    let writer = writer(&table);
    for i in 0..3 {
        put(&writer, [Some(1), Some(i), None]).await;
    }
    put(&writer, [Some(2), Some(20), None]).await;
    assert_eq!(get(&table, 1).await, Some((Some(0), None)));
    assert_eq!(get(&table, 2).await, Some((Some(20), None)));
    writer
        .delete(&ints([Some(1), None, None]))
        .unwrap()
        .await
        .unwrap();
    assert_eq!(
        get(&table, 1).await,
        Some((Some(0), None)),
        "deletes are ignored"
    );
}

pub(crate) async fn the_versioned_engine_keeps_the_newest_version() {
    let connection = connect().await;
    let properties = [
        ("table.merge-engine", "versioned"),
        ("table.merge-engine.versioned.ver-column", "b"),
    ];
    let table = table_of(&connection, "versioned", three(), &properties).await;
    let writer = writer(&table);
    for (value, version) in [(1, 5), (2, 9), (3, 7), (4, 9)] {
        put(&writer, [Some(1), Some(value), Some(version)]).await;
    }
    assert_eq!(get(&table, 1).await, Some((Some(4), Some(9))));
}

pub(crate) async fn the_aggregation_engine_adds_up_unless_rows_overwrite() {
    let connection = connect().await;
    let schema = Schema::builder()
        .column("k", DataTypes::int())
        .column_with_agg(
            "a",
            DataTypes::int(),
            AggFunction::new(AggFunctionType::Sum),
        )
        .column_with_agg(
            "b",
            DataTypes::int(),
            AggFunction::new(AggFunctionType::Max),
        )
        .primary_key(["k"]);
    let properties = [("table.merge-engine", "aggregation")];
    let table = table_of(&connection, "aggregation", schema, &properties).await;
    let adding = writer(&table);
    for (a, b) in [(1, 5), (2, 9), (3, 7)] {
        put(&adding, [Some(1), Some(a), Some(b)]).await;
    }
    assert_eq!(get(&table, 1).await, Some((Some(6), Some(9))));
    let overwriting = table
        .new_upsert()
        .unwrap()
        .merge_mode(MergeMode::Overwrite)
        .create_writer()
        .unwrap();
    put(&overwriting, [Some(1), Some(100), Some(1)]).await;
    assert_eq!(get(&table, 1).await, Some((Some(100), Some(1))));
    put(&adding, [Some(1), Some(1), Some(2)]).await;
    assert_eq!(get(&table, 1).await, Some((Some(101), Some(2))));
    // Both modes unawaited, in turns: batches of one mode never take rows of the other.
    for _ in 0..5 {
        overwriting
            .upsert(&ints([Some(2), Some(0), Some(0)]))
            .unwrap();
        adding.upsert(&ints([Some(2), Some(1), Some(1)])).unwrap();
        adding.upsert(&ints([Some(2), Some(1), Some(3)])).unwrap();
    }
    overwriting.flush().await.unwrap();
    adding.flush().await.unwrap();
    assert_eq!(get(&table, 2).await, Some((Some(2), Some(3))));
}

pub(crate) async fn the_server_fills_the_auto_increment_column() {
    let connection = connect().await;
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("text", DataTypes::string())
        .column("number", DataTypes::bigint())
        .primary_key(["id"])
        .enable_auto_increment("number");
    let table = table_of(&connection, "auto_increment", schema, &[]).await;
    assert_eq!(
        table
            .new_upsert()
            .unwrap()
            .create_writer()
            .unwrap_err()
            .kind(),
        ErrorKind::Usage,
        "the column must be left out"
    );
    let writer = table
        .new_upsert()
        .unwrap()
        .partial_update_with_column_names(&["id", "text"])
        .unwrap()
        .create_writer()
        .unwrap();
    for i in 0..20 {
        let mut row = GenericRow::new(3);
        row.set_field(0, i64::from(i % 10));
        row.set_field(1, format!("round {}", i / 10));
        writer.upsert(&row).unwrap();
    }
    writer.flush().await.unwrap();
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    let mut numbers = Vec::new();
    for i in 0..10_i64 {
        let mut key = GenericRow::new(1);
        key.set_field(0, i);
        let found = lookuper.lookup(&key).await.unwrap();
        let row = found.get_single_row().unwrap().unwrap();
        assert_eq!(row.get_string(1), "round 1");
        numbers.push(row.get_long(2));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(
        numbers.len(),
        10,
        "each key has a number of its own: {numbers:?}"
    );
    // Inserts and updates of the changelog.
    assert_eq!(read_all(&connection, &table, 30).await.len(), 30);
}

pub(crate) async fn every_way_to_call_upserts_and_deletes() {
    let connection = connect().await;
    let table = table_of(&connection, "upsert_calls", three(), &[]).await;
    let writer = writer(&table);
    writer.upsert(&ints([Some(1), Some(1), None])).unwrap();
    writer
        .upsert_async(&ints([Some(2), Some(2), None]))
        .await
        .unwrap();
    writer.try_upsert(&ints([Some(3), Some(3), None])).unwrap();
    writer.flush().await.unwrap();
    for key in 1..=3 {
        assert_eq!(get(&table, key).await, Some((Some(key), None)));
    }
    writer.delete(&ints([Some(1), None, None])).unwrap();
    writer
        .delete_async(&ints([Some(2), None, None]))
        .await
        .unwrap();
    let last = writer.try_delete(&ints([Some(3), None, None])).unwrap();
    assert_eq!(last.await.unwrap().offset(), Some(6), "six changes");
    writer.flush().await.unwrap();
    for key in 1..=3 {
        assert_eq!(get(&table, key).await, None);
    }
}
