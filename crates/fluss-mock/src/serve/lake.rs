//! Lake snapshots, as reported by a tiering service.
//!
//! Real servers write files of offsets between prepare and commit. Here the files are names for offsets in memory.

use std::collections::BTreeMap;

use fluss_metadata::{OperationType, TableBucket};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::{
    CommitLakeTableSnapshotRequest, CommitLakeTableSnapshotResponse, GetLakeSnapshotRequest,
    GetLakeSnapshotResponse, PbCommitLakeTableSnapshotRespForTable, PbLakeSnapshotForBucket,
    PbLakeTableSnapshotMetadata, PbPrepareLakeTableRespForTable, PbTableOffsets,
    PrepareLakeTableSnapshotRequest, PrepareLakeTableSnapshotResponse,
};

use super::caller::Caller;
use super::{table, table_path};
use crate::reply::{Result, fail, internal};
use crate::state::{Lake, LakeSnapshot, State};

pub(crate) fn get(
    state: &mut State,
    caller: &Caller,
    request: &GetLakeSnapshotRequest,
) -> Result<GetLakeSnapshotResponse> {
    let path = table_path(&request.table_path);
    caller.must_on_table(state, OperationType::Describe, &path)?;
    let readable = request.readable == Some(true);
    if readable && request.snapshot_id.is_some() {
        return Err(internal(
            "GetLakeSnapshotRequest cannot set both snapshot_id and readable=true",
        ));
    }
    let table_id = table::find(state, &path)?.id;
    let snapshots = state.lakes.get(&table_id).map(|lake| &lake.snapshots);
    let mut newest = snapshots.into_iter().flatten().rev();
    let found = newest.find_map(|snapshot| {
        let offsets = if readable {
            snapshot.readable.as_ref()?
        } else {
            &snapshot.tiered
        };
        let wanted = request.snapshot_id.is_none_or(|id| id == snapshot.id);
        wanted.then_some((snapshot.id, offsets))
    });
    let Some((snapshot_id, offsets)) = found else {
        let kind = if readable {
            "readable snapshot"
        } else {
            "snapshot"
        };
        return fail(
            ErrorCode::LAKE_SNAPSHOT_NOT_EXIST,
            format!("Lake table {kind} doesn't exist for table: {path}, table id: {table_id}"),
        );
    };
    let buckets = offsets
        .iter()
        .map(|(bucket, offset)| PbLakeSnapshotForBucket {
            partition_id: bucket.partition_id(),
            bucket_id: bucket.bucket_id(),
            log_offset: Some(*offset),
            ..PbLakeSnapshotForBucket::default()
        });
    Ok(GetLakeSnapshotResponse {
        table_id,
        snapshot_id,
        bucket_snapshots: buckets.collect(),
    })
}

/// Keeps offsets, merged with those of the last snapshot.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn prepare(
    state: &mut State,
    _: &Caller,
    request: &PrepareLakeTableSnapshotRequest,
) -> Result<PrepareLakeTableSnapshotResponse> {
    let afresh = request.ignore_previous_table_offsets == Some(true);
    let answers = request.bucket_offsets.iter().map(|table| {
        let lake = state.lakes.entry(table.table_id).or_default();
        PbPrepareLakeTableRespForTable {
            table_id: Some(table.table_id),
            lake_table_offsets_path: Some(note(lake, table, afresh)),
            ..PbPrepareLakeTableRespForTable::default()
        }
    });
    Ok(PrepareLakeTableSnapshotResponse {
        prepare_lake_table_resp: answers.collect(),
    })
}

fn note(lake: &mut Lake, table: &PbTableOffsets, afresh: bool) -> String {
    let last = lake.snapshots.last().filter(|_| !afresh);
    let mut offsets = last.map(|last| last.tiered.clone()).unwrap_or_default();
    for bucket in &table.bucket_offsets {
        let id =
            TableBucket::new_with_partition(table.table_id, bucket.partition_id, bucket.bucket_id);
        if let Some(offset) = bucket.log_end_offset {
            offsets.insert(id, offset);
        }
    }
    let path = format!(
        "memory:/lake/{}/{}-{}/offsets-{}",
        table.table_path.database_name,
        table.table_path.table_name,
        table.table_id,
        lake.prepared.len()
    );
    lake.prepared.insert(path.clone(), offsets);
    path
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "all functions that serve a request have one shape"
)]
pub(crate) fn commit(
    state: &mut State,
    _: &Caller,
    request: &CommitLakeTableSnapshotRequest,
) -> Result<CommitLakeTableSnapshotResponse> {
    let answers = request.lake_table_snapshot_metadata.iter().map(|snapshot| {
        let failure = keep(state, snapshot).err();
        PbCommitLakeTableSnapshotRespForTable {
            error_code: failure.as_ref().map(|error| error.code.value()),
            error_message: failure.and_then(|error| error.message),
            table_id: snapshot.table_id,
        }
    });
    Ok(CommitLakeTableSnapshotResponse {
        table_resp: answers.collect(),
    })
}

fn keep(
    state: &mut State,
    request: &PbLakeTableSnapshotMetadata,
) -> std::result::Result<(), ServerError> {
    let lake = state.lakes.entry(request.table_id).or_default();
    let offsets = |lake: &Lake, path: &str| -> Result<BTreeMap<TableBucket, i64>> {
        let found = lake.prepared.get(path).cloned();
        found.ok_or_else(|| internal(format!("nothing was prepared as {path}")))
    };
    let tiered = offsets(lake, &request.tiered_bucket_offsets_file_path)?;
    let readable = request.readable_bucket_offsets_file_path.as_deref();
    let readable = readable.map(|path| offsets(lake, path)).transpose()?;
    lake.snapshots.push(LakeSnapshot {
        id: request.snapshot_id,
        tiered,
        readable,
    });
    Ok(())
}
