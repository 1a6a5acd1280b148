//! The answers read in place are those that prost decodes, or both refuse them.

use bytes::Bytes;
use prost::Message as _;

use super::{LookupAnswer, PrefixLookupAnswer};
use crate::codec::decode;
use crate::message::{
    LookupResponse, PbLookupRespForBucket, PbPrefixLookupRespForBucket, PbValue, PbValueList,
    PrefixLookupResponse,
};

/// What was read, in the form that prost gives; `original_partition_name` is left out.
fn point(body: &Bytes) -> Option<LookupResponse> {
    let answer = LookupAnswer::new(body.clone());
    let buckets = answer.buckets().map(|bucket| {
        let bucket = bucket.ok()?;
        assert_eq!(bucket.values().count(), bucket.len());
        Some(PbLookupRespForBucket {
            partition_id: bucket.partition_id(),
            bucket_id: bucket.bucket_id(),
            error_code: bucket.error().map(|error| i32::from(error.code)),
            error_message: bucket.error().and_then(|error| error.message),
            values: bucket.values().map(|values| PbValue { values }).collect(),
            original_partition_name: None,
        })
    });
    let buckets_resp = buckets.collect::<Option<_>>()?;
    Some(LookupResponse { buckets_resp })
}

fn prefix(body: &Bytes) -> Option<PrefixLookupResponse> {
    let answer = PrefixLookupAnswer::new(body.clone());
    let buckets = answer.buckets().map(|bucket| {
        let bucket = bucket.ok()?;
        assert_eq!(bucket.values().count(), bucket.len());
        let list = |list: super::ValueList| {
            let count = list.count_values();
            let values: Vec<_> = list.collect();
            assert_eq!(values.len(), count);
            PbValueList {
                values: values.into(),
            }
        };
        Some(PbPrefixLookupRespForBucket {
            partition_id: bucket.partition_id(),
            bucket_id: bucket.bucket_id(),
            error_code: bucket.error().map(|error| i32::from(error.code)),
            error_message: bucket.error().and_then(|error| error.message),
            value_lists: bucket.values().map(list).collect(),
        })
    });
    let buckets_resp = buckets.collect::<Option<_>>()?;
    Some(PrefixLookupResponse { buckets_resp })
}

/// An error code of 0 is none, and without one there is no message.
fn plain(code: &mut Option<i32>, message: &mut Option<String>) {
    *code = code.filter(|&code| code != 0);
    if code.is_none() {
        *message = None;
    }
}

fn compare(body: &Bytes) {
    let mut expected = decode::<LookupResponse>(body.clone());
    for bucket in expected.iter_mut().flat_map(|all| &mut all.buckets_resp) {
        plain(&mut bucket.error_code, &mut bucket.error_message);
        bucket.original_partition_name = None;
    }
    assert_eq!(point(body), expected.ok(), "{body:?}");
    let mut expected = decode::<PrefixLookupResponse>(body.clone());
    for bucket in expected.iter_mut().flat_map(|all| &mut all.buckets_resp) {
        plain(&mut bucket.error_code, &mut bucket.error_message);
    }
    assert_eq!(prefix(body), expected.ok(), "{body:?}");
}

fn value(length: usize) -> PbValue {
    let values = Some(Bytes::from(vec![7; length]));
    PbValue { values }
}

fn originals() -> Vec<Bytes> {
    let bucket = PbLookupRespForBucket {
        partition_id: Some(-1),
        bucket_id: 5,
        values: vec![
            value(0),
            PbValue::default(),
            value(127),
            value(128),
            value(300),
        ]
        .into(),
        original_partition_name: Some("2024".to_owned()),
        ..Default::default()
    };
    let failed = PbLookupRespForBucket {
        bucket_id: -1,
        error_code: Some(12),
        error_message: Some("not the leader".to_owned()),
        ..Default::default()
    };
    let prefixes = PbPrefixLookupRespForBucket {
        bucket_id: 1 << 20,
        value_lists: vec![
            PbValueList::default(),
            PbValueList {
                values: vec![
                    Bytes::new(),
                    Bytes::from_static(b"row"),
                    vec![1; 200].into(),
                ]
                .into(),
            },
        ]
        .into(),
        ..Default::default()
    };
    vec![
        LookupResponse {
            buckets_resp: vec![bucket, failed].into(),
        }
        .encode_to_vec()
        .into(),
        PrefixLookupResponse {
            buckets_resp: vec![prefixes.clone(), prefixes].into(),
        }
        .encode_to_vec()
        .into(),
        // Fields in another order, doubled, unknown, and of another wire type.
        Bytes::from_static(
            b"\x0a\x0e\x2a\x03\x0a\x01a\x10\x01\x2a\0\x10\x02\x38\x05\x10\x0b\x0a\0",
        ),
        Bytes::from_static(b"\x0a\x0c\x10\x01\x2a\x08\x0a\x01a\x12\0\x0a\x01b"),
        Bytes::from_static(b"\x0a\x04\x10\x01\x28\0"),
        Bytes::from_static(b"\x0a\x06\x10\x01\x2a\x02\x08\0"),
        Bytes::from_static(b"\x0a\x05\x10\x01\x22\x01\xff"),
        Bytes::from_static(b"\x08\x01"),
        Bytes::new(),
    ]
}

#[test]
fn answers_read_in_place_are_what_prost_decodes() {
    for body in originals() {
        compare(&body);
        for end in 0..body.len() {
            compare(&body.slice(..end));
        }
    }
}

#[test]
fn changed_answers_are_read_or_refused_as_prost_does() {
    let originals = originals();
    let mut state = 1_u64;
    let mut below = move |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % limit.max(1)
    };
    for _ in 0..200_000 {
        let mut body = originals[below(originals.len())].to_vec();
        for _ in 0..=below(3) {
            if !body.is_empty() {
                let at = below(body.len().min(40));
                body[at] = [0, 1, 0x0a, 0x10, 0x2a, 0x80, 0xff, below(256) as u8][below(8)];
            }
        }
        compare(&body.into());
    }
}

#[test]
fn the_missing_field_of_a_bucket_is_named_and_ends_the_answer() {
    let body = Bytes::from_static(b"\x0a\x02\x2a\0\x0a\x02\x10\x01");
    let answer = LookupAnswer::new(body);
    let mut buckets = answer.buckets();
    assert_eq!(
        buckets.next().unwrap().unwrap_err().to_string(),
        "PbLookupRespForBucket lacks the required field bucket_id"
    );
    assert!(buckets.next().is_none());
}
