//! What we write, by rows and by Arrow batches, is what we read, whatever the types and the codec.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType as ArrowType, Field, Schema};
use bytes::{Bytes, BytesMut};
use fluss_metadata::{ArrowCompression, DataField, DataTypes, LogFormat, RowType};
use fluss_row::arrow::{ColumnBuilders, ColumnarBatch, rows_to_batch};
use fluss_row::log::{
    ArrowLogBatchBuilder, DecodedBatch, LogBatch, LogBatches, ReadContext, RowLogBatchBuilder,
};
use fluss_row::{
    ChangeType, DataGetters, Date, Datum, Decimal, FlussArray, FlussMap, GenericRow, InternalRow,
    Time, TimestampLtz, TimestampNtz,
};

use crate::hostile::Noise;
use crate::support::same_row;

const SCALARS: &[&str] = &[
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "CHAR(5)",
    "STRING",
    "BINARY(3)",
    "BYTES",
    "DECIMAL(9, 2)",
    "DECIMAL(38, 20)",
    "DATE",
    "TIME(0)",
    "TIME(3)",
    "TIME(6)",
    "TIME(9)",
    "TIMESTAMP(0)",
    "TIMESTAMP(3)",
    "TIMESTAMP(6)",
    "TIMESTAMP(9)",
    "TIMESTAMP(0) WITH LOCAL TIME ZONE",
    "TIMESTAMP(3) WITH LOCAL TIME ZONE",
    "TIMESTAMP(6) WITH LOCAL TIME ZONE",
    "TIMESTAMP(9) WITH LOCAL TIME ZONE",
];

const NESTED: &[&str] = &[
    "ARRAY<INT>",
    "ARRAY<ARRAY<STRING>>",
    "MAP<STRING NOT NULL, BIGINT>",
    "MAP<INT NOT NULL, ARRAY<DECIMAL(9, 2)>>",
    "ROW<`a` INT, `b` STRING NOT NULL, `c` ROW<`d` TIMESTAMP(9)>>",
    "ARRAY<ROW<`x` DOUBLE, `y` MAP<STRING NOT NULL, BOOLEAN>>>",
];

pub fn all_types() -> RowType {
    let texts = SCALARS.iter().chain(NESTED);
    RowType::new(
        texts
            .enumerate()
            .map(|(index, text)| DataTypes::field(format!("c{index}"), text.parse().unwrap()))
            .collect(),
    )
}

/// A value that every unit of its type holds exactly.
fn random(field: &fluss_metadata::DataType, noise: &mut Noise) -> Datum<'static> {
    use fluss_metadata::DataTypeKind as Kind;
    if field.is_nullable() && noise.below(5) == 0 {
        return Datum::Null;
    }
    let text = |noise: &mut Noise, limit: usize| -> String {
        (0..noise.below(limit))
            .map(|_| ['a', 'é', '漢', '🚀', ' '][noise.below(5)])
            .collect()
    };
    match field.kind() {
        Kind::Boolean => Datum::from(noise.below(2) == 0),
        Kind::TinyInt => Datum::from(noise.next() as i8),
        Kind::SmallInt => Datum::from(noise.next() as i16),
        Kind::Int => Datum::from(noise.next() as i32),
        Kind::BigInt => Datum::from(noise.next() as i64),
        Kind::Float => Datum::from(f32::from_bits(noise.next() as u32)),
        Kind::Double => Datum::from(f64::from_bits(noise.next())),
        // Bytes are what an indexed row counts.
        Kind::Char { length } => {
            Datum::from("chars"[..noise.below(*length as usize + 1)].to_owned())
        }
        Kind::String => Datum::from(text(noise, 30)),
        Kind::Binary { length } => Datum::from(noise.bytes(*length as usize)),
        Kind::Bytes => {
            let length = noise.below(20);
            Datum::from(noise.bytes(length))
        }
        Kind::Decimal { precision, scale } => {
            let unscaled = i128::from(noise.next() as i64) % 10_i128.pow((*precision).min(18));
            Datum::Decimal(Decimal::from_unscaled(unscaled, *precision, *scale).unwrap())
        }
        Kind::Date => Datum::Date(Date::new(noise.next() as i32 % 100_000)),
        Kind::Time { precision } => {
            let millis = noise.below(86_400_000) as i32;
            Datum::Time(Time::new(if *precision == 0 {
                millis / 1000 * 1000
            } else {
                millis
            }))
        }
        Kind::Timestamp { precision } => {
            let (millis, nanos) = instant(*precision, noise);
            Datum::Timestamp(TimestampNtz::from_millis_nanos(millis, nanos).unwrap())
        }
        Kind::TimestampLtz { precision } => {
            let (millis, nanos) = instant(*precision, noise);
            Datum::TimestampLtz(TimestampLtz::from_millis_nanos(millis, nanos).unwrap())
        }
        Kind::Array(element) => Datum::Array(
            (0..noise.below(4))
                .map(|_| random(element, noise))
                .collect::<FlussArray<'_>>(),
        ),
        Kind::Map { key, value } => {
            let entries = (0..noise.below(4)).map(|_| (random(key, noise), random(value, noise)));
            Datum::Map(entries.collect::<FlussMap<'_>>())
        }
        Kind::Row(row_type) => Datum::Row(random_row(row_type, noise)),
    }
}

fn instant(precision: u32, noise: &mut Noise) -> (i64, i32) {
    let millis = noise.next() as i64 % 4_000_000_000_000;
    match precision {
        0 => (millis / 1000 * 1000, 0),
        1..=3 => (millis, 0),
        4..=6 => (millis, noise.below(1000) as i32 * 1000),
        _ => (millis, noise.below(1_000_000) as i32),
    }
}

pub fn random_row(row_type: &RowType, noise: &mut Noise) -> GenericRow<'static> {
    row_type
        .fields()
        .iter()
        .map(|field| random(field.data_type(), noise))
        .collect()
}

pub fn codecs() -> Vec<ArrowCompression> {
    let mut codecs = vec![ArrowCompression::NONE];
    if cfg!(feature = "lz4") {
        codecs.push(ArrowCompression::LZ4_FRAME);
    }
    if cfg!(feature = "zstd") {
        codecs.extend([1, 3, 9].map(|level| ArrowCompression::zstd(level).unwrap()));
    }
    codecs
}

fn read(bytes: impl Into<Bytes>, row_type: &RowType, format: LogFormat) -> DecodedBatch {
    let batch = LogBatch::parse(bytes).unwrap();
    batch.verify_crc().unwrap();
    batch
        .read(&ReadContext::new(format, row_type).unwrap())
        .unwrap()
}

fn assert_rows<R: DataGetters>(decoded: &DecodedBatch, rows: &[R]) {
    assert_eq!(decoded.row_count(), rows.len());
    for (row, expected) in decoded.rows().zip(rows) {
        assert!(same_row(&row, expected, false), "{row:?}");
        let again: Vec<_> = (0..row.field_count())
            .map(|pos| row.datum(pos).unwrap().is_null())
            .collect();
        assert_eq!(
            again,
            (0..row.field_count())
                .map(|pos| row.is_null_at(pos))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn rows_of_all_types_round_trip_through_every_codec() {
    let row_type = all_types();
    let mut noise = Noise::new(1);
    for compression in codecs() {
        let mut builder = ArrowLogBatchBuilder::new(&row_type, 3, compression).unwrap();
        for count in [1, 2, 7, 8, 9, 64, 300] {
            let rows: Vec<_> = (0..count)
                .map(|_| random_row(&row_type, &mut noise))
                .collect();
            for row in &rows {
                let before = builder.size_bytes();
                let added = builder.append(row).unwrap();
                assert_eq!(builder.size_bytes(), before + added);
            }
            assert!(builder.estimated_size(1.0) > builder.size_bytes());
            let uncompressed = builder.size_bytes();
            let mut sealed = builder.build().unwrap();
            assert!(builder.is_empty() && builder.size_bytes() == 0);
            assert_eq!(
                (sealed.record_count(), sealed.uncompressed_bytes()),
                (count, uncompressed)
            );
            let decoded = read(sealed.stamp(9, 8), &row_type, LogFormat::Arrow);
            assert_rows(&decoded, &rows);
            // The columns, appended as they are, in whole and in slices that begin anywhere.
            let columns = decoded.record_batch().unwrap();
            for (from, length) in [
                (0, count),
                (count / 2, count - count / 2),
                (count / 3, count / 2),
                (count - 1, 1),
                (count / 2, 0),
            ] {
                builder.append_batch(&columns.slice(from, length)).unwrap();
                let decoded = read(
                    builder.build().unwrap().stamp(1, 1),
                    &row_type,
                    LogFormat::Arrow,
                );
                assert_rows(&decoded, &rows[from..from + length]);
            }
            // Batches and rows one after another.
            builder
                .append_batch(&columns.slice(count / 2, count - count / 2))
                .unwrap();
            builder.append(&rows[0]).unwrap();
            builder
                .append_batch(&columns.slice(count / 3, count / 2))
                .unwrap();
            builder.append_batch(&columns).unwrap();
            let expected: Vec<_> = rows[count / 2..]
                .iter()
                .chain(&rows[..1])
                .chain(&rows[count / 3..count / 3 + count / 2])
                .chain(&rows)
                .cloned()
                .collect();
            assert_eq!(builder.row_count(), expected.len());
            assert_rows(
                &read(
                    builder.build().unwrap().stamp(1, 1),
                    &row_type,
                    LogFormat::Arrow,
                ),
                &expected,
            );
        }
    }
}

#[test]
fn rows_of_all_types_round_trip_through_the_row_formats() {
    let row_type = all_types();
    let mut noise = Noise::new(2);
    for format in [LogFormat::Indexed, LogFormat::Compacted] {
        let mut builder = RowLogBatchBuilder::new(&row_type, 3, format)
            .unwrap()
            .with_change_types();
        let changes = [
            ChangeType::Insert,
            ChangeType::UpdateBefore,
            ChangeType::UpdateAfter,
            ChangeType::Delete,
        ];
        let rows: Vec<_> = (0..100)
            .map(|_| random_row(&row_type, &mut noise))
            .collect();
        for (index, row) in rows.iter().enumerate() {
            builder.append_change(changes[index % 4], row).unwrap();
        }
        let decoded = read(builder.build().stamp(1, 1), &row_type, format);
        assert_rows(&decoded, &rows);
        assert!((0..100).all(|index| decoded.change_type(index) == changes[index % 4]));
        let columns = decoded.record_batch().unwrap();
        let columnar = ColumnarBatch::try_new(&row_type, &columns).unwrap();
        assert!(
            columnar
                .rows()
                .zip(&rows)
                .all(|(row, expected)| same_row(&row, expected, false))
        );
        assert_eq!(columns, rows_to_batch(&row_type, rows.iter()).unwrap());
        let changelog = decoded.changelog_batch().unwrap();
        assert_eq!(changelog.schema().field(0).name(), "_change_type");
    }
}

/// A batch that begins at any address is read, and what needs no alignment is shared with it.
#[test]
fn batches_at_any_address_are_read_and_texts_are_not_copied() {
    let row_type = all_types();
    let mut noise = Noise::new(3);
    let rows: Vec<_> = (0..50).map(|_| random_row(&row_type, &mut noise)).collect();
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 3, ArrowCompression::NONE).unwrap();
    for row in &rows {
        builder.append(row).unwrap();
    }
    let batch = builder.build().unwrap().stamp(1, 1);
    let context = ReadContext::new(LogFormat::Arrow, &row_type).unwrap();
    for shift in 0..16 {
        let mut bytes = BytesMut::zeroed(shift);
        bytes.extend_from_slice(&batch);
        let bytes = bytes.freeze();
        let found = LogBatches::new(bytes.slice(shift..))
            .next()
            .unwrap()
            .unwrap();
        let decoded = found.read(&context).unwrap();
        assert_rows(&decoded, &rows);
        let text = row_type
            .fields()
            .iter()
            .position(|field| field.data_type() == &DataTypes::string())
            .unwrap();
        let (row, value) = (0..50)
            .map(|index| decoded.row(index))
            .find_map(|row| {
                (!row.is_null_at(text) && !row.get_string(text).is_empty())
                    .then(|| (row.clone(), row.get_string(text).as_ptr() as usize))
            })
            .unwrap();
        let range = bytes.as_ptr() as usize..bytes.as_ptr() as usize + bytes.len();
        assert!(range.contains(&value), "{row:?} is a copy");
    }
}

#[test]
fn a_row_that_fails_leaves_nothing_behind_and_names_its_column() {
    let columns = [
        ("id", "BIGINT NOT NULL"),
        ("tags", "ARRAY<STRING NOT NULL>"),
        ("attributes", "MAP<STRING NOT NULL, INT NOT NULL>"),
        ("address", "ROW<`city` STRING, `zip` INT NOT NULL>"),
        ("code", "BINARY(2)"),
        ("at", "TIMESTAMP(9)"),
        ("last", "INT"),
    ];
    let row_type = RowType::new(
        columns
            .iter()
            .map(|(name, text)| DataTypes::field(*name, text.parse().unwrap()))
            .collect(),
    );
    let good = || -> Vec<Datum<'static>> {
        vec![
            Datum::from(1_i64),
            Datum::Array(FlussArray::from(vec!["x", "y"])),
            Datum::Map(FlussMap::from(vec![("k", 1)])),
            Datum::Row(GenericRow::from_data(vec![
                Datum::from("c"),
                Datum::from(2),
            ])),
            Datum::from(vec![1_u8, 2]),
            Datum::Timestamp(TimestampNtz::new(5)),
            Datum::from(3),
        ]
    };
    let bad: [(usize, Datum<'static>, &[&str]); 9] = [
        (0, Datum::Null, &["\"id\"", "BIGINT NOT NULL", "null"]),
        (
            0,
            Datum::from("text"),
            &["\"id\"", "BIGINT NOT NULL", "STRING"],
        ),
        (
            1,
            Datum::Array(FlussArray::from(vec![Some("x"), None])),
            &["\"tags[1]\""],
        ),
        (
            2,
            Datum::Map(FlussMap::from(vec![("k", Some(1)), ("l", None)])),
            &["\"attributes[value 1]\""],
        ),
        (
            3,
            Datum::Row(GenericRow::from_data(vec![Datum::from("c"), Datum::Null])),
            &["\"address.zip\"", "INT NOT NULL"],
        ),
        (
            3,
            Datum::Row(GenericRow::from_data(vec![Datum::from("c")])),
            &["\"address\"", "1 field,", "2 columns"],
        ),
        (
            4,
            Datum::from(vec![1_u8, 2, 3]),
            &["\"code\"", "BINARY(2)", "3 bytes"],
        ),
        (
            5,
            Datum::Timestamp(TimestampNtz::new(i64::MAX / 2)),
            &["\"at\"", "TIMESTAMP(9)"],
        ),
        (
            6,
            Datum::from(1_i64 << 40),
            &["\"last\"", "INT", "1099511627776"],
        ),
    ];
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE).unwrap();
    let mut rows = Vec::new();
    for (position, value, parts) in bad {
        let row = GenericRow::from_data(good());
        builder.append(&row).unwrap();
        rows.push(row);
        let mut values = good();
        values[position] = value;
        let before = builder.size_bytes();
        let error = builder.append(&GenericRow::from_data(values)).unwrap_err();
        assert!(!error.is_corrupt());
        for part in parts {
            assert!(error.to_string().contains(part), "{error} without {part}");
        }
        assert_eq!(
            (builder.row_count(), builder.size_bytes()),
            (rows.len(), before)
        );
    }
    assert!(builder.append(&GenericRow::new(6)).is_err());
    let decoded = read(
        builder.build().unwrap().stamp(1, 1),
        &row_type,
        LogFormat::Arrow,
    );
    assert_rows(&decoded, &rows);
    assert!(builder.append_change(ChangeType::Delete, &rows[0]).is_err());
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

#[test]
fn a_batch_of_other_columns_is_refused_by_the_name_of_the_column() {
    let row_type = RowType::new(vec![
        DataField::new("id", DataTypes::int().as_non_nullable()),
        DataField::new("name", DataTypes::string()),
    ]);
    let ids = || -> ArrayRef { Arc::new(Int32Array::from(vec![1, 2])) };
    let names = || -> ArrayRef { Arc::new(StringArray::from(vec!["a", "b"])) };
    let bad = [
        (batch(vec![("id", ids())]), "name"),
        (
            batch(vec![("id", ids()), ("name", names()), ("more", ids())]),
            "\"more\"",
        ),
        (
            batch(vec![
                ("id", Arc::new(Int32Array::from(vec![Some(1), None]))),
                ("name", names()),
            ]),
            "\"id\"",
        ),
        (
            batch(vec![
                ("id", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
                ("name", names()),
            ]),
            "\"id\" (position 0) holds Arrow's Float64",
        ),
        (
            batch(vec![("id", ids()), ("name", ids())]),
            "\"name\" (position 1) holds Arrow's Int32",
        ),
        (
            batch(vec![
                ("id", ids()),
                (
                    "name",
                    Arc::new(BinaryArray::from(vec!["a".as_bytes(), b"b"])),
                ),
            ]),
            "Arrow's Binary",
        ),
    ];
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE).unwrap();
    for (batch, part) in bad {
        let error = builder.append_batch(&batch).unwrap_err().to_string();
        assert!(error.contains(part), "{error} without {part}");
        assert!(builder.is_empty());
    }
    // The order of the columns, nullability and metadata do not matter.
    let fields = [("name", ArrowType::Utf8), ("id", ArrowType::Int32)].map(|(name, arrow)| {
        Field::new(name, arrow, true).with_metadata(
            [("key".to_owned(), "value".to_owned())]
                .into_iter()
                .collect(),
        )
    });
    let reordered =
        RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), vec![names(), ids()]).unwrap();
    builder.append_batch(&reordered).unwrap();
    let decoded = read(
        builder.build().unwrap().stamp(1, 1),
        &row_type,
        LogFormat::Arrow,
    );
    assert_eq!(
        (decoded.row(1).get_int(0), decoded.row(1).get_string(1)),
        (2, "b")
    );
    assert!(
        !decoded
            .record_batch()
            .unwrap()
            .schema()
            .field(0)
            .is_nullable()
    );
}

#[test]
fn a_time_zone_on_instants_is_let_through_and_one_on_local_times_is_not() {
    use arrow_array::TimestampMillisecondArray;
    let zoned: ArrayRef =
        Arc::new(TimestampMillisecondArray::from(vec![7]).with_timezone("Europe/Berlin"));
    let batch = batch(vec![("at", zoned)]);
    for (data_type, fine) in [
        (DataTypes::timestamp_ltz_with_precision(3), true),
        (DataTypes::timestamp_with_precision(3), false),
    ] {
        let row_type = RowType::new(vec![DataField::new("at", data_type)]);
        let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE).unwrap();
        assert_eq!(builder.append_batch(&batch).is_ok(), fine);
        if fine {
            let decoded = read(
                builder.build().unwrap().stamp(1, 1),
                &row_type,
                LogFormat::Arrow,
            );
            assert_eq!(
                decoded
                    .row(0)
                    .get_timestamp_ltz(0, 3)
                    .get_epoch_millisecond(),
                7
            );
        }
    }
}

#[test]
fn rows_of_a_scan_answer_by_name_and_say_what_is_wrong() {
    let row_type = RowType::new(vec![
        DataField::new("id", DataTypes::int()),
        DataField::new("name", DataTypes::string()),
    ]);
    let mut columns = ColumnBuilders::new(&row_type).unwrap();
    columns
        .append_row(&GenericRow::from_data(vec![Datum::from(1), Datum::Null]))
        .unwrap();
    let batch = ColumnarBatch::try_new(&row_type, &columns.finish().unwrap()).unwrap();
    let row = batch.row(0);
    assert_eq!(row.try_get::<i32>("id").unwrap(), 1);
    assert_eq!(row.try_get::<Option<&str>>("name").unwrap(), None);
    assert_eq!(row.field_index("name"), Some(1));
    for (error, part) in [
        (row.try_get::<&str>(1).unwrap_err(), "\"name\""),
        (
            row.try_get::<&str>(0).unwrap_err(),
            "\"id\" (position 0) holds INT, expected STRING",
        ),
        (row.try_get::<i64>(2).unwrap_err(), "2 fields"),
        (row.try_get::<i64>("other").unwrap_err(), "other"),
        (
            batch.row(1).try_get::<i32>(0).unwrap_err(),
            "row of a batch",
        ),
    ] {
        assert!(error.to_string().contains(part), "{error} without {part}");
    }
    assert!(
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| row.get_string(1).len())).is_err()
    );
}

#[test]
fn schema_ids_that_a_batch_cannot_hold_and_rows_in_an_arrow_log_are_refused() {
    let row_type = RowType::new(vec![DataField::new("id", DataTypes::int())]);
    assert!(ArrowLogBatchBuilder::new(&row_type, 40_000, ArrowCompression::NONE).is_err());
    assert!(RowLogBatchBuilder::new(&row_type, -1, LogFormat::Indexed).is_err());
    assert!(RowLogBatchBuilder::new(&row_type, 1, LogFormat::Arrow).is_err());
    let nested = RowType::new(vec![DataField::new("b", DataTypes::bytes())]);
    let error = ArrowLogBatchBuilder::new(&nested, 1, ArrowCompression::NONE)
        .unwrap()
        .with_statistics(&[0])
        .unwrap_err();
    assert!(error.to_string().contains("\"b\""), "{error}");
}

#[test]
fn appending_and_reading_rows_allocates_nothing_once_there_is_room() {
    let row_type = RowType::new(
        ["BIGINT", "INT", "DOUBLE", "STRING"]
            .map(|text| DataTypes::field(text, text.parse().unwrap()))
            .into(),
    );
    let row = GenericRow::from_data(vec![
        Datum::from(1_i64),
        Datum::from(2),
        Datum::from(0.5),
        Datum::from("twenty bytes of text"),
    ]);
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE).unwrap();
    let mut append = |rows: usize| {
        for _ in 0..rows {
            builder.append(&row).unwrap();
        }
        builder.build().unwrap()
    };
    // The first batch makes room in the columns, which the next ones use again.
    append(1000);
    let building = allocation_counter::measure(|| drop(append(1000))).count_total;
    assert!(building <= 40, "{building} allocations for a batch");
    let decoded = read(append(1000).stamp(1, 1), &row_type, LogFormat::Arrow);
    let reading = allocation_counter::measure(|| {
        for row in decoded.rows() {
            let sum = row.get_long(0)
                + i64::from(row.get_int(1))
                + row.get_double(2) as i64
                + row.get_string(3).len() as i64;
            assert_eq!(sum, 23);
        }
    });
    assert_eq!(reading.count_total, 0);
}

#[test]
fn a_large_batch_is_stamped_again_without_going_through_it() {
    let row_type = RowType::new(vec![DataField::new("noise", DataTypes::bytes())]);
    let mut noise = Noise::new(8);
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE).unwrap();
    while builder.size_bytes() < 1 << 20 {
        builder
            .append(&GenericRow::from_data(vec![noise.bytes(10_000)]))
            .unwrap();
    }
    let mut sealed = builder.build().unwrap();
    for (writer_id, sequence) in [(1, 0), (-1, -1), (i64::MAX, i32::MAX)] {
        let batch = LogBatch::parse(sealed.stamp(writer_id, sequence)).unwrap();
        batch.verify_crc().unwrap();
        assert_eq!(
            (batch.header().writer_id(), batch.header().sequence()),
            (writer_id, sequence)
        );
    }
}
