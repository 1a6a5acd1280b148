//! Bytes that nobody honest wrote: cut short, changed, or noise. Nothing may panic, and nothing may
//! allocate by what such bytes announce.

use bytes::Bytes;
use fluss_metadata::{DataTypes, RowType};
use fluss_row::kv::{KvBatch, ValueBatch};
use fluss_row::{
    ArrayCodec, DataGetters, Datum, FlussArray, GenericRow, InternalRow, MapCodec, RowDecoder,
    RowFormat,
};

use crate::support::{data_type, hex, row_type, vectors};

/// A small generator with a seed, so that failures can be repeated.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 32) as usize % limit.max(1)
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// The bytes with one to four of them changed, or a part removed or doubled.
    pub fn mutate(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        match self.below(8) {
            0 => changed.truncate(self.below(bytes.len() + 1)),
            1 => {
                let from = self.below(bytes.len() + 1);
                changed.extend_from_slice(&bytes[from..]);
            }
            2 => changed = self.bytes(bytes.len()),
            _ => {
                for _ in 0..=self.below(4) {
                    if !changed.is_empty() {
                        let at = self.below(changed.len());
                        changed[at] = match self.below(4) {
                            0 => 0xff,
                            1 => 0x80,
                            2 => changed[at] ^ (1 << self.below(8)),
                            _ => self.next() as u8,
                        };
                    }
                }
            }
        }
        changed
    }
}

/// Reads everything there is to read; says nothing about what is right.
pub fn touch(row: &impl DataGetters) {
    for pos in 0..row.field_count() {
        if let Ok(value) = row.datum(pos) {
            touch_value(&value);
        }
        let _ = row.is_null_at(pos);
        let _ = row.get_long(pos);
        let _ = row.get_string(pos);
    }
    let _ = row.datum(usize::MAX);
    let _ = row.is_null_at(usize::MAX);
}

fn touch_array(array: &FlussArray<'_>) {
    for element in array.iter().flatten() {
        touch_value(&element);
    }
}

fn touch_value(value: &Datum<'_>) {
    match value {
        Datum::Array(array) => touch_array(array),
        Datum::Map(map) => {
            touch_array(map.keys());
            touch_array(map.values());
        }
        Datum::Row(row) => row.values().iter().for_each(touch_value),
        _ => {}
    }
}

const ROW_FILES: [(&str, RowFormat); 3] = [
    ("row_compacted", RowFormat::Compacted),
    ("row_indexed", RowFormat::Indexed),
    ("row_aligned", RowFormat::Aligned),
];

/// Decoders and bytes of every golden row that is not too long to be run often.
fn rows() -> Vec<(RowDecoder, Vec<u8>)> {
    let mut rows = Vec::new();
    for (file, format) in ROW_FILES {
        for case in vectors(file) {
            if let Some(bytes) = case["bytes"]
                .as_str()
                .map(hex)
                .filter(|bytes| bytes.len() < 2_000)
            {
                rows.push((RowDecoder::new(format, &row_type(&case)).unwrap(), bytes));
            }
        }
    }
    rows
}

#[test]
fn rows_cut_at_every_byte_are_refused() {
    for (decoder, bytes) in rows() {
        for length in 0..bytes.len() {
            let decoded = decoder.decode(Bytes::copy_from_slice(&bytes[..length]));
            match decoder.format() {
                // Behind the last value there may be padding.
                RowFormat::Aligned => {
                    if let Ok(row) = decoded {
                        touch(&row);
                    }
                }
                _ => assert!(decoded.is_err(), "{} of {} bytes", length, bytes.len()),
            }
        }
    }
}

#[test]
fn changed_rows_do_no_harm() {
    let rows = rows();
    let mut noise = Noise::new(1);
    for _ in 0..300_000 {
        let (decoder, bytes) = &rows[noise.below(rows.len())];
        let changed = noise.mutate(bytes);
        let limit = (2 * changed.len()).max(64 << 10) as u64;
        let used = allocation_counter::measure(|| {
            if let Ok(row) = decoder.decode(Bytes::from(changed)) {
                touch(&row);
            }
        });
        assert!(used.bytes_max <= limit, "{used:?}, allowed {limit}");
    }
}

#[test]
fn changed_rows_give_the_same_values_at_once_as_one_by_one() {
    let rows = rows();
    let mut noise = Noise::new(5);
    for _ in 0..50_000 {
        let (decoder, bytes) = &rows[noise.below(rows.len())];
        let changed = noise.mutate(bytes);
        let row = decoder.decode(Bytes::copy_from_slice(&changed));
        let expected = row.and_then(|row| row.to_generic().map(GenericRow::into_owned));
        // Into no values yet, into those of another row, and into those of the same one.
        let mut values = GenericRow::default();
        for before in [None, Some(bytes), Some(&changed)] {
            if let Some(before) = before {
                let _ = decoder.decode_values(before, &mut values);
            }
            let result = decoder.decode_values(&changed, &mut values);
            match &expected {
                Ok(expected) => {
                    result.unwrap();
                    // As text, which shows what is wrong within nested values, too.
                    assert_eq!(format!("{values:?}"), format!("{expected:?}"));
                }
                Err(_) => assert!(result.is_err(), "{values:?}"),
            }
        }
    }
}

#[test]
fn changed_arrays_and_maps_do_no_harm() {
    let mut noise = Noise::new(2);
    let arrays: Vec<_> = vectors("binary_array")
        .iter()
        .map(|case| {
            let codec =
                ArrayCodec::new(RowFormat::Compacted, &data_type(&case["type_json"])).unwrap();
            (codec, hex(case["compacted"].as_str().unwrap()))
        })
        .collect();
    let maps: Vec<_> = vectors("binary_map")
        .iter()
        .map(|case| {
            let codec = MapCodec::new(RowFormat::Indexed, &data_type(&case["type_json"])).unwrap();
            (codec, hex(case["indexed"].as_str().unwrap()))
        })
        .collect();
    for (codec, bytes) in &arrays {
        for length in 0..bytes.len() {
            if let Ok(array) = codec.decode(&bytes[..length]) {
                touch_array(&array);
            }
        }
    }
    for _ in 0..100_000 {
        let (codec, bytes) = &arrays[noise.below(arrays.len())];
        let changed = noise.mutate(bytes);
        if let Ok(array) = codec.decode(&changed) {
            touch_array(&array);
        }
        let (codec, bytes) = &maps[noise.below(maps.len())];
        let changed = noise.mutate(bytes);
        if let Ok(map) = codec.decode(&changed) {
            touch_array(map.keys());
            touch_array(map.values());
        }
    }
}

#[test]
fn changed_batches_do_no_harm() {
    let mut noise = Noise::new(3);
    let bytes = |file: &str| -> Vec<Vec<u8>> {
        vectors(file)
            .iter()
            .filter_map(|case| case["bytes"].as_str().map(hex))
            .collect()
    };
    let (kv, values) = (bytes("kv_batch"), bytes("value_batch"));
    for whole in &kv {
        for length in 0..whole.len() {
            KvBatch::parse(Bytes::copy_from_slice(&whole[..length])).unwrap_err();
        }
    }
    for whole in &values {
        for length in 0..whole.len() {
            ValueBatch::parse(Bytes::copy_from_slice(&whole[..length])).unwrap_err();
        }
    }
    for _ in 0..100_000 {
        let whole = &kv[noise.below(kv.len())];
        let mut changed = noise.mutate(whole);
        fix_length(&mut changed, &mut noise);
        if let Ok(batch) = KvBatch::parse(Bytes::from(changed)) {
            let _ = batch.verify_crc();
            for record in batch.records() {
                let _ = record;
            }
        }
        let whole = &values[noise.below(values.len())];
        let mut changed = noise.mutate(whole);
        fix_length(&mut changed, &mut noise);
        if let Ok(batch) = ValueBatch::parse(Bytes::from(changed)) {
            for record in batch.records() {
                let _ = record;
            }
        }
    }
}

/// Most changed batches state their real length, so that more than the header gets read.
fn fix_length(bytes: &mut [u8], noise: &mut Noise) {
    if bytes.len() >= 4 && noise.below(8) != 0 {
        let length = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
    }
}

#[test]
fn announced_sizes_are_checked_before_anything_is_made_of_them() {
    let tinyints = ArrayCodec::new(
        RowFormat::Compacted,
        &DataTypes::array(DataTypes::tinyint()),
    )
    .unwrap();
    for count in [2, 1_000, i32::MAX, -1, i32::MIN] {
        let mut bytes = count.to_le_bytes().to_vec();
        bytes.extend([0; 5]);
        let used = allocation_counter::measure(|| assert!(tinyints.decode(&bytes).is_err()));
        assert_eq!(used.bytes_total, 0, "count {count}");
    }
    let row_type = RowType::new(vec![DataTypes::field("s", DataTypes::string())]);
    for format in [RowFormat::Compacted, RowFormat::Indexed, RowFormat::Aligned] {
        let decoder = RowDecoder::new(format, &row_type).unwrap();
        for bytes in [
            &[0, 0xff, 0xff, 0xff, 0xff, 0x0f][..],
            &[0, 0xff, 0xff, 0xff, 0x7f, 1],
            &[0; 15],
        ] {
            assert!(
                decoder.decode(Bytes::copy_from_slice(bytes)).is_err(),
                "{format:?} {bytes:?}"
            );
        }
    }
}

#[test]
fn text_that_is_not_utf8_is_refused_when_decoding() {
    let row_type = RowType::new(vec![DataTypes::field("s", DataTypes::string())]);
    let decoder = RowDecoder::new(RowFormat::Compacted, &row_type).unwrap();
    assert!(decoder.decode(Bytes::from_static(&[0, 1, 0xff])).is_err());
    let mut values = GenericRow::default();
    assert!(decoder.decode_values(&[0, 1, 0xff], &mut values).is_err());
    decoder
        .decode_values(&[0, 2, 0xc3, 0xa9], &mut values)
        .unwrap();
    assert_eq!(values.get_string(0), "\u{e9}");
    assert!(
        decoder
            .decode(Bytes::from_static(&[0, 2, 0xc3, 0xa9]))
            .is_ok()
    );
    assert!(
        decoder
            .decode(Bytes::from_static(&[0, 2, 0xc3, 0xa9, 0]))
            .is_err(),
        "a byte too many"
    );
}
