//! Requests that name buckets: finds the buckets, and adds errors for some of them to responses.

use bytes::Bytes;
use fluss_wire::Segments;
use fluss_wire::api::{ApiKey, ApiRequest};
use fluss_wire::codec;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::frame::{self, FrameDecoder, RequestFrame, Response};
use fluss_wire::message::{
    FetchLogRequest, FetchLogResponse, LimitScanRequest, LimitScanResponse, ListOffsetsRequest,
    ListOffsetsResponse, LookupRequest, LookupResponse, PbFetchLogRespForBucket,
    PbFetchLogRespForTable, PbListOffsetsRespForBucket, PbLookupRespForBucket,
    PbPrefixLookupRespForBucket, PbProduceLogRespForBucket, PbPutKvRespForBucket,
    PrefixLookupRequest, PrefixLookupResponse, ProduceLogRequest, ProduceLogResponse, PutKvRequest,
    PutKvResponse, ScanKvRequest, ScanKvResponse,
};

/// Whether a request names the bucket.
pub(crate) fn names_bucket(request: &RequestFrame, bucket: i32) -> bool {
    let rest = without_buckets(request, Some(bucket));
    rest.is_some_and(|(_, named)| named)
}

/// Removes the bucket from the request, or all buckets for `None`. Also returns whether any was removed. `None` if the
/// API has no buckets.
pub(crate) fn without_buckets(
    request: &RequestFrame,
    bucket: Option<i32>,
) -> Option<(RequestFrame, bool)> {
    fn without<R: Buckets>(request: &RequestFrame, bucket: Option<i32>) -> Option<(Bytes, bool)> {
        let mut message = codec::decode::<R>(request.body.clone()).ok()?;
        let mut named = false;
        message.retain(&mut |id| {
            let goes = bucket.is_none_or(|bucket| bucket == id);
            named |= goes;
            !goes
        });
        Some((message.encode_to_vec().into(), named))
    }
    let (body, named) = match ApiKey::from_code(request.api_key)? {
        ApiKey::ProduceLog => without::<ProduceLogRequest>(request, bucket),
        ApiKey::PutKv => without::<PutKvRequest>(request, bucket),
        ApiKey::FetchLog => without::<FetchLogRequest>(request, bucket),
        ApiKey::Lookup => without::<LookupRequest>(request, bucket),
        ApiKey::PrefixLookup => without::<PrefixLookupRequest>(request, bucket),
        ApiKey::ListOffsets => without::<ListOffsetsRequest>(request, bucket),
        ApiKey::LimitScan => without::<LimitScanRequest>(request, bucket),
        ApiKey::ScanKv => without::<ScanKvRequest>(request, bucket),
        _ => None,
    }?;
    let rest = RequestFrame {
        body,
        ..request.clone()
    };
    Some((rest, named))
}

/// Replaces the result for the bucket, or for all buckets of the request for `None`, with an error. `None` if the API
/// has no buckets, or the whole response is an error.
pub(crate) fn with_bucket_errors(
    request: &RequestFrame,
    bucket: Option<i32>,
    code: ErrorCode,
    answer: &Segments,
) -> Option<Segments> {
    fn with<R: Buckets>(
        request: &RequestFrame,
        bucket: Option<i32>,
        code: i32,
        body: Bytes,
    ) -> Option<Segments> {
        let asked = codec::decode::<R>(request.body.clone()).ok()?;
        let mut answer = codec::decode::<R::Response>(body).ok()?;
        asked.refuse(
            &mut answer,
            &|id| bucket.is_none_or(|bucket| bucket == id),
            code,
        );
        frame::encode_success(request.request_id, &answer).ok()
    }
    let Response::Success { body, .. } = response(answer)? else {
        return None;
    };
    let code = code.value();
    match ApiKey::from_code(request.api_key)? {
        ApiKey::ProduceLog => with::<ProduceLogRequest>(request, bucket, code, body),
        ApiKey::PutKv => with::<PutKvRequest>(request, bucket, code, body),
        ApiKey::FetchLog => with::<FetchLogRequest>(request, bucket, code, body),
        ApiKey::Lookup => with::<LookupRequest>(request, bucket, code, body),
        ApiKey::PrefixLookup => with::<PrefixLookupRequest>(request, bucket, code, body),
        ApiKey::ListOffsets => with::<ListOffsetsRequest>(request, bucket, code, body),
        ApiKey::LimitScan => with::<LimitScanRequest>(request, bucket, code, body),
        ApiKey::ScanKv => with::<ScanKvRequest>(request, bucket, code, body),
        _ => None,
    }
}

fn response(answer: &Segments) -> Option<Response> {
    let mut bytes = answer.clone().into_bytes().into();
    let frame = FrameDecoder::new(usize::MAX).decode(&mut bytes).ok()??;
    frame::decode_response(frame).ok()
}

/// A request that names buckets.
trait Buckets: ApiRequest {
    /// Removes the buckets for which `keep` is false.
    fn retain(&mut self, keep: &mut dyn FnMut(i32) -> bool);

    /// Replaces the results for some buckets of this request with an error.
    fn refuse(&self, answer: &mut Self::Response, refused: &dyn Fn(i32) -> bool, code: i32);
}

/// For requests with a list `buckets_req` and responses with a list `buckets_resp`.
macro_rules! by_list {
    ($request:ty, $response:ty, $entry:ident) => {
        impl Buckets for $request {
            fn retain(&mut self, keep: &mut dyn FnMut(i32) -> bool) {
                self.buckets_req.retain(|bucket| keep(bucket.bucket_id));
            }

            fn refuse(&self, answer: &mut $response, refused: &dyn Fn(i32) -> bool, code: i32) {
                answer
                    .buckets_resp
                    .retain(|bucket| !refused(bucket.bucket_id));
                let errors = self
                    .buckets_req
                    .iter()
                    .filter(|bucket| refused(bucket.bucket_id))
                    .map(|bucket| $entry {
                        partition_id: bucket.partition_id,
                        bucket_id: bucket.bucket_id,
                        error_code: Some(code),
                        error_message: Some(INJECTED.to_owned()),
                        ..$entry::default()
                    });
                answer.buckets_resp.extend(errors);
            }
        }
    };
}

/// The message of injected errors.
pub(crate) const INJECTED: &str = "injected by a rule of the mock cluster";

by_list!(
    ProduceLogRequest,
    ProduceLogResponse,
    PbProduceLogRespForBucket
);
by_list!(PutKvRequest, PutKvResponse, PbPutKvRespForBucket);
by_list!(LookupRequest, LookupResponse, PbLookupRespForBucket);
by_list!(
    PrefixLookupRequest,
    PrefixLookupResponse,
    PbPrefixLookupRespForBucket
);

impl Buckets for FetchLogRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(i32) -> bool) {
        for table in &mut self.tables_req {
            table.buckets_req.retain(|bucket| keep(bucket.bucket_id));
        }
        self.tables_req
            .retain(|table| !table.buckets_req.is_empty());
        // An error is returned at once.
        self.min_bytes = Some(0);
    }

    fn refuse(&self, answer: &mut FetchLogResponse, refused: &dyn Fn(i32) -> bool, code: i32) {
        for table in &mut answer.tables_resp {
            table
                .buckets_resp
                .retain(|bucket| !refused(bucket.bucket_id));
        }
        for table in &self.tables_req {
            let errors = table
                .buckets_req
                .iter()
                .filter(|bucket| refused(bucket.bucket_id))
                .map(|bucket| PbFetchLogRespForBucket {
                    partition_id: bucket.partition_id,
                    bucket_id: bucket.bucket_id,
                    error_code: Some(code),
                    error_message: Some(INJECTED.to_owned()),
                    ..PbFetchLogRespForBucket::default()
                });
            let mut answered = answer.tables_resp.iter_mut();
            match answered.find(|answered| answered.table_id == table.table_id) {
                Some(answered) => answered.buckets_resp.extend(errors),
                None => answer.tables_resp.push(PbFetchLogRespForTable {
                    table_id: table.table_id,
                    buckets_resp: errors.collect(),
                }),
            }
        }
        answer
            .tables_resp
            .retain(|table| !table.buckets_resp.is_empty());
    }
}

impl Buckets for ListOffsetsRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(i32) -> bool) {
        self.bucket_id.retain(|bucket| keep(*bucket));
    }

    fn refuse(&self, answer: &mut ListOffsetsResponse, refused: &dyn Fn(i32) -> bool, code: i32) {
        answer
            .buckets_resp
            .retain(|bucket| !refused(bucket.bucket_id));
        let errors = self
            .bucket_id
            .iter()
            .filter(|bucket| refused(**bucket))
            .map(|bucket| PbListOffsetsRespForBucket {
                bucket_id: *bucket,
                error_code: Some(code),
                error_message: Some(INJECTED.to_owned()),
                offset: None,
            });
        answer.buckets_resp.extend(errors);
    }
}

/// Names a single bucket; the whole response carries the error.
impl Buckets for LimitScanRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(i32) -> bool) {
        keep(self.bucket_id);
    }

    fn refuse(&self, answer: &mut LimitScanResponse, refused: &dyn Fn(i32) -> bool, code: i32) {
        if refused(self.bucket_id) {
            *answer = LimitScanResponse {
                error_code: Some(code),
                error_message: Some(INJECTED.to_owned()),
                ..LimitScanResponse::default()
            };
        }
    }
}

/// Names the bucket of a new scan. Later requests name only the scan.
impl Buckets for ScanKvRequest {
    fn retain(&mut self, keep: &mut dyn FnMut(i32) -> bool) {
        if let Some(bucket) = &self.bucket_scan_req {
            keep(bucket.bucket_id);
        }
    }

    fn refuse(&self, answer: &mut ScanKvResponse, refused: &dyn Fn(i32) -> bool, code: i32) {
        let bucket = self.bucket_scan_req.as_ref();
        if bucket.is_some_and(|bucket| refused(bucket.bucket_id)) {
            *answer = ScanKvResponse {
                error_code: Some(code),
                error_message: Some(INJECTED.to_owned()),
                ..ScanKvResponse::default()
            };
        }
    }
}
