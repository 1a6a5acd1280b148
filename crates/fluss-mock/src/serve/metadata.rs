//! The servers, and the leaders of buckets.

use std::net::SocketAddr;

use bytes::Bytes;
use fluss_metadata::{OperationType, Resource, TablePath};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    MetadataRequest, MetadataResponse, PbBucketMetadata, PbPartitionMetadata, PbServerNode,
    PbTableMetadata,
};

use super::caller::Caller;
use super::{table, table_path};
use crate::release::Release;
use crate::reply::{Result, fail};
use crate::state::{Partition, Placement, State, Table};

/// Fails as a whole if one table or partition is missing, as real servers do; leaves out what the caller may not see.
/// The metadata of a tablet server may be frozen.
pub(crate) fn answer(
    state: &mut State,
    caller: &Caller,
    request: &MetadataRequest,
) -> Result<MetadataResponse> {
    let (state, server) = (&*state, caller.tablet_server());
    let describe = |table: &Table, partition: &Partition| PbPartitionMetadata {
        table_id: table.id,
        partition_name: partition.spec.partition_name(),
        partition_id: partition.id,
        bucket_metadata: buckets(&state.members.reported_placements(
            server,
            table,
            Some(partition.id),
            &partition.replicas,
        ))
        .into(),
        bucket_count: reported_bucket_count(state, partition),
    };
    let may_see =
        |path: &TablePath| caller.may(state, OperationType::Describe, &Resource::table(path));
    let tables = request.table_path.iter();
    let tables = tables.filter(|path| may_see(&table_path(path)));
    let tables = tables.map(|path| {
        let found = table::find(state, &table_path(path))?;
        Ok(PbTableMetadata {
            table_path: path.clone(),
            table_id: found.id,
            schema_id: found.latest_schema_id(),
            table_json: Bytes::from(found.descriptor.to_json()),
            bucket_metadata: buckets(&state.members.reported_placements(
                server,
                found,
                None,
                &found.replicas,
            ))
            .into(),
            created_time: found.created,
            modified_time: found.modified,
            ..PbTableMetadata::default()
        })
    });
    let by_name = request.partitions_path.iter().map(|path| {
        let of = TablePath::new(path.database_name.as_str(), path.table_name.as_str());
        let name = path.partition_name.as_deref().unwrap_or_default();
        let found = state.catalog.table(&of);
        match found.and_then(|found| Some((found, found.partitions.get(name)?))) {
            Some((found, partition)) => Ok(describe(found, partition)),
            None => fail(
                ErrorCode::PARTITION_NOT_EXISTS,
                format!("Table partition '{of}(p={name})' does not exist."),
            ),
        }
    });
    let by_id = request
        .partitions_id
        .iter()
        .map(|id| match state.catalog.partition(*id) {
            Some((found, partition)) if may_see(&found.path) => Ok(describe(found, partition)),
            _ => fail(
                ErrorCode::PARTITION_NOT_EXISTS,
                format!("The partition id '{id}' does not exist or you don't have permission to access it."),
            ),
        });
    Ok(MetadataResponse {
        coordinator_server: Some(node(0, state.coordinator)),
        tablet_servers: state
            .members
            .reported_nodes(server)
            .iter()
            .map(|server| node(server.id, server.address))
            .collect(),
        table_metadata: tables.collect::<Result<_>>()?,
        partition_metadata: by_name.chain(by_id).collect::<Result<_>>()?,
    })
}

/// The number of buckets of a partition, which servers report since release 1.0.
pub(super) fn reported_bucket_count(state: &State, partition: &Partition) -> Option<i32> {
    (state.release == Release::V1_0).then(|| partition.bucket_count())
}

fn node(node_id: i32, address: SocketAddr) -> PbServerNode {
    PbServerNode {
        node_id,
        host: address.ip().to_string(),
        port: i32::from(address.port()),
        ..PbServerNode::default()
    }
}

fn buckets(placements: &[Placement]) -> Vec<PbBucketMetadata> {
    (0..)
        .zip(placements)
        .map(|(bucket_id, placement)| PbBucketMetadata {
            bucket_id,
            leader_id: placement.leader,
            replica_id: placement.replicas.clone().into(),
            leader_epoch: Some(placement.epoch),
            isr: placement.in_sync.clone().into(),
            ..PbBucketMetadata::default()
        })
        .collect()
}
