//! Offsets that producers register.
//!
//! Source: `CoordinatorService.registerProducerOffsets` and what follows it.

use fluss_metadata::OperationType;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    DeleteProducerOffsetsRequest, DeleteProducerOffsetsResponse, GetProducerOffsetsRequest,
    GetProducerOffsetsResponse, RegisterProducerOffsetsRequest, RegisterProducerOffsetsResponse,
};

use super::caller::Caller;
use crate::reply::{Result, fail};
use crate::state::{ProducerOffsets, State};

/// The default time to live of offsets, in milliseconds.
const DEFAULT_TTL_MILLIS: i64 = 24 * 3600 * 1000;
/// The maximum length of a producer id.
const LONGEST_NAME: usize = 200;
const CREATED: i32 = 0;
const ALREADY_EXISTS: i32 = 1;

pub(crate) fn register(
    state: &mut State,
    caller: &Caller,
    request: &RegisterProducerOffsetsRequest,
) -> Result<RegisterProducerOffsetsResponse> {
    for table in &request.table_offsets {
        caller.must_on_table_id(state, OperationType::Write, table.table_id)?;
    }
    check_name(&request.producer_id)?;
    forget_old(state);
    let result = if state.producers.contains_key(&request.producer_id) {
        ALREADY_EXISTS
    } else {
        let ttl = request.ttl_ms.unwrap_or(DEFAULT_TTL_MILLIS);
        let offsets = ProducerOffsets {
            expires: state.clock.now_millis().saturating_add(ttl),
            tables: request.table_offsets.clone().into(),
        };
        state.producers.insert(request.producer_id.clone(), offsets);
        CREATED
    };
    Ok(RegisterProducerOffsetsResponse {
        result: Some(result),
    })
}

pub(crate) fn get(
    state: &mut State,
    caller: &Caller,
    request: &GetProducerOffsetsRequest,
) -> Result<GetProducerOffsetsResponse> {
    check_name(&request.producer_id)?;
    forget_old(state);
    let Some(offsets) = state.producers.get(&request.producer_id) else {
        return Ok(GetProducerOffsetsResponse::default());
    };
    let tables = offsets.tables.iter();
    let visible = tables.filter(|table| {
        let read = OperationType::Read;
        caller.must_on_table_id(state, read, table.table_id).is_ok()
    });
    Ok(GetProducerOffsetsResponse {
        producer_id: Some(request.producer_id.clone()),
        expiration_time: Some(offsets.expires),
        table_offsets: visible.cloned().collect(),
    })
}

pub(crate) fn delete(
    state: &mut State,
    caller: &Caller,
    request: &DeleteProducerOffsetsRequest,
) -> Result<DeleteProducerOffsetsResponse> {
    check_name(&request.producer_id)?;
    if let Some(offsets) = state.producers.get(&request.producer_id) {
        for table in &offsets.tables {
            caller.must_on_table_id(state, OperationType::Write, table.table_id)?;
        }
    }
    state.producers.remove(&request.producer_id);
    Ok(DeleteProducerOffsetsResponse {})
}

/// Producer ids become parts of paths.
fn check_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_good = !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(is_plain);
    if is_good {
        return Ok(());
    }
    fail(
        ErrorCode::INVALID_PRODUCER_ID_EXCEPTION,
        format!("Invalid producer ID '{name}'."),
    )
}

fn forget_old(state: &mut State) {
    let now = state.clock.now_millis();
    state.producers.retain(|_, offsets| offsets.expires > now);
}
