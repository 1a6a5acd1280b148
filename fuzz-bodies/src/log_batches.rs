//! Log batches of every format: the structure is walked even where the CRC is wrong, as it must be for projected answers.

use bytes::Bytes;
use fluss_metadata::{LogFormat, RowType};
use fluss_row::DataGetters;
use fluss_row::log::{DecodeLimits, LogBatches, ReadContext};

use crate::types::{EVERY_TYPE, INT_AND_TEXT};

/// Small, so that a batch that unpacks to more is refused and a fuzzer stays quick.
const LIMITS: DecodeLimits = DecodeLimits {
    max_decompressed_bytes: 4 << 20,
    max_ratio: 1000,
    ratio_free_bytes: 1 << 20,
};

fn read(bytes: &[u8], format: LogFormat, row_type: &RowType, projection: Option<&[usize]>) {
    let Ok(context) = ReadContext::new(format, row_type) else {
        return;
    };
    let context = match projection {
        Some(positions) => match context.projected(positions) {
            Ok(context) => context,
            Err(_) => return,
        },
        None => context,
    };
    let context = context.with_limits(LIMITS);
    for batch in LogBatches::new(Bytes::copy_from_slice(bytes)) {
        let Ok(batch) = batch else { return };
        let _ = (
            batch.verify_crc(),
            batch.statistics(row_type),
            batch.project(row_type, &[0]),
        );
        let Ok(decoded) = batch.read(&context) else {
            continue;
        };
        for record in decoded.records().take(1000) {
            for position in 0..record.row.field_count() {
                let _ = record.row.datum(position);
            }
        }
        let _ = (decoded.record_batch(), decoded.changelog_batch());
    }
}

pub(crate) fn arrow(bytes: &[u8]) {
    read(bytes, LogFormat::Arrow, &INT_AND_TEXT, None);
}

/// As every column type at once: other checks, other buffers.
pub(crate) fn every_type(bytes: &[u8]) {
    read(bytes, LogFormat::Arrow, &EVERY_TYPE, None);
}

pub(crate) fn indexed(bytes: &[u8]) {
    read(bytes, LogFormat::Indexed, &INT_AND_TEXT, None);
    read(bytes, LogFormat::Indexed, &EVERY_TYPE, None);
}

pub(crate) fn compacted(bytes: &[u8]) {
    read(bytes, LogFormat::Compacted, &INT_AND_TEXT, None);
    read(bytes, LogFormat::Compacted, &EVERY_TYPE, None);
}

pub(crate) fn projected(bytes: &[u8]) {
    read(bytes, LogFormat::Arrow, &EVERY_TYPE, Some(&[0, 1]));
}

/// With the change types of a primary-key table in front of the message.
pub(crate) fn changelog(bytes: &[u8]) {
    read(bytes, LogFormat::Arrow, &INT_AND_TEXT, Some(&[1]));
    read(bytes, LogFormat::Arrow, &INT_AND_TEXT, None);
}
