//! Values and their columns: what is cut, what is refused, and that a row has the same values wherever it is read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::builder::{Int64Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    ArrayRef, Decimal128Array, DictionaryArray, Int32Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, StringViewArray, StructArray, TimestampNanosecondArray, UInt8Array,
};
use arrow_schema::{DataType as ArrowType, Field, Schema as ArrowSchema, TimeUnit};
use fluss::client::{EARLIEST_OFFSET, FlussConnection, FlussTable};
use fluss::error::ErrorKind;
use fluss::metadata::{DataType, DataTypes, Schema, TableDescriptor};
use fluss::row::{Datum, GenericRow, Time, TimestampLtz, TimestampNtz};

use super::support::{self, PATIENCE};
use super::write_support::make;

async fn table(test: &str, descriptor: TableDescriptor) -> (FlussConnection, FlussTable) {
    let connection = support::connect().await;
    let database = support::database(&connection, test).await;
    let table = make(&connection, &database, "values", &descriptor).await;
    (connection, table)
}

fn schema(columns: &[(&str, DataType)], key: &[&str]) -> Schema {
    let mut schema = Schema::builder();
    for (name, data_type) in columns {
        schema = schema.column(*name, data_type.clone());
    }
    if key.is_empty() {
        schema.build().unwrap()
    } else {
        schema.primary_key(key.iter().copied()).build().unwrap()
    }
}

fn descriptor(schema: Schema) -> TableDescriptor {
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .property("table.log.arrow.compression.type", "NONE")
        .build()
        .unwrap()
}

/// The rows of a table of one bucket as they are read, one text a row.
async fn texts(table: &FlussTable, count: usize) -> Vec<String> {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let started = Instant::now();
    let mut texts = Vec::new();
    while texts.len() < count {
        assert!(started.elapsed() < PATIENCE, "{} of {count}", texts.len());
        for record in scanner.poll(Duration::from_secs(1)).await.unwrap() {
            texts.push(format!("{:?}", record.row()));
        }
    }
    texts
}

/// Nanoseconds before 1970, where rounding towards zero would show, and a time of day.
const NANOS: i64 = -1_234_567_899;
const MILLIS: i32 = 45_296_789;

fn times(id: impl Into<Datum<'static>>) -> GenericRow<'static> {
    GenericRow::from_data(vec![
        id.into(),
        TimestampNtz::from_nanos(NANOS).into(),
        TimestampNtz::from_nanos(NANOS).into(),
        TimestampLtz::from_nanos(NANOS).into(),
        Time::new(MILLIS).into(),
        vec![TimestampNtz::from_nanos(NANOS)].into(),
    ])
}

pub(crate) async fn digits_beyond_the_precision_of_a_time_are_the_same_in_lookups_and_changelogs() {
    let columns = [
        ("id", DataTypes::timestamp_with_precision(1)),
        ("seconds", DataTypes::timestamp_with_precision(0)),
        ("micros", DataTypes::timestamp_with_precision(6)),
        ("instant", DataTypes::timestamp_ltz_with_precision(4)),
        ("time", DataTypes::time_with_precision(0)),
        (
            "list",
            DataTypes::array(DataTypes::timestamp_with_precision(2)),
        ),
    ];
    let key = TimestampNtz::from_nanos(NANOS);
    let expected = "(1969-12-31T23:59:58.700, 1969-12-31T23:59:58, 1969-12-31T23:59:58.765432, \
                    1969-12-31T23:59:58.765400Z, 12:34:56, [1969-12-31T23:59:58.760])";
    for kv_format in ["compacted", "indexed"] {
        let descriptor = TableDescriptor::builder()
            .schema(schema(&columns, &["id"]))
            .bucket_count(1)
            .property("table.kv.format", kv_format)
            .build()
            .unwrap();
        let (_connection, table) = table("values_times", descriptor).await;
        let writer = table.new_upsert().unwrap().create_writer().unwrap();
        writer.upsert(&times(key)).unwrap().await.unwrap();
        let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
        for key in [key, TimestampNtz::new(-1_300)] {
            let key = GenericRow::from_data(vec![key]);
            let found = lookuper.lookup(&key).await.unwrap();
            let row = found.get_single_row().unwrap().unwrap();
            assert_eq!(format!("{row:?}"), expected, "{kv_format}");
        }
        assert_eq!(texts(&table, 1).await, [expected]);
        // It is the same row, whichever digits its key is given with.
        writer.delete(&times(TimestampNtz::new(-1_298))).unwrap();
        writer.flush().await.unwrap();
        let key = GenericRow::from_data(vec![key]);
        assert!(lookuper.lookup(&key).await.unwrap().is_empty());
    }
    for log_format in ["ARROW", "INDEXED", "COMPACTED"] {
        let descriptor = TableDescriptor::builder()
            .schema(schema(&columns, &[]))
            .bucket_count(1)
            .property("table.log.format", log_format)
            .build()
            .unwrap();
        let (_connection, table) = table("values_log_times", descriptor).await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        writer.append(&times(key)).unwrap();
        // The same as an Arrow batch.
        let nanos = || -> ArrayRef { Arc::new(TimestampNanosecondArray::from(vec![NANOS])) };
        let time: ArrayRef = Arc::new(arrow_array::Time32MillisecondArray::from(vec![MILLIS]));
        let mut list = ListBuilder::new(arrow_array::builder::TimestampNanosecondBuilder::new());
        list.append_value([Some(NANOS)]);
        let list: ArrayRef = Arc::new(list.finish());
        let batch = RecordBatch::try_from_iter([
            ("id", nanos()),
            ("seconds", nanos()),
            ("micros", nanos()),
            ("instant", nanos()),
            ("time", time),
            ("list", list),
        ])
        .unwrap();
        writer.append_arrow_batch(&batch).unwrap();
        writer.flush().await.unwrap();
        assert_eq!(texts(&table, 2).await, [expected, expected], "{log_format}");
    }
}

pub(crate) async fn a_time_that_names_a_partition_is_cut_like_any_other() {
    let columns = [
        ("day", DataTypes::timestamp_with_precision(0)),
        ("id", DataTypes::int()),
    ];
    let descriptor = TableDescriptor::builder()
        .schema(schema(&columns, &["day", "id"]))
        .partitioned_by(["day"])
        .bucket_count(1)
        .build()
        .unwrap();
    let (connection, table) = table("values_partition", descriptor).await;
    let row =
        |millis| GenericRow::from_data(vec![Datum::from(TimestampNtz::new(millis)), 1_i32.into()]);
    let writer = table.new_upsert().unwrap().create_writer().unwrap();
    writer.upsert(&row(1_234)).unwrap().await.unwrap();
    let admin = connection.get_admin().await.unwrap();
    let partitions = admin.list_partition_infos(table.table_path()).await;
    let names: Vec<String> = partitions
        .unwrap()
        .iter()
        .map(fluss::metadata::PartitionInfo::partition_name)
        .collect();
    assert_eq!(names, ["1970-01-01-00-00-01_"]);
    let lookuper = table.new_lookup().unwrap().create_lookuper().unwrap();
    for millis in [1_000, 1_234, 1_999] {
        let found = lookuper.lookup(&row(millis)).await.unwrap();
        let row = found.get_single_row().unwrap().unwrap();
        assert_eq!(row.get_timestamp_ntz(0, 0), TimestampNtz::new(1_000));
    }
}

pub(crate) async fn texts_and_bytes_of_another_length_are_refused_by_column() {
    let columns = [
        ("id", DataTypes::char(3)),
        ("code", DataTypes::char(3)),
        ("bytes", DataTypes::binary(2)),
    ];
    let row = |id: &str, code: &str, bytes: &[u8]| {
        GenericRow::from_data(vec![
            Datum::from(id.to_owned()),
            code.to_owned().into(),
            Datum::Bytes(bytes.to_vec().into()),
        ])
    };
    let good = row("漢字x", "abc", &[1, 2]);
    let bad = [
        (
            row("four", "abc", &[1, 2]),
            "\"id\" (position 0): \"four\" does not fit into CHAR(3)",
        ),
        (
            row("abc", "four", &[1, 2]),
            "\"code\" (position 1): \"four\"",
        ),
        (
            row("abc", "abc", &[1, 2, 3]),
            "\"bytes\" (position 2): a value of 3 bytes",
        ),
    ];
    let (_connection, keyed) = table("values_keyed", descriptor(schema(&columns, &["id"]))).await;
    let (_connection, log) = table("values_log", descriptor(schema(&columns, &[]))).await;
    let upserts = keyed.new_upsert().unwrap().create_writer().unwrap();
    let appends = log.new_append().unwrap().create_writer().unwrap();
    for (row, part) in bad {
        for error in [
            upserts.upsert(&row).err().unwrap(),
            appends.append(&row).err().unwrap(),
        ] {
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
            let source = std::error::Error::source(&error);
            let text = format!(
                "{text}: {}",
                source.map_or(String::new(), ToString::to_string)
            );
            assert!(text.contains(part), "{text} without {part}");
        }
    }
    upserts.upsert(&good).unwrap();
    appends.append(&good).unwrap();
    upserts.flush().await.unwrap();
    appends.flush().await.unwrap();
    let expected = ["(\"漢字x\", \"abc\", 0x0102)"];
    assert_eq!(texts(&keyed, 1).await, expected);
    assert_eq!(texts(&log, 1).await, expected);
    let lookuper = keyed.new_lookup().unwrap().create_lookuper().unwrap();
    let four = GenericRow::from_data(vec!["four"]);
    let error = lookuper.lookup(&four).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
}

pub(crate) async fn arrow_batches_are_converted_to_the_types_of_the_table() {
    let columns = [
        ("id", DataTypes::bigint()),
        ("name", DataTypes::string()),
        ("city", DataTypes::string()),
        ("code", DataTypes::tinyint()),
        ("price", DataTypes::decimal(5, 2)),
        ("at", DataTypes::timestamp_ltz_with_precision(3)),
        ("tags", DataTypes::array(DataTypes::string())),
    ];
    let batch = |code: Vec<u8>, price: Vec<i128>| {
        let city: DictionaryArray<arrow_array::types::Int32Type> = code
            .iter()
            .map(|code| (code % 2 == 0).then_some("Rome"))
            .collect();
        let rows = code.len();
        let price = Decimal128Array::from(price).with_precision_and_scale(12, 3);
        let mut tags = ListBuilder::new(StringBuilder::new());
        (0..rows).for_each(|_| tags.append_value([Some("a"), None]));
        let columns: [(&str, ArrayRef); 7] = [
            ("id", Arc::new(Int32Array::from_iter_values(0..rows as i32))),
            ("name", Arc::new(StringViewArray::from(vec!["n"; rows]))),
            ("city", Arc::new(city)),
            ("code", Arc::new(UInt8Array::from(code))),
            ("price", Arc::new(price.unwrap())),
            (
                "at",
                Arc::new(
                    TimestampNanosecondArray::from(vec![1_000_000; rows])
                        .with_timezone("Europe/Berlin"),
                ),
            ),
            ("tags", Arc::new(tags.finish())),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    for format in ["ARROW", "INDEXED", "COMPACTED"] {
        let descriptor = TableDescriptor::builder()
            .schema(schema(&columns, &[]))
            .bucket_count(1)
            .property("table.log.format", format)
            .build()
            .unwrap();
        let (_connection, table) = table("values_convert", descriptor).await;
        let writer = table.new_append().unwrap().create_writer().unwrap();
        for (bad, part) in [
            (
                batch(vec![1, 2, 128], vec![0, 0, 0]),
                "row 2, column \"code\" (position 3): 128",
            ),
            (
                batch(vec![1, 2, 3], vec![0, 1_001, 0]),
                "row 1, column \"price\" (position 4): 1.001",
            ),
        ] {
            let error = writer.append_arrow_batch(&bad).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
            let source = std::error::Error::source(&error).map(ToString::to_string);
            let text = format!("{error}: {}", source.unwrap_or_default());
            assert!(text.contains(part), "{text} without {part}");
        }
        writer
            .append_arrow_batch(&batch(vec![1, 2], vec![1_500, -20]))
            .unwrap();
        writer.flush().await.unwrap();
        let expected = [
            "(0, \"n\", null, 1, 1.50, 1970-01-01T00:00:00.001Z, [\"a\", null])",
            "(1, \"n\", \"Rome\", 2, -0.02, 1970-01-01T00:00:00.001Z, [\"a\", null])",
        ];
        assert_eq!(texts(&table, 2).await, expected, "{format}");
    }
}

pub(crate) async fn batches_handed_out_have_instants_in_utc_and_can_be_appended_again() {
    let columns = [
        ("id", DataTypes::bigint()),
        ("at", DataTypes::timestamp_ltz_with_precision(6)),
        ("local", DataTypes::timestamp_with_precision(6)),
    ];
    let (_connection, table) = table("values_utc", descriptor(schema(&columns, &[]))).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let row = GenericRow::from_data(vec![
        Datum::from(1_i64),
        TimestampLtz::from_micros(7).into(),
        TimestampNtz::from_micros(8).into(),
    ]);
    writer.append(&row).unwrap();
    writer.flush().await.unwrap();
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    let utc = ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(scanner.schema().field(1).data_type(), &utc);
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let started = Instant::now();
    let batch = loop {
        assert!(started.elapsed() < PATIENCE);
        let batches = scanner.poll(Duration::from_secs(1)).await.unwrap();
        if let Some(batch) = batches.into_iter().next() {
            break batch.batch().clone();
        }
    };
    assert_eq!(batch.schema().field(1).data_type(), &utc);
    assert_eq!(
        batch.schema().field(2).data_type(),
        &ArrowType::Timestamp(TimeUnit::Microsecond, None)
    );
    writer.append_arrow_batch(&batch).unwrap();
    writer.flush().await.unwrap();
    let read = texts(&table, 2).await;
    assert_eq!(read[0], read[1]);
}

pub(crate) async fn slices_of_one_row_of_nested_columns_travel_together() {
    const ROWS: usize = 2_000;
    let columns = [
        ("id", DataTypes::bigint()),
        ("list", DataTypes::array(DataTypes::bigint())),
        (
            "map",
            DataTypes::map(DataTypes::string().as_non_nullable(), DataTypes::bigint()),
        ),
        (
            "row",
            DataTypes::row(vec![DataTypes::field("name", DataTypes::string())]),
        ),
    ];
    let (connection, table) = table("values_slices", descriptor(schema(&columns, &[]))).await;
    let mut list = ListBuilder::new(Int64Builder::new());
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for row in 0..ROWS as i64 {
        list.append_value((row..row + 50).map(Some));
        for key in 0..5 {
            map.keys().append_value(format!("key {key}"));
            map.values().append_value(row);
        }
        map.append(true).unwrap();
    }
    let names: ArrayRef = Arc::new(LargeStringArray::from_iter_values(
        (0..ROWS).map(|row| format!("name {row}")),
    ));
    let name = Arc::new(Field::new("name", ArrowType::LargeUtf8, true));
    let batch = RecordBatch::try_from_iter::<_, &str>([
        (
            "id",
            Arc::new(Int64Array::from_iter_values(0..ROWS as i64)) as ArrayRef,
        ),
        ("list", Arc::new(list.finish())),
        ("map", Arc::new(map.finish())),
        ("row", Arc::new(StructArray::from(vec![(name, names)]))),
    ])
    .unwrap();
    let writer = table.new_append().unwrap().create_writer().unwrap();
    for row in 0..ROWS {
        writer.append_arrow_batch(&batch.slice(row, 1)).unwrap();
    }
    writer.flush().await.unwrap();
    let stats = connection.stats().writer;
    assert!(stats.batches_sent < 40, "{stats:?}");
    let scanner = table.new_scan().create_record_batch_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let started = Instant::now();
    let mut rows = 0;
    while rows < ROWS {
        assert!(started.elapsed() < PATIENCE);
        for batch in scanner.poll(Duration::from_secs(1)).await.unwrap() {
            let batch = batch.batch();
            let ids = batch.column(0).as_primitive::<Int64Type>();
            for (index, id) in ids.values().iter().enumerate() {
                let list = batch.column(1).as_list::<i32>().value(index);
                assert_eq!(list.as_primitive::<Int64Type>().value(49), id + 49);
            }
            rows += batch.num_rows();
        }
    }
}

pub(crate) async fn nulls_are_written_and_read_where_a_parent_is_null() {
    let inner = DataTypes::row(vec![DataTypes::field(
        "city",
        DataTypes::string().as_non_nullable(),
    )])
    .as_non_nullable();
    let columns = [(
        "address",
        DataTypes::row(vec![DataTypes::field("place", inner)]),
    )];
    let (_connection, table) = table("values_nulls", descriptor(schema(&columns, &[]))).await;
    let cities: ArrayRef = Arc::new(StringArray::from(vec![Some("Rome"), None]));
    let city = Arc::new(Field::new("city", ArrowType::Utf8, true));
    let place: ArrayRef = Arc::new(StructArray::from(vec![(city, cities)]));
    let place_field = Arc::new(Field::new("place", place.data_type().clone(), true));
    let address: ArrayRef = Arc::new(StructArray::new(
        vec![place_field].into(),
        vec![place],
        Some(vec![true, false].into()),
    ));
    let field = Field::new("address", address.data_type().clone(), true);
    let batch = RecordBatch::try_new(Arc::new(ArrowSchema::new(vec![field])), vec![address]);
    let writer = table.new_append().unwrap().create_writer().unwrap();
    writer.append_arrow_batch(&batch.unwrap()).unwrap();
    writer.flush().await.unwrap();
    assert_eq!(texts(&table, 2).await, ["(((\"Rome\")))", "(null)"]);
}
