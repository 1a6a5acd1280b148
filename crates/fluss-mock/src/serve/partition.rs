//! Partitions.

use fluss_metadata::{OperationType, PartitionSpec, ResolvedPartitionSpec, TablePath};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    CreatePartitionRequest, CreatePartitionResponse, DropPartitionRequest, DropPartitionResponse,
    ListPartitionInfosRequest, ListPartitionInfosResponse, PbKeyValue, PbPartitionInfo,
    PbPartitionSpec,
};

use super::caller::Caller;
use super::metadata::reported_bucket_count;
use super::{invalid, table, table_path};
use crate::release::Release;
use crate::reply::{Result, fail};
use crate::state::{Partition, State, Table, unordered};

pub(crate) fn create(
    state: &mut State,
    caller: &Caller,
    request: &CreatePartitionRequest,
) -> Result<CreatePartitionResponse> {
    let path = table_path(&request.table_path);
    caller.must_on_table(state, OperationType::Write, &path)?;
    let found = partitioned(state, &path)?;
    let spec = resolve(found, &request.partition_spec)?;
    spec.validate()
        .map_err(invalid(ErrorCode::PARTITION_SPEC_INVALID_EXCEPTION))?;
    // Release 0.9.1 accepts any text, and compares it as text to find partitions that are too old.
    if state.release != Release::V0_9_1 {
        let keys = found.descriptor.partition_keys();
        let now = state.clock.now_millis();
        let strategy = found.descriptor.auto_partition();
        strategy
            .and_then(|strategy| strategy.validate_partition(keys, &spec.to_partition_spec(), now))
            .map_err(invalid(ErrorCode::PARTITION_SPEC_INVALID_EXCEPTION))?;
    }
    if found.partitions.contains_key(&spec.partition_name()) {
        // Despite its name, the field is about partitions that exist.
        if request.ignore_if_not_exists {
            return Ok(CreatePartitionResponse {});
        }
        return fail(
            ErrorCode::PARTITION_ALREADY_EXISTS,
            format!(
                "Partition '{}' already exists for table {path}",
                spec.qualified_name()
            ),
        );
    }
    let most = state.config.max_partitions();
    if found.partitions.len() >= most {
        return fail(
            ErrorCode::PARTITION_MAX_NUM_EXCEPTION,
            format!(
                "Exceed the maximum number of partitions for table {path}, only allow {most} partitions."
            ),
        );
    }
    state.catalog.create_partition(&path, spec);
    Ok(CreatePartitionResponse {})
}

pub(crate) fn drop(
    state: &mut State,
    caller: &Caller,
    request: &DropPartitionRequest,
) -> Result<DropPartitionResponse> {
    let path = table_path(&request.table_path);
    caller.must_on_table(state, OperationType::Write, &path)?;
    let found = partitioned(state, &path)?;
    let spec = resolve(found, &request.partition_spec)?;
    let name = spec.partition_name();
    if found.partitions.contains_key(&name) {
        let now = state.clock.now_millis();
        state.catalog.drop_partition(&path, &name, now);
    } else if !request.ignore_if_not_exists {
        return fail(
            ErrorCode::PARTITION_NOT_EXISTS,
            format!(
                "Partition '{}' does not exist for table {path}",
                spec.qualified_name()
            ),
        );
    }
    Ok(DropPartitionResponse {})
}

pub(crate) fn list(
    state: &mut State,
    caller: &Caller,
    request: &ListPartitionInfosRequest,
) -> Result<ListPartitionInfosResponse> {
    let path = table_path(&request.table_path);
    caller.must_on_table(state, OperationType::Describe, &path)?;
    let found = partitioned(state, &path)?;
    let wanted = request.partial_partition_spec.as_ref().map(plain_spec);
    if let Some(wanted) = &wanted {
        check_keys(found, wanted)?;
    }
    let partitions = found.partitions.values().filter(|partition| {
        wanted.as_ref().is_none_or(|wanted| {
            let spec = partition.spec.to_partition_spec();
            wanted
                .iter()
                .all(|(key, value)| spec.get(key) == Some(value))
        })
    });
    let partitions = partitions.map(|partition| (partition.spec.partition_name(), partition));
    let partitions = unordered(partitions, |(name, _)| name).into_iter();
    Ok(ListPartitionInfosResponse {
        partitions_info: partitions
            .map(|(_, partition)| describe(state, partition))
            .collect(),
        ..ListPartitionInfosResponse::default()
    })
}

fn describe(state: &State, partition: &Partition) -> PbPartitionInfo {
    let keys = partition.spec.partition_keys().iter();
    let entries = keys.zip(partition.spec.partition_values());
    PbPartitionInfo {
        partition_id: partition.id,
        partition_spec: PbPartitionSpec {
            partition_key_values: entries
                .map(|(key, value)| PbKeyValue {
                    key: key.clone(),
                    value: value.clone(),
                })
                .collect(),
        },
        bucket_count: reported_bucket_count(state, partition),
        ..PbPartitionInfo::default()
    }
}

fn partitioned<'a>(state: &'a State, path: &TablePath) -> Result<&'a Table> {
    let found = table::find(state, path)?;
    if found.descriptor.is_partitioned() {
        return Ok(found);
    }
    fail(
        ErrorCode::TABLE_NOT_PARTITIONED_EXCEPTION,
        format!("Table '{path}' is not a partitioned table."),
    )
}

fn plain_spec(spec: &PbPartitionSpec) -> PartitionSpec {
    let entries = spec.partition_key_values.iter();
    PartitionSpec::new(entries.map(|entry| (entry.key.as_str(), entry.value.as_str())))
}

fn check_keys(found: &Table, spec: &PartitionSpec) -> Result<()> {
    let keys = found.descriptor.partition_keys();
    match spec
        .iter()
        .find(|(key, _)| !keys.iter().any(|known| known == key))
    {
        None => Ok(()),
        Some((key, _)) => fail(
            ErrorCode::PARTITION_SPEC_INVALID_EXCEPTION,
            format!(
                "{key} is none of the partition keys {keys:?} of table {}",
                found.path
            ),
        ),
    }
}

fn resolve(found: &Table, spec: &PbPartitionSpec) -> Result<ResolvedPartitionSpec> {
    let spec = plain_spec(spec);
    check_keys(found, &spec)?;
    ResolvedPartitionSpec::from_partition_spec(found.descriptor.partition_keys(), &spec)
        .map_err(invalid(ErrorCode::PARTITION_SPEC_INVALID_EXCEPTION))
}
