//! Rows by their key, or by the beginning of it.

use bytes::Bytes;
use fluss_row::kv::write_value;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    LookupRequest, LookupResponse, PbLookupReqForBucket, PbLookupRespForBucket,
    PbPrefixLookupReqForBucket, PbPrefixLookupRespForBucket, PbValue, PbValueList,
    PrefixLookupRequest, PrefixLookupResponse,
};

use super::write::{check_routing, split};
use super::{Result, fail};
use crate::state::{State, Table, Value, internal};

pub(crate) fn by_key(
    state: &mut State,
    server: i32,
    request: &LookupRequest,
) -> Result<LookupResponse> {
    if request.insert_if_not_exists == Some(true) {
        return fail(
            ErrorCode::UNSUPPORTED_VERSION,
            "the mock cluster does not insert what a lookup misses",
        );
    }
    let answers = request.buckets_req.iter().map(|bucket| {
        let result = rows(state, server, request.table_id, bucket);
        let (values, (error_code, error_message)) = split(result);
        PbLookupRespForBucket {
            partition_id: bucket.partition_id,
            bucket_id: bucket.bucket_id,
            error_code,
            error_message,
            values: values.unwrap_or_default(),
            original_partition_name: bucket.original_partition_name.clone(),
        }
    });
    Ok(LookupResponse {
        buckets_resp: answers.collect(),
    })
}

fn rows(
    state: &mut State,
    server: i32,
    table_id: i64,
    request: &PbLookupReqForBucket,
) -> Result<Vec<PbValue>> {
    let (table, bucket) =
        state.bucket(server, table_id, request.partition_id, request.bucket_id)?;
    check_routing(table, request.routing_bucket_count)?;
    check_primary_key(table)?;
    let keys = request.keys.iter();
    keys.map(|key| {
        let found = bucket.rows.get(key).map(encode).transpose()?;
        Ok(PbValue { values: found })
    })
    .collect()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn by_prefix(
    state: &mut State,
    server: i32,
    request: &PrefixLookupRequest,
) -> Result<PrefixLookupResponse> {
    let answers = request.buckets_req.iter().map(|bucket| {
        let result = lists(state, server, request.table_id, bucket);
        let (lists, (error_code, error_message)) = split(result);
        PbPrefixLookupRespForBucket {
            partition_id: bucket.partition_id,
            bucket_id: bucket.bucket_id,
            error_code,
            error_message,
            value_lists: lists.unwrap_or_default(),
        }
    });
    Ok(PrefixLookupResponse {
        buckets_resp: answers.collect(),
    })
}

fn lists(
    state: &mut State,
    server: i32,
    table_id: i64,
    request: &PbPrefixLookupReqForBucket,
) -> Result<Vec<PbValueList>> {
    let (table, bucket) =
        state.bucket(server, table_id, request.partition_id, request.bucket_id)?;
    check_routing(table, request.routing_bucket_count)?;
    check_primary_key(table)?;
    let prefixes = request.keys.iter();
    prefixes
        .map(|prefix| {
            let behind = bucket.rows.range(prefix.clone()..);
            let found = behind.take_while(|(key, _)| key.starts_with(prefix));
            let values = found.map(|(_, value)| encode(value));
            Ok(PbValueList {
                values: values.collect::<Result<_>>()?,
            })
        })
        .collect()
}

fn encode(value: &Value) -> Result<Bytes> {
    let mut bytes = Vec::with_capacity(2 + value.row.len());
    write_value(value.schema_id, &value.row, &mut bytes).map_err(internal)?;
    Ok(bytes.into())
}

pub(super) fn check_primary_key(table: &Table) -> Result<()> {
    if table.descriptor.has_primary_key() {
        return Ok(());
    }
    fail(
        ErrorCode::NON_PRIMARY_KEY_TABLE_EXCEPTION,
        format!("the primary key table not exists for {}", table.path),
    )
}
