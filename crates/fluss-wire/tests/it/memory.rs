//! No single allocation above max(64 KiB, twice the input), whatever the bytes say.

use alloc_probe::largest;
use bytes::Bytes;
use fluss_wire::api::{ApiKey, TABLE};
use fluss_wire::codec::decode;
use fluss_wire::lookup::{LookupAnswer, PrefixLookupAnswer};
use fluss_wire::message::{
    FetchLogResponse, ListTablesResponse, LookupResponse, MetadataResponse,
    PbFetchLogRespForBucket, PbFetchLogRespForTable, PbLookupRespForBucket, PbTableMetadata,
    PbTablePath, PbValue,
};

use crate::schema::{EmptyPacked, Rng, Schema};

fn bound(input: usize) -> usize {
    (64 << 10).max(2 * input)
}

/// Decodes as request and as response of every API.
fn decode_all(body: &Bytes) {
    for entry in TABLE {
        for (what, ((), most)) in [
            (
                entry.request,
                largest(|| drop(entry.key.decode_request(body.clone()))),
            ),
            (
                entry.response,
                largest(|| drop(entry.key.decode_response(body.clone()))),
            ),
        ] {
            assert!(
                most <= bound(body.len()),
                "{what}: {most} bytes at once for {}",
                body.len()
            );
        }
    }
}

/// A field of that number with those contents.
fn field(number: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(contents.len(), &mut bytes).unwrap();
    bytes.extend_from_slice(contents);
    bytes
}

#[test]
fn a_field_that_is_repeated_forty_thousand_times_is_no_large_allocation() {
    // Empty text, bytes and messages; packed numbers; the smallest messages that lack nothing.
    let small = [8, 0, 16, 0, 24, 0, 32, 0, 40, 0, 48, 0];
    for number in 1..16 {
        for contents in [&[][..], &small[..2], &small[2..4], &small[..4], &small] {
            decode_all(&field(number, contents).repeat(40_000).into());
        }
        decode_all(&field(number, &vec![0; 1_000_000]).into());
        // Within a message, and within a message of a message, with what these may want before it.
        for contents in [&[][..], &small[..2], &small[2..4]] {
            let many = field(number, contents).repeat(40_000);
            for outer in 1..8 {
                let inner = field(outer, &[&small[..], &many].concat());
                decode_all(&inner.clone().into());
                decode_all(&field(1, &[&small[..], &inner].concat()).into());
            }
        }
    }
}

#[test]
fn random_messages_with_long_lists_make_no_large_allocation() {
    let schema = Schema::of("1.0.0");
    let mut rng = Rng::new(11);
    for entry in TABLE {
        for _ in 0..20 {
            let body = schema.random_body(entry.response, &mut rng, 3);
            let one = schema.encode(entry.response, &body, EmptyPacked::Absent);
            // Twice the same message is one message with longer lists.
            let body = Bytes::from(one.repeat(150_000 / one.len().max(1)));
            let ((), most) = largest(|| drop(entry.key.decode_response(body.clone())));
            assert!(
                most <= bound(body.len()),
                "{}: {most} bytes at once for {}",
                entry.response,
                body.len()
            );
        }
    }
}

/// Decodes what an honest server may well say, within the bound.
fn honest<M: fluss_wire::codec::WireMessage + PartialEq>(message: &M) {
    let body = Bytes::from(message.encode_to_vec());
    let len = body.len();
    let (decoded, most) = largest(|| decode::<M>(body));
    assert_eq!(&decoded.unwrap(), message);
    assert!(most <= bound(len), "{most} bytes at once for {len}");
}

#[test]
fn large_honest_answers_are_read_in_small_pieces() {
    honest(&LookupResponse {
        buckets_resp: vec![PbLookupRespForBucket {
            values: vec![PbValue { values: None }; 100_000].into(),
            ..Default::default()
        }]
        .into(),
    });
    let idle = |bucket_id| PbFetchLogRespForBucket {
        bucket_id,
        high_watermark: Some(0),
        log_start_offset: Some(0),
        records: Some(Bytes::new()),
        ..Default::default()
    };
    honest(&FetchLogResponse {
        tables_resp: vec![PbFetchLogRespForTable {
            table_id: 1,
            buckets_resp: (0..20_000).map(|place| idle(place % 100)).collect(),
        }]
        .into(),
    });
    honest(&ListTablesResponse {
        table_name: (0..50_000).map(|table| format!("t{table}")).collect(),
    });
    let table = |table| PbTableMetadata {
        table_path: PbTablePath {
            database_name: "d".to_owned(),
            table_name: format!("t{table}"),
        },
        ..Default::default()
    };
    honest(&MetadataResponse {
        table_metadata: (0..10_000).map(table).collect(),
        ..Default::default()
    });
}

#[test]
fn lookups_are_read_in_place_without_any_large_allocation() {
    let one = field(1, &[&[16, 1][..], &field(5, &[]).repeat(500_000)].concat());
    let body = Bytes::from(one);
    let (count, most) = largest(|| {
        let point = LookupAnswer::new(body.clone());
        let point = point.buckets().flatten();
        let point: usize = point.map(|bucket| bucket.values().count()).sum();
        let prefix = PrefixLookupAnswer::new(body.clone());
        let prefix = prefix.buckets().flatten();
        let prefix: usize = prefix.map(|bucket| bucket.values().count()).sum();
        point + prefix
    });
    assert_eq!(count, 1_000_000);
    assert!(most < 1024, "{most} bytes at once");
}

#[test]
fn the_probe_sees_a_large_allocation() {
    let (_, most) = largest(|| Vec::<u8>::with_capacity(1 << 20));
    assert_eq!(most, 1 << 20);
    // And such is what an answer with large text is: as large as it has to be.
    let body = field(1, &vec![b'x'; 1 << 20]);
    let (_, most) = largest(|| ApiKey::ListTables.decode_response(body.into()).unwrap());
    assert_eq!(most, 1 << 20);
}
