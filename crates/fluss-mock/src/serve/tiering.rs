//! Lists the manifests of log segments in remote storage.

use fluss_metadata::OperationType;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    ListRemoteLogManifestsRequest, ListRemoteLogManifestsResponse, PbRemoteLogManifestEntry,
    PbTableBucket,
};

use super::caller::Caller;
use crate::reply::{Result, fail};
use crate::state::State;

/// An unknown table has none, which is not an error.
pub(crate) fn manifests(
    state: &mut State,
    caller: &Caller,
    request: &ListRemoteLogManifestsRequest,
) -> Result<ListRemoteLogManifestsResponse> {
    let (table_id, partition_id) = (request.table_id, request.partition_id);
    caller.must_on_table_id(state, OperationType::Describe, table_id)?;
    let table = state.catalog.table_by_id(table_id);
    let mut partitions = table
        .into_iter()
        .flat_map(|table| table.partitions.values());
    if let Some(id) = partition_id
        && !partitions.any(|partition| partition.id == id)
    {
        return fail(
            ErrorCode::PARTITION_NOT_EXISTS,
            format!("Partition {id} does not belong to table {table_id}"),
        );
    }
    let manifests = state.manifests(table_id, partition_id);
    let entries = manifests
        .into_iter()
        .map(|manifest| PbRemoteLogManifestEntry {
            table_bucket: PbTableBucket {
                table_id,
                partition_id,
                bucket_id: manifest.bucket.bucket_id(),
            },
            remote_log_manifest_path: manifest.path,
            remote_log_end_offset: manifest.end_offset,
        });
    Ok(ListRemoteLogManifestsResponse {
        manifests: entries.collect(),
    })
}
