//! Request bodies with record batches, encoded around the batches instead of through them.
//!
//! The bytes are exactly what prost would write; but the records are separate pieces instead of copies.

use bytes::BytesMut;
use prost::Message as _;
use prost::encoding::{self, WireType, encode_key, encode_varint};

use crate::{
    message::{PbProduceLogReqForBucket, PbPutKvReqForBucket, ProduceLogRequest, PutKvRequest},
    segments::Segments,
};

/// `FlussApi.proto: ProduceLogRequest`.
pub(super) fn produce_log(request: &ProduceLogRequest, out: &mut Segments) {
    // Named one by one, so that a new field fails to compile here.
    let ProduceLogRequest {
        acks,
        table_id,
        timeout_ms,
        buckets_req,
    } = request;
    let tail = out.tail_mut();
    encoding::int32::encode(1, acks, tail);
    encoding::int64::encode(2, table_id, tail);
    encoding::int32::encode(3, timeout_ms, tail);
    for bucket in buckets_req {
        message_header(4, bucket.encoded_len(), out.tail_mut());
        let PbProduceLogReqForBucket {
            partition_id,
            bucket_id,
            records,
            original_partition_name,
            routing_bucket_count,
        } = bucket;
        let batch = Batch {
            partition_id: partition_id.as_ref(),
            bucket_id,
            records,
            original_partition_name: original_partition_name.as_ref(),
            routing_bucket_count: routing_bucket_count.as_ref(),
        };
        batch.encode(out);
    }
}

/// `FlussApi.proto: PutKvRequest`.
pub(super) fn put_kv(request: &PutKvRequest, out: &mut Segments) {
    let PutKvRequest {
        acks,
        table_id,
        timeout_ms,
        target_columns,
        buckets_req,
        agg_mode,
    } = request;
    let tail = out.tail_mut();
    encoding::int32::encode(1, acks, tail);
    encoding::int64::encode(2, table_id, tail);
    encoding::int32::encode(3, timeout_ms, tail);
    crate::message::rt::encoding::int32::encode_packed(4, target_columns, tail);
    for bucket in buckets_req {
        message_header(5, bucket.encoded_len(), out.tail_mut());
        let PbPutKvReqForBucket {
            partition_id,
            bucket_id,
            records,
            original_partition_name,
            routing_bucket_count,
        } = bucket;
        let batch = Batch {
            partition_id: partition_id.as_ref(),
            bucket_id,
            records,
            original_partition_name: original_partition_name.as_ref(),
            routing_bucket_count: routing_bucket_count.as_ref(),
        };
        batch.encode(out);
    }
    if let Some(agg_mode) = agg_mode {
        encoding::int32::encode(6, agg_mode, out.tail_mut());
    }
}

/// The fields that `PbProduceLogReqForBucket` and `PbPutKvReqForBucket` have in common, which is all of them.
struct Batch<'a> {
    partition_id: Option<&'a i64>,
    bucket_id: &'a i32,
    records: &'a bytes::Bytes,
    original_partition_name: Option<&'a String>,
    routing_bucket_count: Option<&'a i32>,
}

impl Batch<'_> {
    fn encode(&self, out: &mut Segments) {
        let tail = out.tail_mut();
        if let Some(partition_id) = self.partition_id {
            encoding::int64::encode(1, partition_id, tail);
        }
        encoding::int32::encode(2, self.bucket_id, tail);
        message_header(3, self.records.len(), tail);
        out.push(self.records.clone());
        let tail = out.tail_mut();
        if let Some(name) = self.original_partition_name {
            encoding::string::encode(4, name, tail);
        }
        if let Some(count) = self.routing_bucket_count {
            encoding::int32::encode(5, count, tail);
        }
    }
}

/// Key and length of a field of `length` bytes.
fn message_header(number: u32, length: usize, out: &mut BytesMut) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}
