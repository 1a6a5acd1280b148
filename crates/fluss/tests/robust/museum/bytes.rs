//! Bytes that were taken for something else.

use fluss::client::EARLIEST_OFFSET;
use fluss::metadata::{DataTypes, Schema, TableChange};
use fluss::row::GenericRow;

use super::{SECOND, table};
use crate::support::{Bench, key, keyed_row};

/// rust#190: the two bytes before a value, which name its schema, were read as the beginning of the row.
#[tokio::test(start_paused = true)]
async fn values_of_every_schema_are_looked_up() {
    let bench = Bench::new().await;
    let path = bench.keyed.table_path();
    let added = TableChange::add_column("extra", DataTypes::bigint());
    let altered = bench.admin.alter_table(path, &[added], false).await;
    altered.unwrap();
    let newer = bench.connection.get_table(path).await.unwrap();
    let writer = newer.new_upsert().unwrap().create_writer().unwrap();
    let mut row = GenericRow::new(4);
    row.set_field(0, 1);
    row.set_field(1, 100);
    row.set_field(2, "new");
    row.set_field(3, 42_i64);
    writer.upsert(&row).unwrap().await.unwrap();
    // The older writer still writes the older schema.
    let older = bench.keyed.new_upsert().unwrap().create_writer().unwrap();
    let old = keyed_row(1, 101, "old");
    older.upsert(&old).unwrap().await.unwrap();
    for (table, columns) in [(&bench.keyed, 3), (&newer, 4)] {
        let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
        for (id, text, extra) in [
            (1, "first", None),
            (100, "new", Some(42)),
            (101, "old", None),
        ] {
            let found = lookuper.lookup(&key(1, id)).await.unwrap();
            let row = found.get_single_row().unwrap().expect("it is there");
            assert_eq!((row.get_int(0), row.get_int(1)), (1, id));
            assert_eq!(row.get_string(2), text);
            if columns == 4 {
                assert_eq!(row.try_get::<Option<i64>>("extra").unwrap(), extra);
            }
        }
    }
}

/// rust#304: binary columns of a fixed length were read with a length before them, as those of any length have it.
#[tokio::test(start_paused = true)]
async fn binary_columns_of_a_fixed_length_keep_their_neighbors() {
    let bench = Bench::new().await;
    let columns = || {
        Schema::builder()
            .column("id", DataTypes::int())
            .column("fixed", DataTypes::binary(3))
            .column("any", DataTypes::bytes())
            .column("text", DataTypes::string())
    };
    let value = |id: i32| {
        let mut row = GenericRow::new(4);
        row.set_field(0, id);
        row.set_field(1, vec![id as u8, 0, 255]);
        row.set_field(2, vec![7_u8; id as usize]);
        row.set_field(3, format!("row {id}"));
        row
    };
    for format in ["ARROW", "INDEXED", "COMPACTED"] {
        let log = table(&bench, &format!("log_{format}"), columns(), |builder| {
            builder.property("table.log.format", format)
        })
        .await;
        let writer = log.new_append().unwrap().create_writer().unwrap();
        for id in 0..50 {
            writer.append(&value(id)).unwrap();
        }
        writer.flush().await.unwrap();
        let scanner = log.new_scan().create_log_scanner().unwrap();
        scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
        let mut next = 0;
        while next < 50 {
            for record in scanner.poll(SECOND).await.unwrap() {
                let row = record.row();
                assert_eq!(row.get_int(0), next);
                assert_eq!(row.get_bytes(1), [next as u8, 0, 255], "{format}");
                assert_eq!(row.get_bytes(2).len(), next as usize);
                assert_eq!(row.get_string(3), format!("row {next}"));
                next += 1;
            }
        }
    }
    for format in ["INDEXED", "COMPACTED"] {
        let keyed = columns().primary_key(["id"]);
        let keyed = table(&bench, &format!("keyed_{format}"), keyed, |builder| {
            builder.property("table.kv.format", format)
        })
        .await;
        let writer = keyed.new_upsert().unwrap().create_writer().unwrap();
        for id in 0..50 {
            writer.upsert(&value(id)).unwrap();
        }
        writer.flush().await.unwrap();
        let lookuper = keyed.new_lookup().unwrap().create_lookuper().unwrap();
        for id in 0..50 {
            let mut wanted = GenericRow::new(1);
            wanted.set_field(0, id);
            let found = lookuper.lookup(&wanted).await.unwrap();
            let row = found.get_single_row().unwrap().expect("it is there");
            assert_eq!(row.get_bytes(1), [id as u8, 0, 255], "{format}");
            assert_eq!(row.get_bytes(2).len(), id as usize);
            assert_eq!(row.get_string(3), format!("row {id}"));
        }
    }
}
