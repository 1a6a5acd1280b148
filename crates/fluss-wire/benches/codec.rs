//! What frames cost. An operation is one frame, of three buckets with records of 64 KiB each; that these are not copied in either
//! direction is tested in `tests/it/records.rs`.
//!
//! `cargo bench -p fluss-wire` measures times, `cargo xtask bench codec` counts instructions; see `bench-harness`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench on known data")]

use std::{hint::black_box, process::ExitCode};

use bench_harness::{Case, Limit};
use bytes::{Bytes, BytesMut};
use fluss_wire::codec;
use fluss_wire::frame::{FrameDecoder, Response, decode_response, encode_request, encode_success};
use fluss_wire::lookup::LookupAnswer;
use fluss_wire::message::{
    FetchLogResponse, LookupResponse, PbFetchLogRespForBucket, PbFetchLogRespForTable,
    PbLookupRespForBucket, PbProduceLogReqForBucket, PbValue, ProduceLogRequest,
};

const RECORDS: usize = 64 * 1024;
const BUCKETS: i32 = 3;

fn encode_produce() -> impl FnMut(u64) {
    let records = Bytes::from(vec![7; RECORDS]);
    let buckets = (0..BUCKETS).map(|bucket_id| PbProduceLogReqForBucket {
        partition_id: None,
        bucket_id,
        records: records.clone(),
        original_partition_name: None,
        routing_bucket_count: None,
    });
    let request = ProduceLogRequest {
        acks: -1,
        table_id: 7,
        timeout_ms: 30_000,
        buckets_req: buckets.collect(),
    };
    move |count| {
        for id in 0..count {
            black_box(encode_request(0, id as i32, black_box(&request)).unwrap());
        }
    }
}

fn decode_fetch() -> impl FnMut(u64) {
    let buckets = (0..BUCKETS).map(|bucket_id| PbFetchLogRespForBucket {
        bucket_id,
        high_watermark: Some(1000),
        log_start_offset: Some(0),
        records: Some(Bytes::from(vec![7; RECORDS])),
        ..Default::default()
    });
    let response = FetchLogResponse {
        tables_resp: vec![PbFetchLogRespForTable {
            table_id: 7,
            buckets_resp: buckets.collect(),
        }]
        .into(),
    };
    let frame = encode_success(5, &response).unwrap().into_bytes();
    let body = FrameDecoder::new(1 << 24)
        .decode(&mut BytesMut::from(frame.as_ref()))
        .unwrap()
        .unwrap();
    move |count| {
        for _ in 0..count {
            let Response::Success { body, .. } = decode_response(black_box(&body).clone()).unwrap()
            else {
                panic!("it is a success");
            };
            black_box(codec::decode::<FetchLogResponse>(body).unwrap());
        }
    }
}

/// An operation is one value of 60 bytes, in answers of 1,000 each. About 60 instructions are the slice itself, made and dropped; the
/// limit leaves 100 to find and check it.
fn read_looked_up() -> impl FnMut(u64) {
    const VALUES: u64 = 1000;
    let value = PbValue {
        values: Some(vec![7; 60].into()),
    };
    let response = LookupResponse {
        buckets_resp: vec![PbLookupRespForBucket {
            bucket_id: 1,
            values: vec![value; VALUES as usize].into(),
            ..Default::default()
        }]
        .into(),
    };
    let body = Bytes::from(prost::Message::encode_to_vec(&response));
    move |count| {
        for _ in 0..count.div_ceil(VALUES) {
            for bucket in LookupAnswer::new(black_box(&body).clone()).buckets() {
                for value in bucket.unwrap().values() {
                    black_box(value);
                }
            }
        }
    }
}

fn main() -> ExitCode {
    bench_harness::run(&[
        Case::new(
            "read-looked-up-value",
            Limit::Instructions(160),
            read_looked_up,
        ),
        Case::new("encode-produce-frame-192-kib", Limit::None, encode_produce),
        Case::new("decode-fetch-frame-192-kib", Limit::None, decode_fetch),
    ])
}
