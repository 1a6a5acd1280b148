//! Arrow batches of users: what converts to the columns of a table, what does not, and what is read back of it.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, MapBuilder, StringBuilder, UInt16Builder, UInt64Builder};
use arrow_array::types::{Int8Type, Int32Type, UInt8Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date64Array, Decimal32Array,
    Decimal64Array, Decimal128Array, Decimal256Array, DictionaryArray, FixedSizeBinaryArray,
    FixedSizeListArray, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array,
    LargeBinaryArray, LargeListArray, LargeListViewArray, LargeStringArray, ListArray,
    ListViewArray, MapArray, NullArray, RecordBatch, RunArray, StringArray, StringViewArray,
    StructArray, Time32MillisecondArray, Time32SecondArray, Time64MicrosecondArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer, i256};
use arrow_schema::{DataType as ArrowType, Field, Schema, TimeUnit};
use fluss_metadata::{ArrowCompression, DataField, DataType, DataTypes, LogFormat, RowType};
use fluss_row::arrow::{ColumnBuilders, TableBatch, from_arrow_schema, to_arrow_schema};
use fluss_row::log::{ArrowLogBatchBuilder, LogBatch, ReadContext};
use fluss_row::{
    DataGetters, Datum, GenericRow, InternalRow, RowEncoder, RowError, RowFormat, Time,
    TimestampLtz, TimestampNtz,
};

fn one_column(data_type: &DataType) -> RowType {
    RowType::new(vec![DataField::new("c", data_type.clone())])
}

fn batch_of(array: ArrayRef) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([("c", array, true)]).unwrap()
}

/// What a reader finds in a log batch of this one column, row by row.
fn written(data_type: &DataType, array: &ArrayRef) -> Result<Vec<String>, RowError> {
    let row_type = one_column(data_type);
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE)?;
    builder.append_batch(&batch_of(Arc::clone(array)))?;
    let bytes = builder.build()?.stamp(1, 1);
    let context = ReadContext::new(LogFormat::Arrow, &row_type)?;
    let decoded = LogBatch::parse(bytes)?.read(&context)?;
    let batch = decoded.record_batch()?;
    assert_eq!(
        batch.column(0).data_type(),
        to_arrow_schema(&row_type)?.field(0).data_type()
    );
    (0..array.len())
        .map(|row| Ok(format!("{:?}", decoded.row(row).datum(0)?)))
        .collect()
}

fn parse(text: &str) -> DataType {
    text.parse().unwrap()
}

fn array(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

fn field(name: &str, arrow: ArrowType) -> Arc<Field> {
    Arc::new(Field::new(name, arrow, true))
}

/// A list array of any kind over the same elements: `[[1, 2], null, [], [3]]`.
fn lists(elements: &ArrayRef) -> Vec<ArrayRef> {
    let item = || field("item", elements.data_type().clone());
    let nulls = || Some(NullBuffer::from(vec![true, false, true, true]));
    let offsets = vec![0, 2, 2, 2, 3];
    vec![
        array(ListArray::new(
            item(),
            OffsetBuffer::new(offsets.clone().into()),
            Arc::clone(elements),
            nulls(),
        )),
        array(LargeListArray::new(
            item(),
            OffsetBuffer::new(offsets.iter().map(|at| i64::from(*at)).collect()),
            Arc::clone(elements),
            nulls(),
        )),
        array(ListViewArray::new(
            item(),
            vec![0, 1, 0, 2].into(),
            vec![2, 1, 0, 1].into(),
            Arc::clone(elements),
            nulls(),
        )),
        array(LargeListViewArray::new(
            item(),
            vec![0, 1, 0, 2].into(),
            vec![2, 1, 0, 1].into(),
            Arc::clone(elements),
            nulls(),
        )),
    ]
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn arrays_that_hold_the_same_values_are_converted() {
    let dictionary: DictionaryArray<Int32Type> = vec![Some("b"), None, Some("a"), Some("b")]
        .into_iter()
        .collect();
    let numbers = DictionaryArray::<Int8Type>::new(
        Int8Array::from(vec![Some(1), None, Some(0), Some(2)]),
        array(UInt64Array::from(vec![Some(7), Some(8), None])),
    );
    let runs = RunArray::try_new(
        &Int32Array::from(vec![2, 3]),
        &StringViewArray::from(vec![Some("x"), None]),
    )
    .unwrap();
    let wide = |value: i128| i256::from_i128(value);
    let cases: Vec<(&str, ArrayRef, &[&str])> = vec![
        (
            "STRING",
            array(LargeStringArray::from(vec![Some("a"), None])),
            &["\"a\"", "null"],
        ),
        (
            "STRING",
            array(StringViewArray::from(vec![
                Some("a longer text than a view has"),
                None,
            ])),
            &["\"a longer text than a view has\"", "null"],
        ),
        (
            "STRING",
            array(dictionary),
            &["\"b\"", "null", "\"a\"", "\"b\""],
        ),
        ("STRING", array(runs), &["\"x\"", "\"x\"", "null"]),
        (
            "CHAR(3)",
            array(LargeStringArray::from(vec!["abc", "漢漢漢"])),
            &["\"abc\"", "\"漢漢漢\""],
        ),
        (
            "BYTES",
            array(LargeBinaryArray::from(vec![Some(&b"ab"[..]), None])),
            &["0x6162", "null"],
        ),
        (
            "BYTES",
            array(BinaryViewArray::from(vec![Some(&b"ab"[..]), None])),
            &["0x6162", "null"],
        ),
        (
            "BYTES",
            array(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    [Some(b"ab"), None].into_iter(),
                    2,
                )
                .unwrap(),
            ),
            &["0x6162", "null"],
        ),
        (
            "BINARY(2)",
            array(BinaryArray::from(vec![Some(&b"ab"[..]), None])),
            &["0x6162", "null"],
        ),
        (
            "BINARY(2)",
            array(BinaryViewArray::from(vec![Some(&b"ab"[..]), None])),
            &["0x6162", "null"],
        ),
        (
            "TINYINT",
            array(UInt8Array::from(vec![Some(127), None])),
            &["127", "null"],
        ),
        (
            "SMALLINT",
            array(UInt64Array::from(vec![32_767])),
            &["32767"],
        ),
        ("INT", array(Int8Array::from(vec![-8])), &["-8"]),
        ("INT", array(UInt16Array::from(vec![65_535])), &["65535"]),
        ("INT", array(Int64Array::from(vec![-7])), &["-7"]),
        (
            "BIGINT",
            array(UInt32Array::from(vec![u32::MAX])),
            &["4294967295"],
        ),
        ("BIGINT", array(numbers), &["8", "null", "7", "null"]),
        ("DOUBLE", array(Float32Array::from(vec![0.5])), &["0.5"]),
        (
            "DECIMAL(5, 2)",
            array(
                Decimal32Array::from(vec![150])
                    .with_precision_and_scale(4, 1)
                    .unwrap(),
            ),
            &["15.00"],
        ),
        (
            "DECIMAL(5, 2)",
            array(
                Decimal64Array::from(vec![15_000])
                    .with_precision_and_scale(9, 4)
                    .unwrap(),
            ),
            &["1.50"],
        ),
        (
            "DECIMAL(5, 2)",
            array(
                Decimal128Array::from(vec![12_300])
                    .with_precision_and_scale(30, 3)
                    .unwrap(),
            ),
            &["12.30"],
        ),
        (
            "DECIMAL(5, 2)",
            array(
                Decimal256Array::from(vec![wide(12_345), wide(-1)])
                    .with_precision_and_scale(50, 2)
                    .unwrap(),
            ),
            &["123.45", "-0.01"],
        ),
        (
            "DECIMAL(38, 0)",
            array(
                Decimal256Array::from(vec![
                    wide(10_i128.pow(37)).wrapping_mul(wide(10_i128.pow(20))),
                ])
                .with_precision_and_scale(60, 20)
                .unwrap(),
            ),
            &["10000000000000000000000000000000000000"],
        ),
        (
            "DECIMAL(20, 0)",
            array(UInt64Array::from(vec![u64::MAX])),
            &["18446744073709551615"],
        ),
        (
            "DECIMAL(5, 2)",
            array(Int32Array::from(vec![-7])),
            &["-7.00"],
        ),
        (
            "DATE",
            array(Date64Array::from(vec![Some(86_400_000), None])),
            &["1970-01-02", "null"],
        ),
        (
            "TIME(3)",
            array(Time64NanosecondArray::from(vec![1_000_000])),
            &["00:00:00.001"],
        ),
        (
            "TIME(6)",
            array(Time32SecondArray::from(vec![61])),
            &["00:01:01"],
        ),
        (
            "TIME(0)",
            array(Time32MillisecondArray::from(vec![61_000])),
            &["00:01:01"],
        ),
        (
            "TIMESTAMP(3)",
            array(TimestampSecondArray::from(vec![1])),
            &["1970-01-01T00:00:01"],
        ),
        (
            "TIMESTAMP(9)",
            array(TimestampMicrosecondArray::from(vec![1])),
            &["1970-01-01T00:00:00.000001"],
        ),
        (
            "TIMESTAMP(6)",
            array(TimestampNanosecondArray::from(vec![1_000])),
            &["1970-01-01T00:00:00.000001"],
        ),
        (
            "TIMESTAMP_LTZ(3)",
            array(TimestampMillisecondArray::from(vec![1]).with_timezone("UTC")),
            &["1970-01-01T00:00:00.001Z"],
        ),
        (
            "TIMESTAMP_LTZ(3)",
            array(TimestampMillisecondArray::from(vec![1])),
            &["1970-01-01T00:00:00.001Z"],
        ),
        (
            "TIMESTAMP_LTZ(3)",
            array(TimestampSecondArray::from(vec![1]).with_timezone("Asia/Tokyo")),
            &["1970-01-01T00:00:01Z"],
        ),
        ("INT", array(NullArray::new(2)), &["null", "null"]),
        (
            "ARRAY<INT>",
            array(FixedSizeListArray::new(
                field("item", ArrowType::Int32),
                2,
                array(Int32Array::from(vec![1, 2, 3, 4])),
                Some(NullBuffer::from(vec![false, true])),
            )),
            &["null", "[3, 4]"],
        ),
    ];
    for (text, array, expected) in cases {
        let got = written(&parse(text), &array);
        let got = got.unwrap_or_else(|error| panic!("{text} of {}: {error}", array.data_type()));
        assert_eq!(got, expected, "{text} of {}", array.data_type());
        // Of a slice, what it covers.
        let got = written(&parse(text), &array.slice(array.len() - 1, 1)).unwrap();
        assert_eq!(got, expected[expected.len() - 1..], "{text} of a slice");
    }
}

#[test]
fn arrays_are_converted_in_lists_maps_and_rows_too() {
    for elements in [
        array(Int32Array::from(vec![1, 2, 3])),
        array(UInt64Array::from(vec![1, 2, 3])),
        array(DictionaryArray::<UInt8Type>::new(
            UInt8Array::from(vec![2, 1, 0]),
            array(Int64Array::from(vec![3, 2, 1])),
        )),
    ] {
        for list in lists(&elements) {
            let expected = ["[1, 2]", "null", "[]", "[3]"];
            let what = list.data_type().to_string();
            let got = written(&parse("ARRAY<INT NOT NULL>"), &list);
            assert_eq!(got.unwrap(), expected, "{what}");
            for row in 0..4 {
                let got = written(&parse("ARRAY<INT>"), &list.slice(row, 1)).unwrap();
                assert_eq!(got, expected[row..=row], "row {row} of {what}");
            }
            // Lists of lists.
            for outer in lists(&list.slice(0, 3)) {
                let got = written(&parse("ARRAY<ARRAY<INT>>"), &outer).unwrap();
                assert_eq!(got, ["[[1, 2], null]", "null", "[]", "[[]]"]);
            }
            let rows = StructArray::from(vec![(field("list", list.data_type().clone()), list)]);
            let got = written(&parse("ROW<`list` ARRAY<INT>>"), &array(rows)).unwrap();
            assert_eq!(got, ["([1, 2])", "(null)", "([])", "([3])"]);
        }
    }
    let mut map = MapBuilder::new(None, StringBuilder::new(), UInt16Builder::new());
    map.keys().append_value("a");
    map.values().append_value(7);
    map.append(true).unwrap();
    map.append(false).unwrap();
    let got = written(&parse("MAP<STRING NOT NULL, INT>"), &array(map.finish())).unwrap();
    assert_eq!(got, ["{\"a\": 7}", "null"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn a_value_that_a_column_cannot_hold_is_refused_by_column_and_row() {
    let in_list = {
        let mut list = ListBuilder::new(UInt64Builder::new());
        list.append_value([Some(1), Some(2)]);
        list.append_null();
        list.append_value([Some(3), Some(u64::MAX)]);
        list.finish()
    };
    let in_row = StructArray::from(vec![(
        field("n", ArrowType::Int64),
        array(Int64Array::from(vec![1, 2, 300])),
    )]);
    let in_map = {
        let mut map = MapBuilder::new(None, StringBuilder::new(), UInt16Builder::new());
        map.keys().append_value("a");
        map.values().append_value(7);
        map.append(true).unwrap();
        map.append(true).unwrap();
        map.keys().append_value("bcd");
        map.values().append_value(8);
        map.append(true).unwrap();
        map.finish()
    };
    let decimals = |values: Vec<i128>| Decimal128Array::from(values);
    let cases: Vec<(&str, ArrayRef, &str)> = vec![
        (
            "TINYINT",
            array(UInt8Array::from(vec![1, 2, 128])),
            "row 2, column \"c\" (position 0): 128 does not fit into TINYINT",
        ),
        (
            "INT",
            array(Int64Array::from(vec![1, 1, 1 << 31])),
            "2147483648 does not fit into INT",
        ),
        (
            "DECIMAL(4, 2)",
            array(
                decimals(vec![0, 0, 10_000])
                    .with_precision_and_scale(4, 2)
                    .unwrap(),
            ),
            "100.00 does not fit into DECIMAL(4, 2)",
        ),
        (
            "DECIMAL(4, 2)",
            array(
                decimals(vec![0, 0, -10_000])
                    .with_precision_and_scale(4, 2)
                    .unwrap(),
            ),
            "-100.00",
        ),
        (
            "DECIMAL(38, 0)",
            array(
                decimals(vec![0, 0, 10_i128.pow(38)])
                    .with_precision_and_scale(38, 0)
                    .unwrap(),
            ),
            "DECIMAL(38, 0)",
        ),
        (
            "DECIMAL(4, 2)",
            array(
                decimals(vec![0, 0, 1_234])
                    .with_precision_and_scale(9, 3)
                    .unwrap(),
            ),
            "1.234",
        ),
        (
            "DECIMAL(4, 2)",
            array(
                Decimal256Array::from(vec![i256::ZERO, i256::ZERO, i256::MAX])
                    .with_precision_and_scale(76, 2)
                    .unwrap(),
            ),
            "DECIMAL(4, 2)",
        ),
        ("DATE", array(Date64Array::from(vec![0, 0, 1])), "DATE"),
        (
            "BINARY(2)",
            array(BinaryArray::from(vec![&b"ab"[..], b"ab", b"abc"])),
            "a value of 3 bytes does not fit into BINARY(2)",
        ),
        (
            "CHAR(3)",
            array(StringArray::from(vec!["", "abc", "four"])),
            "\"four\" does not fit into CHAR(3)",
        ),
        (
            "CHAR(3)",
            array(StringViewArray::from(vec!["", "abc", "four"])),
            "\"four\"",
        ),
        (
            "TIMESTAMP(9)",
            array(TimestampSecondArray::from(vec![0, 0, i64::MAX])),
            "TIMESTAMP(9)",
        ),
        (
            "TIMESTAMP(0)",
            array(TimestampSecondArray::from(vec![0, 0, i64::MAX])),
            "TIMESTAMP(0)",
        ),
        (
            "TIME(0)",
            array(Time32SecondArray::from(vec![0, 0, i32::MAX])),
            "TIME(0)",
        ),
        (
            "ARRAY<INT>",
            array(in_list),
            "row 2, column \"c[1]\" (position 0): 18446744073709551615 does not fit into INT",
        ),
        (
            "ROW<`n` TINYINT>",
            array(in_row),
            "row 2, column \"c.n\" (position 0): 300 does not fit into TINYINT",
        ),
        (
            "MAP<CHAR(2) NOT NULL, INT>",
            array(in_map),
            "row 2, column \"c[key 0]\"",
        ),
    ];
    for (text, array, part) in cases {
        let error = written(&parse(text), &array).unwrap_err();
        assert!(
            matches!(error, RowError::BatchValue { row: 2, .. }) && !error.is_corrupt(),
            "{error:?}"
        );
        assert!(error.to_string().contains(part), "{error} without {part}");
        // Where nothing is wrong, nothing is refused; the row is that of the batch that was given.
        written(&parse(text), &array.slice(0, 2)).unwrap();
        let error = written(&parse(text), &array.slice(1, 2)).unwrap_err();
        assert!(
            matches!(error, RowError::BatchValue { row: 1, .. }),
            "{error:?}"
        );
    }
}

#[test]
fn what_stands_behind_a_null_is_no_value() {
    let nulls = || Some(NullBuffer::from(vec![true, false]));
    let decimals = Decimal128Array::new(vec![1, i128::MAX].into(), nulls());
    let cases: Vec<(&str, ArrayRef)> = vec![
        (
            "DECIMAL(4, 2)",
            array(decimals.with_precision_and_scale(4, 2).unwrap()),
        ),
        (
            "TINYINT",
            array(UInt32Array::new(vec![1, 1_000].into(), nulls())),
        ),
        (
            "TIMESTAMP(9)",
            array(TimestampSecondArray::new(vec![1, i64::MAX].into(), nulls())),
        ),
        (
            "TIME(0)",
            array(Time32SecondArray::new(vec![1, i32::MAX].into(), nulls())),
        ),
    ];
    for (text, values) in cases {
        let got = written(&parse(text), &values).unwrap();
        assert_eq!(got[1], "null", "{text}");
        // Neither is what stands in a row that is null.
        let field = field("n", values.data_type().clone());
        let whole = match values.data_type() {
            ArrowType::UInt32 => array(UInt32Array::from(vec![1, 1_000])),
            _ => values,
        };
        let rows = StructArray::new(vec![field].into(), vec![whole], nulls());
        let got = written(&parse(&format!("ROW<`n` {text}>")), &array(rows)).unwrap();
        assert_eq!(got[1], "null");
    }
}

#[test]
fn not_null_fields_below_a_null_are_written_and_read_at_any_depth() {
    let leaf = || array(Int32Array::from(vec![Some(1), None, None]));
    let nested = |levels: usize, nulls: &[bool]| {
        (0..levels).fold(leaf(), |inner, level| {
            // Only the outermost level says what is null.
            let nulls = (level + 1 == levels).then(|| NullBuffer::from(nulls.to_vec()));
            let fields = vec![field("f", inner.data_type().clone())];
            array(StructArray::new(fields.into(), vec![inner], nulls))
        })
    };
    for levels in 1..5 {
        let mut inner = DataTypes::int().as_non_nullable();
        for level in 0..levels {
            let is_outermost = level + 1 == levels;
            inner = DataTypes::row(vec![DataTypes::field("f", inner)]).with_nullable(is_outermost);
        }
        let got = written(&inner, &nested(levels, &[true, false, false])).unwrap();
        let first = format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
        assert_eq!(got, [first.as_str(), "null", "null"]);
        let error = written(&inner, &nested(levels, &[true, false, true])).unwrap_err();
        let path = format!("\"c{}\"", ".f".repeat(levels));
        assert!(error.to_string().contains(&path), "{error} without {path}");
    }
}

#[test]
fn elements_of_null_lists_are_left_out() {
    // The second list is null, and yet points to a null.
    let nulls = Some(NullBuffer::from(vec![true, false, true]));
    let elements = array(Int32Array::from(vec![Some(1), None, None, Some(4)]));
    let list = array(ListArray::new(
        field("item", ArrowType::Int32),
        OffsetBuffer::new(vec![0, 1, 3, 4].into()),
        Arc::clone(&elements),
        nulls.clone(),
    ));
    let data_type = parse("ARRAY<INT NOT NULL>");
    assert_eq!(written(&data_type, &list).unwrap(), ["[1]", "null", "[4]"]);
    assert_eq!(
        written(&data_type, &list.slice(1, 2)).unwrap(),
        ["null", "[4]"]
    );
    // So it is in a row that is null.
    let whole = ListArray::new(
        field("item", ArrowType::Int32),
        OffsetBuffer::new(vec![0, 1, 3, 4].into()),
        elements,
        None,
    );
    let fields = vec![field("f", whole.data_type().clone())];
    let rows = array(StructArray::new(fields.into(), vec![array(whole)], nulls));
    let data_type = parse("ROW<`f` ARRAY<INT NOT NULL> NOT NULL>");
    assert_eq!(
        written(&data_type, &rows).unwrap(),
        ["([1])", "null", "([4])"]
    );
    let error = written(
        &parse("ARRAY<INT NOT NULL>"),
        &lists(&array(Int32Array::from(vec![Some(1), None, None])))[0],
    );
    assert!(error.unwrap_err().to_string().contains("\"c[1]\""));
}

#[test]
fn a_slice_counts_only_what_it_covers() {
    let rows = 1_000;
    let element = |row: i32| (row..row + 20).map(Some).collect::<Vec<_>>();
    let list =
        ListArray::from_iter_primitive::<Int32Type, _, _>((0..rows).map(|row| Some(element(row))));
    let texts = StringArray::from_iter_values((0..rows).map(|row| format!("{row:040}")));
    let structs = StructArray::from(vec![
        (field("list", list.data_type().clone()), array(list.clone())),
        (field("text", ArrowType::Utf8), array(texts.clone())),
    ]);
    let keys = StringArray::from_iter_values((0..rows * 20).map(|key| format!("{key:010}")));
    let entries = StructArray::from(vec![
        (
            Arc::new(Field::new("key", ArrowType::Utf8, false)),
            array(keys),
        ),
        (
            field("value", ArrowType::Int32),
            array(Int32Array::from_iter_values(0..rows * 20)),
        ),
    ]);
    let map = MapArray::new(
        Arc::new(Field::new("entries", entries.data_type().clone(), false)),
        OffsetBuffer::new((0..=rows).map(|row| row * 20).collect()),
        entries,
        None,
        false,
    );
    let nested = LargeListArray::new(
        field("item", structs.data_type().clone()),
        OffsetBuffer::new((0..=i64::from(rows) / 10).map(|row| row * 10).collect()),
        array(structs.clone()),
        None,
    );
    let cases: Vec<(&str, ArrayRef, usize)> = vec![
        ("ARRAY<INT>", array(list), 20 * 4 + 8),
        (
            "ROW<`list` ARRAY<INT>, `text` STRING>",
            array(structs),
            20 * 4 + 8 + 40 + 8,
        ),
        (
            "MAP<STRING NOT NULL, INT>",
            array(map),
            8 + 20 * 10 + 21 * 4 + 20 * 4,
        ),
        (
            "ARRAY<ROW<`list` ARRAY<INT>, `text` STRING>>",
            array(nested),
            8 + 10 * (80 + 4 + 44) + 8,
        ),
    ];
    for (text, array, one_row) in cases {
        let row_type = one_column(&parse(text));
        let whole = TableBatch::try_new(&row_type, &batch_of(Arc::clone(&array))).unwrap();
        let total = whole.size_bytes();
        for row in [0, 7, whole.row_count() - 1] {
            let slice = whole.slice(row, 1);
            assert_eq!(slice.size_bytes(), one_row, "{text}");
            let given = batch_of(array.slice(row, 1));
            let given = TableBatch::try_new(&row_type, &given).unwrap();
            assert_eq!(given.size_bytes(), one_row, "{text}");
            let mut builder =
                ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE).unwrap();
            assert_eq!(builder.append_table_batch(&slice).unwrap(), one_row);
        }
        assert!(
            total > whole.row_count() * (one_row - 24),
            "{text}: {total}"
        );
    }
}

#[test]
fn rows_are_taken_in_any_order_and_lists_never_overflow() {
    let row_type = one_column(&parse("ARRAY<TINYINT>"));
    let long = ListArray::from_iter_primitive::<Int8Type, _, _>([
        Some(vec![Some(1); 1 << 20]),
        Some(vec![Some(2)]),
    ]);
    let batch = TableBatch::try_new(&row_type, &batch_of(array(long.clone()))).unwrap();
    let taken = batch.take(&[1, 0, 1]).unwrap();
    assert_eq!(taken.rows().unwrap().row(2).get_array(0).unwrap().len(), 1);
    assert!(batch.take(&[2]).is_err());
    let often = vec![0; 3_000];
    assert!(matches!(batch.take(&often), Err(RowError::TooLarge { .. })));
    // The same by a dictionary, and by views that overlap.
    let keys = Int32Array::from(vec![0; 3_000]);
    let dictionary = DictionaryArray::<Int32Type>::new(keys, array(long.clone()));
    let refused = TableBatch::try_new(&row_type, &batch_of(array(dictionary)));
    assert!(
        matches!(refused, Err(RowError::TooLarge { .. })),
        "{refused:?}"
    );
    let views = ListViewArray::new(
        field("item", long.data_type().clone()),
        ScalarBuffer::from(vec![0; 3_000]),
        ScalarBuffer::from(vec![2; 3_000]),
        array(long),
        None,
    );
    let row_type = one_column(&parse("ARRAY<ARRAY<TINYINT>>"));
    let refused = TableBatch::try_new(&row_type, &batch_of(array(views)));
    assert!(
        matches!(refused, Err(RowError::TooLarge { .. })),
        "{refused:?}"
    );
}

#[test]
fn an_exact_batch_is_shared_and_not_copied() {
    let row_type = RowType::new(vec![
        DataField::new("n", DataTypes::bigint()),
        DataField::new("s", DataTypes::string()),
        DataField::new("d", DataTypes::decimal(9, 2)),
        DataField::new("at", DataTypes::timestamp_ltz_with_precision(6)),
        DataField::new("list", DataTypes::array(DataTypes::int())),
    ]);
    let mut columns = ColumnBuilders::new(&row_type).unwrap();
    for n in 0..10_i64 {
        let row = GenericRow::from_data(vec![
            Datum::from(n),
            "text".into(),
            "1.25".parse::<fluss_row::Decimal>().unwrap().into(),
            TimestampLtz::new(n).into(),
            vec![1, 2].into(),
        ]);
        columns.append_row(&row).unwrap();
    }
    let batch = columns.finish().unwrap();
    let table = TableBatch::try_new(&row_type, &batch).unwrap();
    for (given, held) in batch.columns().iter().zip(table.record_batch().columns()) {
        assert!(Arc::ptr_eq(given, held), "{}", given.data_type());
    }
    let other = one_column(&DataTypes::int());
    let mut builder = ArrowLogBatchBuilder::new(&other, 1, ArrowCompression::NONE).unwrap();
    assert!(builder.append_table_batch(&table).is_err());
}

#[test]
fn digits_of_a_time_beyond_the_columns_precision_are_cut_in_rows_keys_and_batches_alike() {
    // 1969-12-31T23:59:58.765432101 and 12:34:56.789
    let (nanos, millis_of_day) = (-1_234_567_899_i64, 45_296_789);
    for precision in 0..10_u32 {
        let local = parse(&format!("TIMESTAMP({precision})"));
        let instant = parse(&format!("TIMESTAMP_LTZ({precision})"));
        let time = parse(&format!("TIME({precision})"));
        let step = 10_i64.pow(9 - precision);
        let cut = nanos.div_euclid(step) * step;
        let expected_local = format!("{:?}", TimestampNtz::from_nanos(cut));
        let expected_instant = format!("{:?}", TimestampLtz::from_nanos(cut));
        let step = 10_i32.pow(3_u32.saturating_sub(precision));
        let expected_time = format!("{:?}", Time::new(millis_of_day / step * step));
        let values: [(&DataType, Datum<'static>, &str, Vec<ArrayRef>); 3] = [
            (
                &local,
                TimestampNtz::from_nanos(nanos).into(),
                &expected_local,
                vec![array(TimestampNanosecondArray::from(vec![nanos]))],
            ),
            (
                &instant,
                TimestampLtz::from_nanos(nanos).into(),
                &expected_instant,
                vec![
                    array(TimestampNanosecondArray::from(vec![nanos]).with_timezone("UTC")),
                    array(TimestampNanosecondArray::from(vec![nanos])),
                ],
            ),
            (
                &time,
                Time::new(millis_of_day).into(),
                &expected_time,
                vec![
                    array(Time32MillisecondArray::from(vec![millis_of_day])),
                    array(Time64MicrosecondArray::from(vec![
                        i64::from(millis_of_day) * 1_000,
                    ])),
                ],
            ),
        ];
        for (data_type, value, expected, arrays) in values {
            for array in arrays {
                assert_eq!(
                    written(data_type, &array).unwrap(),
                    [expected],
                    "{data_type}"
                );
            }
            let row = GenericRow::from_data(vec![value.clone()]);
            let nested = GenericRow::from_data(vec![Datum::from(vec![value])]);
            let list_type = DataTypes::array(data_type.clone());
            for (row, row_type, expected) in [
                (row, one_column(data_type), expected.to_owned()),
                (nested, one_column(&list_type), format!("[{expected}]")),
            ] {
                let mut columns = ColumnBuilders::new(&row_type).unwrap();
                columns.append_row(&row).unwrap();
                let batch = columns.finish().unwrap();
                let batch = TableBatch::try_new(&row_type, &batch)
                    .unwrap()
                    .rows()
                    .unwrap();
                let got = format!("{:?}", batch.row(0).datum(0).unwrap());
                assert_eq!(got, expected, "{row_type}");
                for format in [RowFormat::Compacted, RowFormat::Indexed, RowFormat::Aligned] {
                    let encoder = RowEncoder::of_table(format, &row_type).unwrap();
                    let mut bytes = Vec::new();
                    encoder.encode(&row, &mut bytes).unwrap();
                    let decoded = encoder.decoder().decode(bytes.into()).unwrap();
                    let got = format!("{:?}", decoded.to_generic().unwrap().values()[0]);
                    assert_eq!(got, expected, "{format:?} {row_type}");
                }
            }
        }
    }
}

#[test]
fn a_char_that_is_too_long_and_a_binary_of_another_length_are_refused_in_every_form() {
    let cases: [(&str, Datum<'_>, bool); 7] = [
        ("CHAR(3)", "abc".into(), true),
        ("CHAR(3)", "four".into(), false),
        ("CHAR(3)", "".into(), true),
        ("CHAR(4)", "🚀🚀🚀🚀🚀".into(), false),
        (
            "BINARY(2)",
            vec![1_u8, 2].as_slice().to_owned().into(),
            true,
        ),
        (
            "BINARY(2)",
            vec![1_u8, 2, 3].as_slice().to_owned().into(),
            false,
        ),
        ("ARRAY<CHAR(3)>", vec!["abc", "four"].into(), false),
    ];
    for (text, value, fits) in cases {
        let value = match value {
            Datum::Array(array) if text.starts_with("BINARY") => {
                Datum::Bytes((0..array.len()).map(|index| index as u8).collect())
            }
            other => other,
        };
        let row_type = one_column(&parse(text));
        let row = GenericRow::from_data(vec![value]);
        let mut columns = ColumnBuilders::new(&row_type).unwrap();
        let appended = columns.append_row(&row).map(|_| ());
        assert_eq!(appended.is_ok(), fits, "{text} {row:?} {appended:?}");
        for format in [RowFormat::Compacted, RowFormat::Indexed, RowFormat::Aligned] {
            let encoder = RowEncoder::of_table(format, &row_type).unwrap();
            let done = encoder.encode(&row, &mut Vec::new());
            assert_eq!(done.is_ok(), fits, "{format:?} {text} {row:?}");
            if let Err(error) = done {
                assert!(error.to_string().contains("\"c"), "{error}");
            }
        }
    }
}

#[test]
fn instants_are_in_the_zone_utc_for_users_and_a_schema_goes_both_ways() {
    let row_type = RowType::new(vec![
        DataField::new("at", DataTypes::timestamp_ltz_with_precision(6)),
        DataField::new("local", DataTypes::timestamp_with_precision(6)),
        DataField::new(
            "all",
            DataTypes::array(DataTypes::timestamp_ltz_with_precision(3)),
        ),
    ]);
    let schema = to_arrow_schema(&row_type).unwrap();
    let utc = |unit| ArrowType::Timestamp(unit, Some("UTC".into()));
    assert_eq!(schema.field(0).data_type(), &utc(TimeUnit::Microsecond));
    assert_eq!(
        schema.field(1).data_type(),
        &ArrowType::Timestamp(TimeUnit::Microsecond, None)
    );
    assert_eq!(from_arrow_schema(&schema).unwrap(), row_type);
    let row = GenericRow::from_data(vec![
        Datum::from(TimestampLtz::from_micros(1)),
        TimestampNtz::from_micros(2).into(),
        vec![TimestampLtz::new(3)].into(),
    ]);
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE).unwrap();
    builder.append(&row).unwrap();
    let by_row = builder.build().unwrap().stamp(1, 1);
    let context = ReadContext::new(LogFormat::Arrow, &row_type).unwrap();
    let batch = LogBatch::parse(by_row.clone())
        .unwrap()
        .read(&context)
        .unwrap();
    let batch = batch.record_batch().unwrap();
    assert_eq!(batch.schema(), schema);
    // Whichever zone the batch that was given names, the bytes are the same.
    let without = Schema::new(vec![
        Field::new(
            "at",
            ArrowType::Timestamp(TimeUnit::Microsecond, None),
            true,
        ),
        Field::new(
            "local",
            ArrowType::Timestamp(TimeUnit::Microsecond, None),
            true,
        ),
        schema.field(2).clone(),
    ]);
    let at = TimestampMicrosecondArray::from(vec![1]);
    let mut columns = batch.columns().to_vec();
    columns[0] = array(at);
    let without = RecordBatch::try_new(Arc::new(without), columns).unwrap();
    for given in [batch, without] {
        builder.append_batch(&given).unwrap();
        assert_eq!(builder.build().unwrap().stamp(1, 1), by_row);
    }
}

#[test]
fn any_array_for_any_column_is_refused_by_name_or_can_be_read() {
    let two = |values: ArrayRef| values.slice(0, 2);
    let texts = StringArray::from(vec![Some("a"), None]);
    let arrays: Vec<ArrayRef> = vec![
        array(BooleanArray::from(vec![true, false])),
        array(Int8Array::from(vec![Some(-1), None])),
        array(UInt64Array::from_iter_values([1, u64::MAX])),
        array(Float64Array::from(vec![f64::NAN, 1.0])),
        array(Decimal128Array::from(vec![i128::MIN, i128::MAX])),
        array(Decimal256Array::from(vec![i256::MIN, i256::MAX])),
        array(Date64Array::from(vec![i64::MIN, i64::MAX])),
        array(Time64NanosecondArray::from(vec![i64::MIN, i64::MAX])),
        array(Time32MillisecondArray::from(vec![i32::MIN, i32::MAX])),
        array(TimestampSecondArray::from(vec![i64::MIN, i64::MAX])),
        array(TimestampNanosecondArray::from(vec![i64::MIN, i64::MAX]).with_timezone("+01:00")),
        array(texts.clone()),
        array(LargeBinaryArray::from(vec![Some(&b"\xff"[..]), None])),
        array(NullArray::new(2)),
        array(DictionaryArray::<Int8Type>::new(
            Int8Array::from(vec![Some(0), None]),
            array(texts),
        )),
        array(DictionaryArray::<UInt64Type>::new(
            UInt64Array::from(vec![Some(1), Some(0)]),
            array(NullArray::new(2)),
        )),
        two(lists(&array(Int32Array::from(vec![1, 2, 3])))[2].clone()),
        two(lists(&array(NullArray::new(3)))[1].clone()),
        array(StructArray::from(vec![(
            field("a", ArrowType::Null),
            array(NullArray::new(2)),
        )])),
        array(StructArray::new_empty_fields(
            2,
            Some(NullBuffer::from(vec![true, false])),
        )),
    ];
    let columns = [
        "BOOLEAN",
        "TINYINT",
        "INT",
        "BIGINT NOT NULL",
        "FLOAT",
        "DOUBLE",
        "CHAR(1)",
        "STRING",
        "BINARY(1)",
        "BYTES",
        "DECIMAL(4, 2)",
        "DECIMAL(38, 38)",
        "DATE",
        "TIME(0)",
        "TIME(2)",
        "TIME(9)",
        "TIMESTAMP(0)",
        "TIMESTAMP(5)",
        "TIMESTAMP(9)",
        "TIMESTAMP_LTZ(1)",
        "TIMESTAMP_LTZ(9)",
        "ARRAY<INT>",
        "ARRAY<STRING NOT NULL>",
        "MAP<INT, INT>",
        "ROW<`a` INT>",
        "ROW<`a` ARRAY<INT>>",
    ];
    let mut accepted = 0;
    for text in columns {
        for array in &arrays {
            match written(&parse(text), array) {
                Ok(rows) => {
                    assert_eq!(rows.len(), 2);
                    accepted += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("\"c"), "{text}: {error}");
                    assert!(!error.is_corrupt(), "{text}: {error}");
                }
            }
        }
    }
    assert!(accepted > columns.len() * 2, "{accepted}");
}
