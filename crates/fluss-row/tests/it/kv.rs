//! KV batches and value batches, against golden data.

use bytes::Bytes;
use fluss_metadata::KvFormat;
use fluss_row::kv::{
    KvBatch, KvBatchBuilder, ValueBatch, ValueBatchBuilder, split_value, write_value,
};
use fluss_row::{RowDecoder, RowEncoder};
use serde_json::Value;

use crate::support::{each_case, hex, row, row_type, same_row, to_hex};

fn format(case: &Value) -> KvFormat {
    match case["kv_format"].as_str().unwrap() {
        "COMPACTED" => KvFormat::Compacted,
        "INDEXED" => KvFormat::Indexed,
        other => panic!("format {other}"),
    }
}

#[test]
fn kv_batches_have_the_bytes_of_java() {
    each_case("kv_batch", |case| {
        if case.get("error").is_some() {
            // An indexed row cannot get into a compacted batch here: the batch takes an encoder. What is left is the
            // schema id.
            if let Some(schema_id) = case.get("schema_id") {
                KvBatchBuilder::new(schema_id.as_i64().unwrap() as i32).unwrap_err();
            }
            return;
        }
        let row_type = row_type(case);
        let encoder = RowEncoder::new(format(case), &row_type).unwrap();
        let decoder = encoder.decoder();
        let schema_id = case["schema_id"].as_i64().unwrap() as i32;
        let mut builder = KvBatchBuilder::new(schema_id).unwrap();
        let mut from_bytes = KvBatchBuilder::new(schema_id).unwrap();
        let records = case["records"].as_array().unwrap();
        for record in records {
            let key = hex(record["key"].as_str().unwrap());
            let row_bytes = record["row_bytes"].as_str().map(hex);
            let added = if record["row"].is_null() {
                builder.append(&key, None).unwrap()
            } else {
                builder
                    .append_row(&key, &encoder, &row(&case["type_json"], &record["row"]))
                    .unwrap()
            };
            assert_eq!(Some(added as u64), record["record_size"].as_u64());
            assert_eq!(
                added,
                KvBatchBuilder::record_size(key.len(), row_bytes.as_ref().map_or(0, Vec::len))
            );
            // A row without columns has no bytes and cannot be told from a delete.
            let row_bytes = row_bytes.filter(|bytes| !bytes.is_empty());
            assert_eq!(
                from_bytes.append(&key, row_bytes.as_deref()).unwrap(),
                added
            );
        }
        let writer_id = case["writer_id"].as_str().unwrap().parse().unwrap();
        let sequence = case["batch_sequence"].as_i64().unwrap() as i32;
        assert_eq!(
            builder.size_bytes() as u64,
            case["size_in_bytes"].as_u64().unwrap()
        );
        let mut sealed = builder.seal();
        let first = sealed.stamp(99, 99);
        let bytes = sealed.stamp(writer_id, sequence);
        assert_eq!(to_hex(&bytes), case["bytes"].as_str().unwrap());
        assert_ne!(first, bytes, "an earlier stamp's bytes stay as they were");
        assert_eq!(from_bytes.seal().stamp(writer_id, sequence), bytes);

        let batch = KvBatch::parse(bytes).unwrap();
        batch.verify_crc().unwrap();
        assert_eq!(batch.crc().to_string(), case["crc"].as_str().unwrap());
        assert_eq!(i32::from(batch.schema_id()), schema_id);
        assert_eq!((batch.writer_id(), batch.sequence()), (writer_id, sequence));
        assert_eq!(batch.record_count() as usize, records.len());
        let mut read = 0;
        for (record, expected) in batch.records().zip(records) {
            let record = record.unwrap();
            assert_eq!(to_hex(&record.key), expected["key"].as_str().unwrap());
            assert_eq!(
                record.row.as_ref().map(|row| to_hex(row)).as_deref(),
                expected["row_bytes"].as_str().filter(|row| !row.is_empty())
            );
            if let Some(bytes) = record.row {
                let expected = row(&case["type_json"], &expected["row"]);
                assert!(same_row(&decoder.decode(bytes).unwrap(), &expected, true));
            }
            read += 1;
        }
        assert_eq!(read, records.len());
        assert_eq!(batch.records().count(), records.len());
    });
}

#[test]
fn value_batches_have_the_bytes_of_java() {
    each_case("value_batch", |case| {
        let bytes = Bytes::from(hex(case["bytes"].as_str().unwrap()));
        let batch = ValueBatch::parse(bytes.clone()).unwrap();
        assert_eq!(
            batch.size_bytes() as u64,
            case["size_in_bytes"].as_u64().unwrap()
        );
        assert_eq!(
            i64::from(batch.record_count()),
            case["record_count"].as_i64().unwrap()
        );
        let decoder = RowDecoder::new(format(case), &row_type(case)).unwrap();
        let expected = case["records"].as_array().unwrap();
        let mut builder = ValueBatchBuilder::new();
        let mut read = 0;
        for (record, expected) in batch.records().zip(expected) {
            let record = record.unwrap();
            assert_eq!(
                Some(i64::from(record.schema_id)),
                expected["schema_id"].as_i64()
            );
            assert_eq!(to_hex(&record.row), expected["row_bytes"].as_str().unwrap());
            let row = row(&case["type_json"], &expected["row"]);
            assert!(same_row(
                &decoder.decode(record.row.clone()).unwrap(),
                &row,
                true
            ));
            let mut value = Vec::new();
            write_value(i32::from(record.schema_id), &record.row, &mut value).unwrap();
            assert_eq!(to_hex(&value), expected["value_bytes"].as_str().unwrap());
            assert_eq!(split_value(Bytes::from(value)).unwrap(), record);
            builder
                .append(i32::from(record.schema_id), &record.row)
                .unwrap();
            read += 1;
        }
        assert_eq!(read, expected.len());
        assert_eq!(batch.records().count(), expected.len());
        assert_eq!(builder.build(), bytes);
    });
}

#[test]
fn an_empty_row_is_refused_as_it_would_be_a_delete() {
    let mut builder = KvBatchBuilder::new(1).unwrap();
    builder.append(&[1], Some(&[])).unwrap_err();
    assert!(builder.is_empty());
    assert_eq!(builder.size_bytes(), fluss_row::kv::KV_BATCH_HEADER_BYTES);
}

#[test]
fn every_flipped_bit_of_a_kv_batch_is_reported() {
    let mut builder = KvBatchBuilder::new(1).unwrap();
    for key in 0..40_u8 {
        builder.append(&[key], Some(&[key; 30])).unwrap();
    }
    let bytes = builder.seal().stamp(7, 3);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let reported = KvBatch::parse(Bytes::from(flipped)).and_then(|batch| batch.verify_crc());
        assert!(reported.is_err(), "bit {bit}");
    }
}
