//! Numbers of another width: every kind of row reads them as the writers assign them.

use fluss_metadata::{DataType, DataTypes, RowType};
use fluss_row::arrow::{ColumnBuilders, ColumnarBatch};
use fluss_row::{
    BinaryRow, ColumnarRow, DataGetters, Datum, GenericRow, InternalRow, NamedRow, ProjectedRow,
    RowEncoder, RowFormat,
};

fn one_column(data_type: &DataType) -> RowType {
    RowType::new(vec![DataTypes::field("c", data_type.clone())])
}

fn binary(row_type: &RowType, row: &GenericRow<'_>, format: RowFormat) -> BinaryRow {
    let encoder = RowEncoder::new(format, row_type).unwrap();
    let mut bytes = Vec::new();
    encoder.encode(row, &mut bytes).unwrap();
    encoder.decoder().decode(bytes.into()).unwrap()
}

fn columnar(row_type: &RowType, row: &GenericRow<'_>) -> ColumnarRow {
    let mut columns = ColumnBuilders::new(row_type).unwrap();
    columns.append_row(row).unwrap();
    ColumnarBatch::try_new(row_type, &columns.finish().unwrap())
        .unwrap()
        .row(0)
}

/// The value in every kind of row that there is.
fn rows(data_type: &DataType, value: Datum<'static>) -> Vec<(String, Box<dyn ReadAll>)> {
    let row_type = one_column(data_type);
    let row = GenericRow::from_data(vec![value.clone()]);
    let mut named = NamedRow::new(&row_type);
    named.set_by_name("c", value).unwrap();
    let mut all: Vec<(String, Box<dyn ReadAll>)> = vec![
        ("columnar".into(), Box::new(columnar(&row_type, &row))),
        ("named".into(), Box::new(named)),
        (
            "projected".into(),
            Box::new(ProjectedRow::of_fields(columnar(&row_type, &row), &[0])),
        ),
    ];
    for format in [RowFormat::Compacted, RowFormat::Indexed, RowFormat::Aligned] {
        all.push((
            format!("{format:?}"),
            Box::new(binary(&row_type, &row, format)),
        ));
    }
    all.push(("generic".into(), Box::new(row)));
    all
}

/// What is read, as text, so that rows of different types are compared.
trait ReadAll {
    fn read(&self) -> Vec<String>;
}

impl<R: InternalRow> ReadAll for R {
    fn read(&self) -> Vec<String> {
        fn text<T: std::fmt::Display>(result: fluss_row::RowResult<T>) -> String {
            match result {
                Ok(value) => value.to_string(),
                // A row without names calls its columns by position.
                Err(error) => error
                    .to_string()
                    .replace(r#"column "c" (position 0)"#, "field 0"),
            }
        }
        vec![
            text(DataGetters::get_byte(self, 0)),
            text(DataGetters::get_short(self, 0)),
            text(DataGetters::get_int(self, 0)),
            text(DataGetters::get_long(self, 0)),
            text(DataGetters::get_float(self, 0)),
            text(DataGetters::get_double(self, 0)),
        ]
    }
}

#[test]
fn numbers_of_another_width_read_alike_in_every_kind_of_row() {
    let wrong = |what: &str, expected: &str| format!("field 0 holds {what}, expected {expected}");
    let cases = [
        (DataTypes::tinyint(), Datum::TinyInt(-7), "TINYINT"),
        (DataTypes::smallint(), Datum::SmallInt(-7), "SMALLINT"),
        (DataTypes::int(), Datum::Int(-7), "INT"),
        (DataTypes::bigint(), Datum::BigInt(-7), "BIGINT"),
    ];
    for (data_type, value, name) in cases {
        for (kind, row) in rows(&data_type, value) {
            let mut expected = vec!["-7".to_owned(); 4];
            expected.extend([wrong(name, "FLOAT"), wrong(name, "DOUBLE")]);
            assert_eq!(row.read(), expected, "{name} in a {kind} row");
        }
    }
    for (kind, row) in rows(&DataTypes::float(), Datum::Float(1.5)) {
        let mut expected = ["TINYINT", "SMALLINT", "INT", "BIGINT"]
            .map(|name| wrong("FLOAT", name))
            .to_vec();
        expected.extend(["1.5".to_owned(), "1.5".to_owned()]);
        assert_eq!(row.read(), expected, "FLOAT in a {kind} row");
    }
    for (kind, row) in rows(&DataTypes::double(), Datum::Double(1.5)) {
        let read = row.read();
        assert_eq!(
            read[4..],
            [wrong("DOUBLE", "FLOAT"), "1.5".to_owned()],
            "DOUBLE in a {kind} row"
        );
    }
}

#[test]
fn a_number_that_does_not_fit_is_an_error_in_every_kind_of_row() {
    for (kind, row) in rows(&DataTypes::bigint(), Datum::BigInt(40_000)) {
        let [byte, short, int, long, ..] = &row.read()[..] else {
            panic!("six getters");
        };
        assert_eq!(byte, "field 0: 40000 does not fit into TINYINT", "{kind}");
        assert_eq!(short, "field 0: 40000 does not fit into SMALLINT", "{kind}");
        assert_eq!((int.as_str(), long.as_str()), ("40000", "40000"), "{kind}");
    }
}

#[test]
fn a_row_that_was_read_is_written_to_columns_of_another_width() {
    let source = columnar(
        &one_column(&DataTypes::int()),
        &GenericRow::from_data(vec![7]),
    );
    let wide = one_column(&DataTypes::bigint());
    let encoder = RowEncoder::new(RowFormat::Compacted, &wide).unwrap();
    let mut bytes = Vec::new();
    encoder.encode(&source, &mut bytes).unwrap();
    assert_eq!(
        encoder.decoder().decode(bytes.into()).unwrap().get_long(0),
        7
    );
    let mut columns = ColumnBuilders::new(&wide).unwrap();
    columns.append_row(&source).unwrap();
    let batch = ColumnarBatch::try_new(&wide, &columns.finish().unwrap()).unwrap();
    assert_eq!(batch.row(0).get_long(0), 7);
}

#[test]
fn elements_of_arrays_read_alike() {
    let data_type = DataTypes::array(DataTypes::int());
    let row_type = one_column(&data_type);
    let row = GenericRow::from_data(vec![vec![1, 300]]);
    let decoded = binary(&row_type, &row, RowFormat::Compacted);
    let view = columnar(&row_type, &row);
    for array in [
        row.get_array(0).unwrap(),
        decoded.get_array(0).unwrap(),
        view.get_array(0).unwrap(),
    ] {
        assert_eq!(array.try_get::<i64>(1).unwrap(), 300);
        assert!(array.try_get::<i8>(1).is_err());
    }
}

#[test]
fn rows_display_their_values() {
    let row_type = RowType::new(vec![
        DataTypes::field("id", DataTypes::int()),
        DataTypes::field("name", DataTypes::string()),
        DataTypes::field("tags", DataTypes::array(DataTypes::int())),
    ]);
    let mut row = GenericRow::new(3);
    row.set_field(0, 1);
    row.set_field(2, vec![1, 2]);
    let expected = "(1, null, [1, 2])";
    assert_eq!(row.to_string(), expected);
    assert_eq!(
        format!("{row:>40}"),
        expected,
        "flags of the format are not those of the values"
    );
    assert_eq!(columnar(&row_type, &row).to_string(), expected);
    assert_eq!(
        binary(&row_type, &row, RowFormat::Compacted).to_string(),
        expected
    );
    assert_eq!(
        ProjectedRow::of_fields(row, &[2, 0]).to_string(),
        "([1, 2], 1)"
    );
    assert_eq!(Datum::from("a \"quote\"").to_string(), r#""a \"quote\"""#);
}
