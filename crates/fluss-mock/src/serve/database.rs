//! Databases.

#![expect(
    clippy::unnecessary_wraps,
    clippy::trivially_copy_pass_by_ref,
    reason = "all functions that serve a request have one shape"
)]

use bytes::Bytes;
use fluss_metadata::{DatabaseDescriptor, validate_database_name};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    CreateDatabaseRequest, CreateDatabaseResponse, DatabaseExistsRequest, DatabaseExistsResponse,
    DropDatabaseRequest, DropDatabaseResponse, GetDatabaseInfoRequest, GetDatabaseInfoResponse,
    ListDatabasesRequest, ListDatabasesResponse, PbDatabaseSummary,
};

use super::{Result, fail, invalid};
use crate::state::{Catalog, Database, State};

pub(crate) fn create(
    state: &mut State,
    request: &CreateDatabaseRequest,
) -> Result<CreateDatabaseResponse> {
    let name = request.database_name.clone();
    validate_database_name(&name).map_err(invalid(ErrorCode::INVALID_DATABASE_EXCEPTION))?;
    let descriptor = match &request.database_json {
        Some(json) => {
            DatabaseDescriptor::from_json(json).map_err(invalid(ErrorCode::UNKNOWN_SERVER_ERROR))?
        }
        None => DatabaseDescriptor::new(),
    };
    if state.catalog.databases.contains_key(&name) {
        if request.ignore_if_exists {
            return Ok(CreateDatabaseResponse {});
        }
        return fail(
            ErrorCode::DATABASE_ALREADY_EXIST,
            format!("Database {name} already exists."),
        );
    }
    let now = state.clock.now_millis();
    let database = Database::new(descriptor, now);
    state.catalog.databases.insert(name, database);
    Ok(CreateDatabaseResponse {})
}

pub(crate) fn drop(
    state: &mut State,
    request: &DropDatabaseRequest,
) -> Result<DropDatabaseResponse> {
    let name = request.database_name.clone();
    if name == Catalog::DEFAULT_DATABASE {
        return fail(
            ErrorCode::UNKNOWN_SERVER_ERROR,
            format!("Cannot drop the default database '{name}'."),
        );
    }
    let Some(database) = state.catalog.databases.get(&name) else {
        if request.ignore_if_not_exists {
            return Ok(DropDatabaseResponse {});
        }
        return missing(&name);
    };
    if !database.tables.is_empty() && !request.cascade {
        return fail(
            ErrorCode::DATABASE_NOT_EMPTY,
            format!("Database {name} is not empty."),
        );
    }
    state.drop_database(&name);
    Ok(DropDatabaseResponse {})
}

pub(crate) fn list(
    state: &mut State,
    request: &ListDatabasesRequest,
) -> Result<ListDatabasesResponse> {
    let databases = &state.catalog.databases;
    if request.include_summary == Some(true) {
        let summaries = databases.iter().map(|(name, database)| PbDatabaseSummary {
            database_name: name.clone(),
            created_time: database.created,
            table_count: database.tables.len() as i32,
        });
        return Ok(ListDatabasesResponse {
            database_summary: summaries.collect(),
            ..ListDatabasesResponse::default()
        });
    }
    Ok(ListDatabasesResponse {
        database_name: databases.keys().cloned().collect(),
        ..ListDatabasesResponse::default()
    })
}

pub(crate) fn exists(
    state: &mut State,
    request: &DatabaseExistsRequest,
) -> Result<DatabaseExistsResponse> {
    Ok(DatabaseExistsResponse {
        exists: state.catalog.databases.contains_key(&request.database_name),
    })
}

pub(crate) fn info(
    state: &mut State,
    request: &GetDatabaseInfoRequest,
) -> Result<GetDatabaseInfoResponse> {
    let Some(database) = state.catalog.databases.get(&request.database_name) else {
        return missing(&request.database_name);
    };
    Ok(GetDatabaseInfoResponse {
        database_json: Bytes::from(database.descriptor.to_json()),
        created_time: database.created,
        modified_time: database.created,
    })
}

pub(super) fn missing<T>(name: &str) -> Result<T> {
    fail(
        ErrorCode::DATABASE_NOT_EXIST,
        format!("Database {name} does not exist."),
    )
}
