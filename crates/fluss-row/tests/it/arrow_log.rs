//! Log batches of the official Java classes: read, and written again.

use bytes::Bytes;
use fluss_metadata::{ArrowCompression, LogFormat, Schema};
use fluss_row::log::{
    ArrowLogBatchBuilder, LogBatch, LogBatches, LogMagic, OffsetIndexEntry, ReadContext,
    RowLogBatchBuilder, SealedLogBatch, TimeIndexEntry, assign_offset, decode_offset_index,
    decode_time_index, encode_offset_index, encode_time_index,
};
use fluss_row::{ChangeType, DataGetters, Datum, GenericRow, RowError};
use serde_json::{Value, json};

use crate::support::{each_case, hex, row, row_type, same_row, to_hex, value};

pub fn log_format(case: &Value) -> LogFormat {
    LogFormat::parse(case["log_format"].as_str().unwrap()).unwrap()
}

fn compression(case: &Value) -> ArrowCompression {
    match case["compression"].as_str() {
        Some("LZ4_FRAME") => ArrowCompression::LZ4_FRAME,
        Some("ZSTD") => ArrowCompression::ZSTD,
        _ => ArrowCompression::NONE,
    }
}

fn long(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}

fn change_type(name: &str) -> ChangeType {
    match name {
        "APPEND_ONLY" => ChangeType::AppendOnly,
        "INSERT" => ChangeType::Insert,
        "UPDATE_BEFORE" => ChangeType::UpdateBefore,
        "UPDATE_AFTER" => ChangeType::UpdateAfter,
        "DELETE" => ChangeType::Delete,
        other => panic!("change type {other}"),
    }
}

/// Which columns are compared with zeros at the end of BINARY left out: Java drops them when it reads indexed rows.
fn is_padded(case: &Value) -> bool {
    case["log_format"] == "INDEXED"
}

fn check_header(batch: &LogBatch, expected: &Value) {
    let header = batch.header();
    assert_eq!(header.base_offset(), long(&expected["base_offset"]));
    assert_eq!(
        header.size_bytes() as u64,
        expected["size_in_bytes"].as_u64().unwrap()
    );
    assert_eq!(
        u64::from(header.magic().to_byte()),
        expected["magic"].as_u64().unwrap()
    );
    assert_eq!(
        header.commit_timestamp(),
        long(&expected["commit_timestamp"])
    );
    assert_eq!(
        i64::from(header.leader_epoch()),
        expected["leader_epoch"].as_i64().unwrap()
    );
    assert_eq!(i64::from(header.crc()), long(&expected["crc"]));
    assert_eq!(
        batch.verify_crc().is_ok(),
        expected["crc_valid"].as_bool().unwrap()
    );
    assert_eq!(
        i64::from(header.schema_id()),
        expected["schema_id"].as_i64().unwrap()
    );
    assert_eq!(
        header.is_append_only(),
        expected["append_only"].as_bool().unwrap()
    );
    assert_eq!(header.last_offset(), long(&expected["last_offset"]));
    assert_eq!(header.next_offset(), long(&expected["next_offset"]));
    assert_eq!(header.writer_id(), long(&expected["writer_id"]));
    assert_eq!(
        i64::from(header.sequence()),
        expected["batch_sequence"].as_i64().unwrap()
    );
    assert_eq!(
        header.record_count() as u64,
        expected["record_count"].as_u64().unwrap()
    );
    assert_eq!(
        header.statistics_bytes() as u64,
        expected["statistics_length"].as_u64().unwrap_or(0)
    );
}

/// The result, unless it is that the build is without a codec.
fn unless_missing<T>(result: Result<T, RowError>) -> Option<T> {
    match result {
        Err(RowError::MissingFeature { feature, .. })
            if !cfg!(all(feature = "lz4", feature = "zstd")) =>
        {
            assert!(["lz4", "zstd"].contains(&feature));
            None
        }
        result => Some(result.unwrap()),
    }
}

fn check_records(
    batch: &LogBatch,
    context: &ReadContext,
    type_json: &Value,
    expected: &Value,
    padded: bool,
) {
    let Some(decoded) = unless_missing(batch.read(context)) else {
        return;
    };
    let records = expected["records"].as_array().unwrap();
    assert_eq!(decoded.row_count(), records.len());
    assert_eq!(decoded.records().len(), records.len());
    for (record, expected) in decoded.records().zip(records) {
        assert_eq!(record.offset, long(&expected["offset"]));
        assert_eq!(record.timestamp, long(&expected["timestamp"]));
        assert_eq!(
            record.change_type,
            change_type(expected["change_type"].as_str().unwrap())
        );
        let written = row(type_json, &expected["row"]);
        assert!(
            same_row(&record.row, &written, padded),
            "{:?} instead of {written:?}",
            record.row
        );
    }
    // The same as an Arrow batch, where Arrow can hold the values.
    if let Ok(columns) = decoded.record_batch() {
        assert_eq!(columns.num_rows(), records.len());
        let columns =
            fluss_row::arrow::ColumnarBatch::try_new(context.row_type(), &columns).unwrap();
        if context.format() == LogFormat::Arrow {
            for (one, other) in columns.rows().zip(decoded.rows()) {
                assert!(same_row(&one, &other, false));
            }
        }
        let changelog = decoded.changelog_batch().unwrap();
        assert_eq!(
            changelog.num_columns(),
            context.row_type().fields().len() + 3
        );
    } else {
        assert_ne!(context.format(), LogFormat::Arrow);
    }
}

/// Reads all batches of a case.
fn check_batches(
    case: &Value,
    bytes: Vec<u8>,
    context: &ReadContext,
    type_json: &Value,
) -> Vec<LogBatch> {
    let expected = case["batches"].as_array().unwrap();
    let batches: Vec<_> = LogBatches::new(bytes).collect::<Result<_, _>>().unwrap();
    assert_eq!(batches.len(), expected.len());
    for (batch, expected) in batches.iter().zip(expected) {
        check_header(batch, expected);
        check_records(batch, context, type_json, expected, is_padded(case));
    }
    batches
}

/// Bytes of a case, and the batches that are read from them.
fn check_case(case: &Value) -> Vec<LogBatch> {
    let context = ReadContext::new(log_format(case), &row_type(case)).unwrap();
    check_batches(
        case,
        hex(case["bytes"].as_str().unwrap()),
        &context,
        &case["type_json"],
    )
}

fn written_rows(case: &Value, expected: &Value) -> Vec<(ChangeType, GenericRow<'static>)> {
    let records = expected
        .get("differs_from_input")
        .filter(|rows| rows.is_array())
        .unwrap_or(&expected["records"]);
    let records = records.as_array().unwrap().iter();
    records
        .map(|record| {
            (
                change_type(record["change_type"].as_str().unwrap()),
                row(&case["type_json"], &record["row"]),
            )
        })
        .collect()
}

/// Writes the records of a batch as Java has written them, and gives it what the server did.
fn restamp(mut sealed: SealedLogBatch, expected: &Value) -> Vec<u8> {
    let sequence = expected["batch_sequence"].as_i64().unwrap() as i32;
    // A wrong stamp before the right one, held on to.
    let earlier = sealed.stamp(12_345, 678);
    let mut bytes = sealed
        .stamp(long(&expected["writer_id"]), sequence)
        .to_vec();
    assert_ne!(earlier, bytes);
    assert_eq!(LogBatch::parse(earlier).unwrap().header().sequence(), 678);
    let epoch = expected["leader_epoch"].as_i64().unwrap() as i32;
    assign_offset(
        &mut bytes,
        long(&expected["base_offset"]),
        long(&expected["commit_timestamp"]),
        epoch,
    )
    .unwrap();
    LogBatch::parse(bytes.clone())
        .unwrap()
        .verify_crc()
        .unwrap();
    bytes
}

fn magic(expected: &Value) -> LogMagic {
    LogMagic::from_byte(expected["magic"].as_u64().unwrap() as u8).unwrap()
}

fn build_arrow(case: &Value, expected: &Value, statistics: Option<&[usize]>) -> Option<Vec<u8>> {
    let schema_id = expected["schema_id"].as_i64().unwrap() as i32;
    let mut builder = unless_missing(ArrowLogBatchBuilder::new(
        &row_type(case),
        schema_id,
        compression(case),
    ))?;
    if !expected["append_only"].as_bool().unwrap() {
        builder = builder.with_change_types();
    }
    if let Some(statistics) = statistics {
        builder = builder.with_statistics(statistics).unwrap();
    }
    builder = builder.with_magic(magic(expected));
    for (change, row) in written_rows(case, expected) {
        builder.append_change(change, &row).unwrap();
    }
    Some(restamp(builder.build().unwrap(), expected))
}

/// What we write of the same records is read as the same records.
fn check_rewritten(case: &Value, expected: &Value, bytes: Vec<u8>) {
    let context = ReadContext::new(log_format(case), &row_type(case)).unwrap();
    let batch = LogBatch::parse(bytes).unwrap();
    check_records(
        &batch,
        &context,
        &case["type_json"],
        expected,
        is_padded(case),
    );
}

#[test]
fn arrow_batches_of_java_are_read_and_written() {
    each_case("log_arrow", |case| {
        check_case(case);
        let expected = &case["batches"][0];
        if let Some(rewritten) = build_arrow(case, expected, None) {
            check_rewritten(case, expected, rewritten);
        }
    });
}

#[test]
fn row_batches_of_java_are_read_and_have_the_same_bytes() {
    for file in ["log_compacted", "log_indexed"] {
        each_case(file, |case| {
            check_case(case);
            let expected = &case["batches"][0];
            let append_only = expected["append_only"].as_bool().unwrap();
            let schema_id = expected["schema_id"].as_i64().unwrap() as i32;
            let mut builder =
                RowLogBatchBuilder::new(&row_type(case), schema_id, log_format(case)).unwrap();
            if !append_only {
                builder = builder.with_change_types();
            }
            builder = builder.with_magic(magic(expected));
            for (change, row) in written_rows(case, expected) {
                let before = builder.size_bytes();
                let added = builder.append_change(change, &row).unwrap();
                assert_eq!(builder.size_bytes(), before + added);
            }
            assert_eq!(
                to_hex(&restamp(builder.build(), expected)),
                case["bytes"].as_str().unwrap()
            );
        });
    }
}

#[test]
fn streams_end_at_a_cut_batch_and_corrupt_bytes_are_noticed() {
    each_case("log_stream", |case| {
        let bytes = hex(case["bytes"].as_str().unwrap());
        if case.get("batches").is_some() {
            check_case(case);
            return;
        }
        assert_eq!(case["crc_valid"], Value::Bool(false));
        let batch = LogBatches::new(bytes).next().unwrap().unwrap();
        assert_eq!(i64::from(batch.header().crc()), long(&case["crc"]));
        let error = batch.verify_crc().unwrap_err();
        assert!(error.is_corrupt());
        let text = error.to_string();
        assert!(
            text.contains(&format!("offset {}", batch.header().base_offset()))
                && text.contains("byte 0"),
            "{text}"
        );
    });
}

#[test]
fn projected_batches_of_the_server_are_read_and_made() {
    each_case("log_projection", |case| {
        let positions: Vec<usize> = case["projection"]
            .as_array()
            .unwrap()
            .iter()
            .map(|position| position.as_u64().unwrap() as usize)
            .collect();
        let written = row_type(case);
        let context = ReadContext::new(log_format(case), &written)
            .unwrap()
            .projected(&positions)
            .unwrap();
        let type_json = &case["projected_type_json"];
        let batches = check_batches(
            case,
            hex(case["bytes"].as_str().unwrap()),
            &context,
            type_json,
        );
        let whole: Vec<_> = LogBatches::new(hex(case["file_bytes"].as_str().unwrap()))
            .collect::<Result<_, _>>()
            .unwrap();
        for ((whole, projected), expected) in whole
            .iter()
            .zip(&batches)
            .zip(case["batches"].as_array().unwrap())
        {
            whole.verify_crc().unwrap();
            let ours = LogBatch::parse(whole.project(&written, &positions).unwrap()).unwrap();
            assert_eq!(ours.header().crc(), projected.header().crc());
            check_records(&ours, &context, type_json, expected, false);
        }
    });
}

/// A schema of the golden data.
fn schema(json: &Value) -> Schema {
    let columns: Vec<_> = json["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| json!({"name": column["name"], "data_type": column["type_json"], "id": column["id"]}))
        .collect();
    let document =
        json!({"version": 1, "columns": columns, "highest_field_id": json["highest_field_id"]});
    Schema::from_json(document.to_string().as_bytes()).unwrap()
}

fn schema_row(schema_json: &Value, values: &Value) -> GenericRow<'static> {
    let columns = schema_json["columns"].as_array().unwrap().iter();
    columns
        .zip(values.as_array().unwrap())
        .map(|(column, json)| value(&column["type_json"], json))
        .collect()
}

#[test]
fn old_batches_are_read_with_newer_schemas_and_new_ones_with_older() {
    each_case("log_schema_evolution", |case| {
        let (written, target) = (schema(&case["write_schema"]), schema(&case["read_schema"]));
        let columns: Vec<usize> = (0..target.columns().len()).collect();
        let context =
            ReadContext::with_schemas(log_format(case), &written, &target, &columns).unwrap();
        let batch = LogBatch::parse(hex(case["bytes"].as_str().unwrap())).unwrap();
        batch.verify_crc().unwrap();
        let Some(decoded) = unless_missing(batch.read(&context)) else {
            return;
        };
        assert_eq!(decoded.record_batch().unwrap().num_columns(), columns.len());
        // Where Java 0.9.1 failed, the rows that Java 1.0.0 reads are what there is to read.
        let expected: Vec<GenericRow<'_>> = if let Some(rows) = case.get("rows") {
            rows.as_array()
                .unwrap()
                .iter()
                .map(|values| schema_row(&case["read_schema"], values))
                .collect()
        } else {
            let rows = case["written_rows"].as_array().unwrap().iter();
            rows.map(|values| {
                evolved(
                    &schema_row(&case["write_schema"], values),
                    &written,
                    &target,
                )
            })
            .collect()
        };
        assert_eq!(decoded.row_count(), expected.len());
        for (row, expected) in decoded.rows().zip(&expected) {
            assert!(
                same_row(&row, expected, false),
                "{row:?} instead of {expected:?}"
            );
        }
        // Single columns, in another order.
        for position in (0..columns.len()).rev() {
            let context =
                ReadContext::with_schemas(log_format(case), &written, &target, &[position])
                    .unwrap();
            let decoded = batch.read(&context).unwrap();
            for (row, expected) in decoded.rows().zip(&expected) {
                let expected = GenericRow::from_data(vec![expected.datum(position).unwrap()]);
                assert!(same_row(&row, &expected, false));
            }
        }
    });
}

fn evolved(row: &GenericRow<'static>, written: &Schema, target: &Schema) -> GenericRow<'static> {
    let source = |id| {
        written
            .columns()
            .iter()
            .position(|column| column.column_id() == id)
    };
    let columns = target.columns().iter();
    columns
        .map(|column| {
            source(column.column_id())
                .map_or(Datum::Null, |source| row.field(source).unwrap().clone())
        })
        .collect()
}

#[test]
fn statistics_are_read_and_have_the_bytes_of_java() {
    each_case("log_statistics", |case| {
        let chosen: Vec<usize> = case["statistics_columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|position| position.as_u64().unwrap() as usize)
            .collect();
        let row_type = row_type(case);
        let fields = case["type_json"]["fields"].as_array().unwrap();
        let batches = check_case(case);
        for (batch, expected) in batches.iter().zip(case["batches"].as_array().unwrap()) {
            let start = batch.header().magic().header_bytes();
            let block = &batch.bytes()[start..start + batch.header().statistics_bytes()];
            assert_eq!(to_hex(block), case["statistics_bytes"].as_str().unwrap());
            let statistics = batch.statistics(&row_type).unwrap();
            if block.is_empty() {
                assert_eq!(statistics, None);
                continue;
            }
            let columns = statistics.unwrap().columns;
            let expected_statistics = &expected["statistics"];
            assert_eq!(columns.len(), chosen.len());
            for (index, (column, position)) in columns.iter().zip(&chosen).enumerate() {
                assert_eq!(column.position, *position);
                assert_eq!(
                    i64::from(column.null_count),
                    expected_statistics["null_counts"][index].as_i64().unwrap()
                );
                let type_json = &fields[*position]["field_type"];
                for (ours, json) in [
                    (&column.min, &expected_statistics["min"][index]),
                    (&column.max, &expected_statistics["max"][index]),
                ] {
                    let ours = GenericRow::from_data(vec![ours.clone().unwrap_or_default()]);
                    let theirs = GenericRow::from_data(vec![value(type_json, json)]);
                    assert!(
                        same_row(&ours, &theirs, false),
                        "{ours:?} instead of {theirs:?}"
                    );
                }
            }
            let Some(rewritten) = build_arrow(case, expected, Some(&chosen)) else {
                continue;
            };
            let rewritten = LogBatch::parse(rewritten).unwrap();
            let block = &rewritten.bytes()[start..start + rewritten.header().statistics_bytes()];
            assert_eq!(to_hex(block), case["statistics_bytes"].as_str().unwrap());
            check_rewritten(case, expected, rewritten.bytes().to_vec());
        }
    });
}

/// Fluss 0.9.1 has another layout of magic 1, which it never writes by itself: it is refused by its checksum or its fields.
#[test]
fn the_other_layout_of_magic_1_is_refused() {
    each_case("log_legacy_v1_091", |case| {
        let context = ReadContext::new(log_format(case), &row_type(case)).unwrap();
        let bytes = hex(case["bytes"].as_str().unwrap());
        let refused = LogBatch::parse(bytes).and_then(|batch| {
            batch
                .verify_crc()
                .and_then(|()| batch.read(&context).map(|_| ()))
        });
        assert!(refused.unwrap_err().is_corrupt());
    });
}

#[test]
fn index_files_of_segments_are_read_and_written() {
    each_case("index_files", |case| {
        let base = long(&case["base_offset"]);
        let entries = |key: &str| case[key].as_array().unwrap().clone();
        let offsets: Vec<_> = entries("offset_index_entries")
            .iter()
            .map(|entry| OffsetIndexEntry {
                offset: long(&entry["offset"]),
                position: entry["position"].as_i64().unwrap() as i32,
            })
            .collect();
        let bytes = hex(case["offset_index_bytes"].as_str().unwrap());
        assert_eq!(decode_offset_index(&bytes, base).unwrap(), offsets);
        assert_eq!(encode_offset_index(&offsets, base).unwrap(), bytes);
        let times: Vec<_> = entries("time_index_entries")
            .iter()
            .map(|entry| TimeIndexEntry {
                timestamp: long(&entry["timestamp"]),
                offset: long(&entry["offset"]),
            })
            .collect();
        let bytes = hex(case["time_index_bytes"].as_str().unwrap());
        assert_eq!(decode_time_index(&bytes, base).unwrap(), times);
        assert_eq!(encode_time_index(&times, base).unwrap(), bytes);
    });
}

#[test]
fn a_column_of_another_type_and_a_missing_one_that_must_not_be_null_are_refused_by_name() {
    let schema = |columns: &[(&str, &str)]| {
        let columns = columns
            .iter()
            .fold(Schema::builder(), |builder, (name, text)| {
                builder.column(*name, text.parse().unwrap())
            });
        columns.build().unwrap()
    };
    let written = schema(&[("a", "INT"), ("b", "STRING")]);
    for (target, name) in [
        (schema(&[("a", "INT"), ("other", "BIGINT")]), "\"other\""),
        (
            schema(&[("a", "INT"), ("b", "STRING"), ("late", "INT NOT NULL")]),
            "\"late\"",
        ),
    ] {
        let columns: Vec<usize> = (0..target.columns().len()).collect();
        let error =
            ReadContext::with_schemas(LogFormat::Arrow, &written, &target, &columns).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let target = schema(&[("a", "INT NOT NULL"), ("b", "STRING"), ("late", "INT")]);
    let context = ReadContext::with_schemas(LogFormat::Arrow, &written, &target, &[2, 0]).unwrap();
    context.clone().projected(&[0]).unwrap();
    let error = context.projected(&[1]).unwrap_err();
    assert!(error.to_string().contains("\"a\""), "{error}");
}

#[test]
fn an_empty_input_has_no_batches() {
    assert!(LogBatches::new(Bytes::new()).next().is_none());
}
