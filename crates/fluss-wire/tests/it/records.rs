//! Records pass through without being copied, in either direction.

use bytes::{Bytes, BytesMut};
use fluss_wire::codec;
use fluss_wire::frame::{FrameDecoder, Response, decode_response, encode_request, encode_success};
use fluss_wire::message::{
    FetchLogResponse, PbFetchLogRespForBucket, PbFetchLogRespForTable, PbProduceLogReqForBucket,
    PbPutKvReqForBucket, ProduceLogRequest, PutKvRequest,
};
use prost::Message as _;

const BATCH: usize = 4096;

fn batches() -> Vec<Bytes> {
    (0..3).map(|fill| Bytes::from(vec![fill; BATCH])).collect()
}

/// Where the pieces that are as long as a batch lie.
fn places(pieces: impl IntoIterator<Item = Bytes>) -> Vec<*const u8> {
    pieces
        .into_iter()
        .filter(|piece| piece.len() == BATCH)
        .map(|piece| piece.as_ptr())
        .collect()
}

#[test]
fn produced_records_go_out_from_where_they_lie() {
    let batches = batches();
    let request = ProduceLogRequest {
        acks: -1,
        table_id: 7,
        timeout_ms: 30_000,
        buckets_req: batches
            .iter()
            .zip(0..)
            .map(|(records, bucket_id)| PbProduceLogReqForBucket {
                partition_id: Some(9),
                bucket_id,
                records: records.clone(),
                original_partition_name: Some("2024".to_owned()),
                routing_bucket_count: Some(3),
            })
            .collect(),
    };
    let frame = encode_request(0, 1, &request).unwrap();
    assert_eq!(places(frame.clone()), places(batches));
    assert_eq!(frame.into_bytes()[12..], request.encode_to_vec());
}

#[test]
fn put_records_go_out_from_where_they_lie() {
    let batches = batches();
    let request = PutKvRequest {
        acks: -1,
        table_id: 7,
        timeout_ms: 30_000,
        target_columns: vec![0, 2, 300].into(),
        buckets_req: batches
            .iter()
            .zip(0..)
            .map(|(records, bucket_id)| PbPutKvReqForBucket {
                partition_id: None,
                bucket_id,
                records: records.clone(),
                original_partition_name: None,
                routing_bucket_count: None,
            })
            .collect(),
        agg_mode: Some(1),
    };
    let frame = encode_request(2, 1, &request).unwrap();
    assert_eq!(places(frame.clone()), places(batches));
    assert_eq!(frame.into_bytes()[12..], request.encode_to_vec());
}

#[test]
fn fetched_records_are_slices_of_what_was_received() {
    let response = FetchLogResponse {
        tables_resp: vec![PbFetchLogRespForTable {
            table_id: 7,
            buckets_resp: batches()
                .into_iter()
                .zip(0..)
                .map(|(records, bucket_id)| PbFetchLogRespForBucket {
                    bucket_id,
                    records: Some(records),
                    ..Default::default()
                })
                .collect(),
        }]
        .into(),
    };
    let sent = encode_success(5, &response).unwrap().into_bytes();
    let mut received = BytesMut::from(sent.as_ref());
    let memory = received.as_ptr() as usize..received.as_ptr() as usize + received.len();

    let frame = FrameDecoder::new(1 << 20)
        .decode(&mut received)
        .unwrap()
        .unwrap();
    let Response::Success { body, .. } = decode_response(frame).unwrap() else {
        panic!("it is a success");
    };
    let decoded: FetchLogResponse = codec::decode(body).unwrap();
    assert_eq!(decoded, response);
    for bucket in &decoded.tables_resp.first().unwrap().buckets_resp {
        let records = bucket.records.as_ref().unwrap();
        let start = records.as_ptr() as usize;
        assert!(memory.contains(&start) && memory.contains(&(start + records.len() - 1)));
    }
}
