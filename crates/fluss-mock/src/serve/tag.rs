//! Server tags and rebalancing.

use fluss_metadata::OperationType;
use fluss_wire::Repeated;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    AddServerTagByRackRequest, AddServerTagByRackResponse, AddServerTagRequest,
    AddServerTagResponse, CancelRebalanceRequest, CancelRebalanceResponse,
    ListRebalanceProgressRequest, ListRebalanceProgressResponse, RebalanceRequest,
    RebalanceResponse, RemoveServerTagByRackRequest, RemoveServerTagByRackResponse,
    RemoveServerTagRequest, RemoveServerTagResponse,
};

use super::caller::Caller;
use crate::reply::{Result, fail, internal};
use crate::state::State;

const COMPLETED: i32 = 3;
/// The known goals, by number.
const GOALS: std::ops::RangeInclusive<i32> = 0..=2;

pub(crate) fn add(
    state: &mut State,
    caller: &Caller,
    request: &AddServerTagRequest,
) -> Result<AddServerTagResponse> {
    caller.must_on_cluster(state, OperationType::Alter)?;
    check(state, &request.server_ids, request.server_tag)?;
    for id in &request.server_ids {
        if let Some(tag) = state.tags.get(id)
            && *tag != request.server_tag
        {
            return fail(
                ErrorCode::SEVER_TAG_ALREADY_EXIST_EXCEPTION,
                format!("Server tag {tag} already exists for server {id}."),
            );
        }
    }
    for id in &request.server_ids {
        state.tags.insert(*id, request.server_tag);
    }
    Ok(AddServerTagResponse {})
}

pub(crate) fn remove(
    state: &mut State,
    caller: &Caller,
    request: &RemoveServerTagRequest,
) -> Result<RemoveServerTagResponse> {
    caller.must_on_cluster(state, OperationType::Alter)?;
    check(state, &request.server_ids, request.server_tag)?;
    for id in &request.server_ids {
        if let Some(tag) = state.tags.get(id)
            && *tag != request.server_tag
        {
            return fail(
                ErrorCode::SEVER_TAG_NOT_EXIST_EXCEPTION,
                format!(
                    "Server tag {} not exists for server {id}, the current server tag of this server is {tag}.",
                    request.server_tag
                ),
            );
        }
    }
    for id in &request.server_ids {
        state.tags.remove(id);
    }
    Ok(RemoveServerTagResponse {})
}

fn check(state: &State, ids: &Repeated<i32>, tag: i32) -> Result<()> {
    if !(0..=1).contains(&tag) {
        return Err(internal(format!("Unknown server tag {tag}")));
    }
    match ids.iter().find(|id| !state.members.is_up(**id)) {
        None => Ok(()),
        Some(id) => fail(
            ErrorCode::SERVER_NOT_EXIST_EXCEPTION,
            format!("Server {id} not exists when trying to change its tag."),
        ),
    }
}

/// No server here has a rack.
pub(crate) fn add_by_rack(
    state: &mut State,
    caller: &Caller,
    request: &AddServerTagByRackRequest,
) -> Result<AddServerTagByRackResponse> {
    caller.must_on_cluster(state, OperationType::Alter)?;
    no_rack(&request.racks).map(|()| AddServerTagByRackResponse {})
}

/// See [`add_by_rack`].
pub(crate) fn remove_by_rack(
    state: &mut State,
    caller: &Caller,
    request: &RemoveServerTagByRackRequest,
) -> Result<RemoveServerTagByRackResponse> {
    caller.must_on_cluster(state, OperationType::Alter)?;
    no_rack(&request.racks).map(|()| RemoveServerTagByRackResponse {})
}

fn no_rack(racks: &Repeated<String>) -> Result<()> {
    match racks.first() {
        None => Ok(()),
        Some(rack) => fail(
            ErrorCode::SERVER_NOT_EXIST_EXCEPTION,
            format!("no server is in rack {rack}"),
        ),
    }
}

/// Completes at once: buckets are spread over the servers when tables are created, so there is nothing to move.
pub(crate) fn rebalance(
    state: &mut State,
    caller: &Caller,
    request: &RebalanceRequest,
) -> Result<RebalanceResponse> {
    caller.must_on_cluster(state, OperationType::Write)?;
    if let Some(goal) = request.goals.iter().find(|goal| !GOALS.contains(*goal)) {
        return Err(internal(format!("Unknown goal type {goal}")));
    }
    state.rebalances += 1;
    let id = format!("rebalance-{}", state.rebalances);
    state.rebalance = Some(id.clone());
    Ok(RebalanceResponse { rebalance_id: id })
}

pub(crate) fn progress(
    state: &mut State,
    caller: &Caller,
    request: &ListRebalanceProgressRequest,
) -> Result<ListRebalanceProgressResponse> {
    caller.must_on_cluster(state, OperationType::Describe)?;
    let Some(rebalance) = found(state, request.rebalance_id.as_deref())? else {
        return Ok(ListRebalanceProgressResponse::default());
    };
    Ok(ListRebalanceProgressResponse {
        rebalance_id: Some(rebalance.clone()),
        rebalance_status: Some(COMPLETED),
        table_progress: Vec::new().into(),
    })
}

pub(crate) fn cancel(
    state: &mut State,
    caller: &Caller,
    request: &CancelRebalanceRequest,
) -> Result<CancelRebalanceResponse> {
    caller.must_on_cluster(state, OperationType::Write)?;
    found(state, request.rebalance_id.as_deref())?;
    Ok(CancelRebalanceResponse {})
}

/// The rebalance with this id, or the last one.
fn found<'a>(state: &'a State, id: Option<&str>) -> Result<Option<&'a String>> {
    let last = state.rebalance.as_ref();
    match (last, id) {
        (None, Some(id)) => fail(
            ErrorCode::NO_REBALANCE_IN_PROGRESS_EXCEPTION,
            format!("there is no rebalance {id}"),
        ),
        (Some(last), Some(id)) if last != id => fail(
            ErrorCode::NO_REBALANCE_IN_PROGRESS_EXCEPTION,
            format!("Rebalance task id {id} to list is not the current rebalance task id {last}"),
        ),
        (last, _) => Ok(last),
    }
}
