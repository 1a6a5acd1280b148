//! Tables and their schemas.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all functions that serve a request have one shape"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::{
    MergeEngine, MetadataError, OperationType, Resource, TableDescriptor, TablePath,
};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::{
    CreateTableRequest, CreateTableResponse, DropTableRequest, DropTableResponse,
    GetTableInfoRequest, GetTableInfoResponse, GetTableSchemaRequest, GetTableSchemaResponse,
    ListTablesRequest, ListTablesResponse, TableExistsRequest, TableExistsResponse,
};

use super::caller::Caller;
use super::{database, invalid, properties, table_path};
use crate::release::Release;
use crate::reply::{Result, fail};
use crate::state::{State, Table, unordered};

pub(crate) fn create(
    state: &mut State,
    caller: &Caller,
    request: &CreateTableRequest,
) -> Result<CreateTableResponse> {
    let path = table_path(&request.table_path);
    path.validate()
        .map_err(invalid(ErrorCode::INVALID_TABLE_EXCEPTION))?;
    caller.must_on_database(state, OperationType::Create, path.database())?;
    let descriptor = TableDescriptor::from_json(&request.table_json)
        .map_err(invalid(ErrorCode::INVALID_TABLE_EXCEPTION))?;
    properties::check_lake(state.release, &descriptor, &state.config)?;
    let descriptor = with_defaults(&descriptor, state).map_err(|error| refused(&error))?;
    check_replicas(state, &descriptor)?;
    check(state, &descriptor)?;

    let Some(database) = state.catalog.databases.get(path.database()) else {
        return database::missing(path.database());
    };
    if database.tables.contains_key(path.table()) {
        if request.ignore_if_exists {
            return Ok(CreateTableResponse {});
        }
        return fail(
            ErrorCode::TABLE_ALREADY_EXIST,
            format!("Table {path} already exists."),
        );
    }
    state.create_table(&path, descriptor);
    Ok(CreateTableResponse {})
}

/// Checks what only a server knows: the properties of its release, and the limit on buckets.
pub(super) fn check(state: &State, descriptor: &TableDescriptor) -> Result<()> {
    properties::check_known(state.release, descriptor)?;
    properties::check_lake_format(state.release, descriptor, &state.config)?;
    let (bucket_count, most) = (
        descriptor.bucket_count().unwrap_or(1),
        state.config.max_buckets(),
    );
    if bucket_count > most {
        return fail(
            ErrorCode::BUCKET_MAX_NUM_EXCEPTION,
            format!("Bucket count {bucket_count} exceeds the maximum limit {most}."),
        );
    }
    Ok(())
}

/// The definition as it is stored: validated, and with the defaults of the server.
fn with_defaults(
    descriptor: &TableDescriptor,
    state: &State,
) -> fluss_metadata::MetadataResult<TableDescriptor> {
    let config = &state.config;
    let mut descriptor = descriptor.to_builder().build()?;
    if descriptor.bucket_count().is_none() {
        descriptor = descriptor.with_bucket_count(config.default_buckets());
    }
    if descriptor.replication_factor()?.is_none() {
        descriptor = descriptor.with_replication_factor(config.default_replicas());
    }
    let mut added = BTreeMap::new();
    let mut add = |key: &str, value: &str| {
        if descriptor.property(key).is_none() {
            added.insert(key.to_owned(), value.to_owned());
        }
    };
    if descriptor.is_auto_partitioned() && descriptor.partition_keys().len() > 1 {
        add("table.auto-partition.num-precreate", "0");
    }
    if let Some(format) = config.lake_format() {
        add(properties::DATALAKE_FORMAT, format);
    }
    if descriptor.has_primary_key() {
        if state.release == Release::V1_0 {
            add(properties::KV_STANDBY, "true");
        }
        if descriptor.merge_engine()?.is_some_and(ignores_deletes) {
            add("table.delete.behavior", "IGNORE");
        }
        add("table.kv.format-version", "2");
    }
    if added.is_empty() {
        return Ok(descriptor);
    }
    let mut properties = descriptor.properties().clone();
    properties.append(&mut added);
    Ok(descriptor.with_properties(properties))
}

fn ignores_deletes(engine: MergeEngine) -> bool {
    matches!(
        engine,
        MergeEngine::FirstRow | MergeEngine::Versioned | MergeEngine::Aggregation
    )
}

/// Part of every error about the aggregation of a column.
const AGGREGATION: &str = "aggregation function";

/// The error for a definition that breaks a rule.
pub(super) fn refused(error: &MetadataError) -> ServerError {
    let code = match error {
        MetadataError::Invalid { field, got, .. }
            if field.starts_with("property")
                || [field, got].iter().any(|text| text.contains(AGGREGATION)) =>
        {
            ErrorCode::INVALID_CONFIG_EXCEPTION
        }
        _ => ErrorCode::INVALID_TABLE_EXCEPTION,
    };
    ServerError::new(code, error.to_string())
}

fn check_replicas(state: &State, descriptor: &TableDescriptor) -> Result<()> {
    let replicas = descriptor
        .replication_factor()
        .map_err(|error| refused(&error))?;
    let replicas = replicas.unwrap_or(1);
    let servers = state.catalog.server_count();
    if (1..=servers).contains(&usize::try_from(replicas).unwrap_or_default()) {
        return Ok(());
    }
    fail(
        ErrorCode::INVALID_REPLICATION_FACTOR,
        format!("Replication factor: {replicas} larger than available tablet servers: {servers}."),
    )
}

pub(crate) fn drop(
    state: &mut State,
    caller: &Caller,
    request: &DropTableRequest,
) -> Result<DropTableResponse> {
    let path = table_path(&request.table_path);
    caller.must_on_table(state, OperationType::Drop, &path)?;
    match find(state, &path) {
        Ok(_) => state.drop_table(&path),
        Err(_) if request.ignore_if_not_exists => {}
        Err(error) => return Err(error),
    }
    Ok(DropTableResponse {})
}

pub(crate) fn info(
    state: &mut State,
    caller: &Caller,
    request: &GetTableInfoRequest,
) -> Result<GetTableInfoResponse> {
    let path = table_path(&request.table_path);
    caller.must_on_table(state, OperationType::Describe, &path)?;
    let table = find(state, &path)?;
    Ok(GetTableInfoResponse {
        table_id: table.id,
        schema_id: table.latest_schema_id(),
        table_json: Bytes::from(table.descriptor.to_json()),
        created_time: table.created,
        modified_time: table.modified,
        ..GetTableInfoResponse::default()
    })
}

pub(crate) fn list(
    state: &mut State,
    caller: &Caller,
    request: &ListTablesRequest,
) -> Result<ListTablesResponse> {
    let Some(found) = state.catalog.databases.get(&request.database_name) else {
        return database::missing(&request.database_name);
    };
    let names = found.tables.keys().filter(|name| {
        let path = TablePath::new(request.database_name.as_str(), name.as_str());
        caller.may(state, OperationType::Describe, &Resource::table(&path))
    });
    Ok(ListTablesResponse {
        table_name: unordered(names.cloned(), String::as_str).into(),
    })
}

pub(crate) fn exists(
    state: &mut State,
    _: &Caller,
    request: &TableExistsRequest,
) -> Result<TableExistsResponse> {
    Ok(TableExistsResponse {
        exists: find(state, &table_path(&request.table_path)).is_ok(),
    })
}

pub(crate) fn schema(
    state: &mut State,
    caller: &Caller,
    request: &GetTableSchemaRequest,
) -> Result<GetTableSchemaResponse> {
    let path = table_path(&request.table_path);
    caller.must_on_table(state, OperationType::Describe, &path)?;
    let table = find(state, &path)?;
    let schema_id = request
        .schema_id
        .unwrap_or_else(|| table.latest_schema_id());
    let Some(schema) = table.schema(schema_id) else {
        return fail(
            ErrorCode::SCHEMA_NOT_EXIST,
            format!("Schema for table {path} with schema id {schema_id} does not exist."),
        );
    };
    Ok(GetTableSchemaResponse {
        schema_id,
        schema_json: Bytes::from(schema.to_json()),
    })
}

/// The table of that name, or the error that there is none.
pub(super) fn find<'a>(state: &'a State, path: &TablePath) -> Result<&'a Table> {
    match state.catalog.table(path) {
        Some(table) => Ok(table),
        None => fail(
            ErrorCode::TABLE_NOT_EXIST,
            format!("Table {path} does not exist."),
        ),
    }
}
