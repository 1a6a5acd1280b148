//! Rows, their nested values, and the batches of primary-key tables.

use bytes::Bytes;
use fluss_metadata::DataTypes;
use fluss_row::kv::{KvBatch, ValueBatch};
use fluss_row::{ArrayCodec, DataGetters, MapCodec, RowDecoder, RowFormat};

use crate::types::EVERY_TYPE;

fn row(format: RowFormat, bytes: &[u8]) {
    let Ok(decoder) = RowDecoder::new(format, &EVERY_TYPE) else {
        return;
    };
    if let Ok(row) = decoder.decode(Bytes::copy_from_slice(bytes)) {
        touch(&row);
    }
}

/// Reads every field, and one that is not there, in the form that gives errors.
fn touch(row: &impl DataGetters) {
    for position in 0..=row.field_count() {
        let _ = (
            row.datum(position),
            row.get_long(position),
            row.get_string(position),
        );
    }
}

pub(crate) fn compacted(bytes: &[u8]) {
    row(RowFormat::Compacted, bytes);
}

pub(crate) fn indexed(bytes: &[u8]) {
    row(RowFormat::Indexed, bytes);
}

pub(crate) fn aligned(bytes: &[u8]) {
    row(RowFormat::Aligned, bytes);
}

pub(crate) fn array_and_map(bytes: &[u8]) {
    let nested = DataTypes::array(DataTypes::map(
        DataTypes::string(),
        DataTypes::array(DataTypes::int()),
    ));
    let arrays = [
        DataTypes::array(DataTypes::string()),
        DataTypes::array(DataTypes::decimal(20, 2)),
        nested,
    ];
    for format in [RowFormat::Compacted, RowFormat::Indexed, RowFormat::Aligned] {
        for data_type in &arrays {
            if let Ok(codec) = ArrayCodec::new(format, data_type)
                && let Ok(array) = codec.decode(bytes)
            {
                let _ = array
                    .iter()
                    .map(|value| value.map(fluss_row::Datum::into_owned))
                    .collect::<Vec<_>>();
            }
        }
        let map = DataTypes::map(DataTypes::string(), DataTypes::timestamp_with_precision(9));
        if let Ok(codec) = MapCodec::new(format, &map)
            && let Ok(map) = codec.decode(bytes)
        {
            let _ = map.iter().count();
        }
    }
}

pub(crate) fn kv_batch(bytes: &[u8]) {
    if let Ok(batch) = KvBatch::parse(Bytes::copy_from_slice(bytes)) {
        let _ = batch.verify_crc();
        for record in batch.records().take(10_000) {
            if record.is_err() {
                return;
            }
        }
    }
}

pub(crate) fn value_batch(bytes: &[u8]) {
    if let Ok(batch) = ValueBatch::parse(Bytes::copy_from_slice(bytes)) {
        for record in batch.records().take(10_000) {
            match record {
                Ok(record) => row(RowFormat::Compacted, &record.row),
                Err(_) => return,
            }
        }
    }
}
