//! Log batches that nobody honest wrote: every flipped bit is noticed, nothing panics, and memory stays within bounds.

use allocation_counter::measure;
use bytes::Bytes;
use fluss_metadata::{ArrowCompression, DataField, DataTypes, LogFormat, RowType};
use fluss_row::log::{
    ArrowLogBatchBuilder, DecodeLimits, LogBatch, LogBatches, ReadContext, RowLogBatchBuilder,
};
use fluss_row::{ChangeType, Datum, GenericRow};

use crate::arrow_log::log_format;
use crate::arrow_log_round_trip::{all_types, codecs, random_row};
use crate::hostile::{Noise, touch};
use crate::support::{hex, row_type, vectors};

const LIMITS: DecodeLimits = DecodeLimits {
    max_decompressed_bytes: 1 << 20,
    max_ratio: 1000,
    ratio_free_bytes: 1 << 20,
};

/// What decoding may take besides the decompressed bytes: block buffers of the codecs, and views of the columns.
const OVERHEAD: u64 = 12 << 20;

/// Parses, checks and reads everything, within bounds. Returns whether all went well.
fn read_all(bytes: &Bytes, context: &ReadContext) -> bool {
    let mut sound = true;
    let mut batches = Vec::new();
    let before_crc = measure(|| {
        for batch in LogBatches::new(bytes.clone()) {
            match batch {
                Ok(batch) => {
                    sound &= batch.verify_crc().is_ok();
                    batches.push(batch);
                }
                Err(_) => sound = false,
            }
        }
    });
    let bound = (2 * bytes.len() as u64).max(64 << 10);
    assert!(
        before_crc.bytes_max <= bound,
        "{} bytes before the checksum",
        before_crc.bytes_max
    );
    // As for projected batches: read without regard to the checksum.
    for batch in batches {
        let mut decoded = None;
        let memory = measure(|| decoded = batch.read(context).ok());
        let bound =
            context.limits().max_decompressed_bytes as u64 + 16 * bytes.len() as u64 + OVERHEAD;
        assert!(
            memory.bytes_max <= bound,
            "{} bytes for a batch of {}",
            memory.bytes_max,
            bytes.len()
        );
        let _ = batch.statistics(context.row_type());
        match decoded {
            Some(decoded) => {
                for index in [
                    0,
                    decoded.row_count() / 2,
                    decoded.row_count().wrapping_sub(1),
                    usize::MAX,
                ] {
                    touch(&decoded.row(index));
                }
                let _ = decoded.record_batch();
                let _ = decoded.change_type(0);
            }
            None => sound = false,
        }
    }
    sound
}

fn context(format: LogFormat, row_type: &RowType) -> ReadContext {
    ReadContext::new(format, row_type)
        .unwrap()
        .with_limits(LIMITS)
}

/// Batches of every format and codec.
fn samples(row_type: &RowType, rows: usize) -> Vec<(LogFormat, Bytes)> {
    let mut noise = Noise::new(4);
    let rows: Vec<_> = (0..rows)
        .map(|_| random_row(row_type, &mut noise))
        .collect();
    let mut samples = Vec::new();
    for compression in codecs() {
        let mut builder = ArrowLogBatchBuilder::new(row_type, 1, compression)
            .unwrap()
            .with_change_types();
        for row in &rows {
            builder.append_change(ChangeType::Insert, row).unwrap();
        }
        samples.push((LogFormat::Arrow, builder.build().unwrap().stamp(1, 1)));
    }
    for format in [LogFormat::Indexed, LogFormat::Compacted] {
        let mut builder = RowLogBatchBuilder::new(row_type, 1, format)
            .unwrap()
            .with_change_types();
        for row in &rows {
            builder.append_change(ChangeType::Insert, row).unwrap();
        }
        samples.push((format, builder.build().stamp(1, 1)));
    }
    samples
}

/// The batch cut to `length` bytes, its header saying so.
fn cut(batch: &[u8], length: usize) -> Bytes {
    let mut cut = batch[..length].to_vec();
    if length >= 12 {
        cut[8..12].copy_from_slice(&(length as i32 - 12).to_le_bytes());
    }
    Bytes::from(cut)
}

#[test]
fn every_flipped_bit_of_a_batch_of_64_kib_is_reported() {
    let row_type = RowType::new(vec![
        DataField::new("id", DataTypes::bigint()),
        DataField::new("noise", DataTypes::bytes()),
    ]);
    let mut noise = Noise::new(5);
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, ArrowCompression::NONE).unwrap();
    while builder.estimated_size(1.0) < 64 << 10 {
        let row = GenericRow::from_data(vec![
            Datum::from(noise.next() as i64),
            Datum::from(noise.bytes(100)),
        ]);
        builder.append(&row).unwrap();
    }
    let batch = builder.build().unwrap().stamp(1, 1);
    assert!(batch.len() >= 63 << 10);
    // All but base offset and commit timestamp, which the server fills in and the checksum leaves out.
    let bits = (8 * 8..13 * 8).chain(21 * 8..batch.len() * 8);
    let mut bytes = batch.to_vec();
    for bit in bits {
        bytes[bit / 8] ^= 1 << (bit % 8);
        // Taking the bytes and giving them back saves a copy for each of half a million bits.
        let flipped = Bytes::from(std::mem::take(&mut bytes));
        // Behind the header, both ways do the same.
        let whole = (bit < 60 * 8)
            .then(|| LogBatch::parse(flipped.clone()).and_then(|batch| batch.verify_crc()));
        assert!(
            !matches!(whole, Some(Ok(()))),
            "bit {bit} of the batch by itself"
        );
        let mut stream = LogBatches::new(flipped.clone());
        let reported = match stream.next() {
            Some(batch) => batch.and_then(|batch| batch.verify_crc()).is_err(),
            // It looks like a batch that is cut off.
            None => stream.cut_bytes() == flipped.len(),
        };
        assert!(reported, "bit {bit} in a stream");
        drop((stream, whole));
        bytes = flipped.try_into_mut().unwrap().into();
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert_eq!(bytes, batch);
    LogBatch::parse(bytes).unwrap().verify_crc().unwrap();
}

#[test]
fn batches_cut_at_every_byte_are_passed_over_or_refused() {
    let row_type = all_types();
    for (format, batch) in samples(&row_type, 5) {
        let context = context(format, &row_type);
        assert!(read_all(&batch, &context));
        for length in 0..batch.len() {
            let mut stream = LogBatches::new(batch.slice(..length));
            assert!(stream.next().is_none());
            assert_eq!(stream.cut_bytes(), length);
            assert!(LogBatch::parse(batch.slice(..length)).is_err());
            // The header made to agree: it is the records that are too few.
            let mut stream = LogBatches::new(cut(&batch, length));
            let read = stream
                .next()
                .map(|found| found.and_then(|found| found.read(&context)));
            assert!(
                !matches!(read, Some(Ok(_))),
                "{format:?} cut at {length} of {}",
                batch.len()
            );
            read_all(&cut(&batch, length), &context);
        }
    }
}

#[test]
fn a_stream_stops_at_what_is_no_batch_and_says_where() {
    let (_, batch) = samples(&all_types(), 2).remove(0);
    for (at, value) in [(12, 9), (11, 0x80), (8, 0)] {
        let mut bytes = [&batch[..], &batch, &batch].concat();
        bytes[batch.len() + at] = value;
        if at == 8 {
            bytes[batch.len() + 8..batch.len() + 12].fill(0);
        }
        let mut stream = LogBatches::new(bytes);
        stream.next().unwrap().unwrap();
        let error = stream.next().unwrap().unwrap_err();
        assert!(error.is_corrupt());
        assert!(
            error.to_string().contains(&format!("byte {}", batch.len())),
            "{error}"
        );
        assert!(stream.next().is_none());
    }
}

#[test]
fn changed_batches_neither_panic_nor_take_memory_by_what_they_announce() {
    let mut noise = Noise::new(6);
    let mut samples: Vec<_> = samples(&all_types(), 4)
        .into_iter()
        .map(|(format, batch)| (context(format, &all_types()), batch))
        .collect();
    for file in [
        "log_arrow",
        "log_indexed",
        "log_compacted",
        "log_statistics",
    ] {
        for case in vectors(file) {
            let bytes = hex(case["bytes"].as_str().unwrap());
            if bytes.len() < 6000 {
                samples.push((
                    context(log_format(&case), &row_type(&case)),
                    Bytes::from(bytes),
                ));
            }
        }
    }
    let (mut sound, mut refused) = (0, 0);
    for _ in 0..60 {
        for (context, batch) in &samples {
            let mut mutated = noise.mutate(batch);
            if noise.below(2) == 0 && mutated.len() >= 12 {
                // Many changes would end at the length already.
                let length = mutated.len() as i32 - 12;
                mutated[8..12].copy_from_slice(&length.to_le_bytes());
            }
            if read_all(&Bytes::from(mutated), context) {
                sound += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(refused > sound);
}

#[test]
fn noise_is_no_batch() {
    let row_type = all_types();
    let contexts = [LogFormat::Arrow, LogFormat::Indexed, LogFormat::Compacted]
        .map(|format| context(format, &row_type));
    let mut noise = Noise::new(7);
    for _ in 0..5000 {
        let length = noise.below(400);
        let mut bytes = noise.bytes(length);
        if let Some(magic) = bytes.get_mut(12) {
            *magic %= 3;
        }
        if length >= 12 {
            bytes[8..12].copy_from_slice(&(length as i32 - 12).to_le_bytes());
            bytes[7] = 0;
        }
        let bytes = Bytes::from(bytes);
        assert!(
            length == 0 || contexts.iter().all(|context| !read_all(&bytes, context)) || length < 48
        );
    }
}

/// Rows whose column compresses nearly to nothing.
fn flat_batch(rows: usize, compression: ArrowCompression) -> (RowType, Bytes) {
    let row_type = RowType::new(vec![DataField::new("same", DataTypes::bigint())]);
    let mut builder = ArrowLogBatchBuilder::new(&row_type, 1, compression).unwrap();
    let row = GenericRow::from_data(vec![7_i64]);
    for _ in 0..rows {
        builder.append(&row).unwrap();
    }
    (row_type, builder.build().unwrap().stamp(1, 1))
}

#[test]
fn a_batch_that_becomes_too_large_is_refused_before_memory_is_taken() {
    let Some(compression) = codecs()
        .pop()
        .filter(|codec| *codec != ArrowCompression::NONE)
    else {
        return;
    };
    let (row_type, batch) = flat_batch(1 << 17, compression);
    let whole = LogBatch::parse(batch).unwrap();
    let with = |limits| {
        whole.read(
            &ReadContext::new(LogFormat::Arrow, &row_type)
                .unwrap()
                .with_limits(limits),
        )
    };
    let (size, default) = (8 << 17, DecodeLimits::DEFAULT);
    assert_eq!(with(default).unwrap().row_count(), 1 << 17);
    for limits in [
        DecodeLimits {
            max_decompressed_bytes: size - 1,
            ..default
        },
        DecodeLimits {
            ratio_free_bytes: size - 1,
            ..default
        },
    ] {
        let memory = measure(|| {
            let error = with(limits).unwrap_err();
            assert!(error.is_corrupt(), "{error}");
        });
        assert!(memory.bytes_max < 64 << 10, "{} bytes", memory.bytes_max);
    }
    with(DecodeLimits {
        ratio_free_bytes: 0,
        max_ratio: usize::MAX,
        ..default
    })
    .unwrap();
}

/// A length announced for a buffer after decompression.
#[test]
fn announced_lengths_are_not_believed() {
    for compression in codecs()
        .into_iter()
        .filter(|codec| *codec != ArrowCompression::NONE)
    {
        let (row_type, batch) = flat_batch(1000, compression);
        let context = ReadContext::new(LogFormat::Arrow, &row_type).unwrap();
        let announced = 8000_i64.to_le_bytes();
        let at = batch
            .windows(8)
            .rposition(|window| window == announced)
            .unwrap();
        for length in [
            0,
            7999,
            8001,
            1 << 20,
            200 << 20,
            1 << 40,
            i64::MAX,
            i64::MIN,
            -2,
            -1,
        ] {
            let mut forged = batch.to_vec();
            forged[at..at + 8].copy_from_slice(&i64::to_le_bytes(length));
            let forged = LogBatch::parse(forged).unwrap();
            let memory = measure(|| assert!(forged.read(&context).is_err(), "{length}"));
            assert!(
                memory.bytes_max < 12 << 20,
                "{length} took {} bytes",
                memory.bytes_max
            );
        }
    }
}
