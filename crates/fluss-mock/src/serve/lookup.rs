//! Looks rows up by their key, or by a prefix of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use fluss_metadata::{KvFormat, OperationType};
use fluss_row::kv::{NO_WRITER_ID, write_value};
use fluss_row::{DataGetters, Datum, RowDecoder};
use fluss_wire::message::{
    LookupRequest, LookupResponse, PbLookupReqForBucket, PbLookupRespForBucket,
    PbPrefixLookupReqForBucket, PbPrefixLookupRespForBucket, PbValue, PbValueList,
    PrefixLookupRequest, PrefixLookupResponse,
};

use super::caller::Caller;
use super::checks::{check_primary_key, check_routing, split};
use super::merge::Merge;
use super::put;
use super::rows::Rows;
use crate::reply::{Result, internal};
use crate::state::{State, Table, Value};

/// Means no sequence.
const NO_SEQUENCE: i32 = -1;

pub(crate) fn by_key(
    state: &mut State,
    caller: &Caller,
    request: &LookupRequest,
) -> Result<LookupResponse> {
    let inserts = request.insert_if_not_exists == Some(true);
    if inserts {
        caller.must_on_table_id(state, OperationType::Write, request.table_id)?;
        if request.acks.is_none() || request.timeout_ms.is_none() {
            return Err(internal("timeoutMs and requiredAcks must be set"));
        }
    }
    let answers = request.buckets_req.iter().map(|bucket| {
        let inserted = if inserts {
            insert(state, caller, request.table_id, bucket)
        } else {
            Ok(())
        };
        let result = inserted.and_then(|()| rows(state, caller, request.table_id, bucket));
        let (values, (error_code, error_message)) = split(result);
        PbLookupRespForBucket {
            partition_id: bucket.partition_id,
            bucket_id: bucket.bucket_id,
            error_code,
            error_message,
            values: values.unwrap_or_default().into(),
            original_partition_name: bucket.original_partition_name.clone(),
        }
    });
    Ok(LookupResponse {
        buckets_resp: answers.collect(),
    })
}

fn rows(
    state: &mut State,
    caller: &Caller,
    table_id: i64,
    request: &PbLookupReqForBucket,
) -> Result<Vec<PbValue>> {
    caller.must_on_table_id(state, OperationType::Read, table_id)?;
    let (table, bucket) = state.bucket(
        caller.server,
        table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    check_routing(table, request.partition_id, request.routing_bucket_count)?;
    check_primary_key(table)?;
    let keys = request.keys.iter();
    keys.map(|key| {
        let found = bucket.rows.get(key).map(encode).transpose()?;
        Ok(PbValue { values: found })
    })
    .collect()
}

/// Inserts a row for each missing key. Its other columns are null or auto-incremented.
fn insert(
    state: &mut State,
    caller: &Caller,
    table_id: i64,
    request: &PbLookupReqForBucket,
) -> Result<()> {
    let (now, release) = (state.clock.now_millis(), state.release);
    let (table, bucket) = state.bucket(
        caller.server,
        table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    check_primary_key(table)?;
    let schema = table.latest_schema();
    let keys = schema.primary_key_indexes();
    let targets: Vec<i32> = keys.iter().map(|key| *key as i32).collect();
    let merge = Merge::new(release, table, &targets, None)?;
    let rows = Rows::new(table)?;
    let missing = request
        .keys
        .iter()
        .filter(|key| !bucket.rows.contains_key(*key));
    let missing: BTreeSet<&Bytes> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    let records = missing.into_iter().map(|key| {
        let row = rows.encode(key_columns(table, key)?)?;
        Ok((key.clone(), Some(row.value)))
    });
    let records = records.collect::<Result<Vec<_>>>()?;
    let no_writer = (NO_WRITER_ID, NO_SEQUENCE);
    put::write(table, bucket, merge, records, no_writer, now).map(|_| ())
}

/// The columns of a row that contains only this key. A key is a compacted row of the key columns, without null bits.
fn key_columns(table: &Table, key: &Bytes) -> Result<Vec<Datum<'static>>> {
    let schema = table.latest_schema();
    let positions: Vec<usize> = table
        .descriptor
        .physical_primary_keys()
        .iter()
        .filter_map(|name| schema.column_index(name))
        .collect();
    let key_type = schema.row_type().project(&positions).map_err(internal)?;
    let decoder = RowDecoder::new(KvFormat::Compacted, &key_type).map_err(internal)?;
    let mut bytes = vec![0; positions.len().div_ceil(8)];
    bytes.extend_from_slice(key);
    let row = decoder.decode(bytes.into()).map_err(internal)?;
    let mut columns = vec![Datum::Null; schema.columns().len()];
    for (place, position) in positions.into_iter().enumerate() {
        if let Some(column) = columns.get_mut(position) {
            *column = row.datum(place).map_err(internal)?.into_owned();
        }
    }
    Ok(columns)
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn by_prefix(
    state: &mut State,
    caller: &Caller,
    request: &PrefixLookupRequest,
) -> Result<PrefixLookupResponse> {
    let answers = request.buckets_req.iter().map(|bucket| {
        let result = lists(state, caller, request.table_id, bucket);
        let (lists, (error_code, error_message)) = split(result);
        PbPrefixLookupRespForBucket {
            partition_id: bucket.partition_id,
            bucket_id: bucket.bucket_id,
            error_code,
            error_message,
            value_lists: lists.unwrap_or_default().into(),
        }
    });
    Ok(PrefixLookupResponse {
        buckets_resp: answers.collect(),
    })
}

fn lists(
    state: &mut State,
    caller: &Caller,
    table_id: i64,
    request: &PbPrefixLookupReqForBucket,
) -> Result<Vec<PbValueList>> {
    caller.must_on_table_id(state, OperationType::Read, table_id)?;
    let (table, bucket) = state.bucket(
        caller.server,
        table_id,
        request.partition_id,
        request.bucket_id,
    )?;
    check_routing(table, request.partition_id, request.routing_bucket_count)?;
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
