//! Databases.

#![expect(
    clippy::unnecessary_wraps,
    clippy::trivially_copy_pass_by_ref,
    reason = "all functions that serve a request have one shape"
)]

use bytes::Bytes;
use fluss_metadata::{DatabaseDescriptor, OperationType, Resource, validate_database_name};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    AlterDatabaseRequest, AlterDatabaseResponse, CreateDatabaseRequest, CreateDatabaseResponse,
    DatabaseExistsRequest, DatabaseExistsResponse, DropDatabaseRequest, DropDatabaseResponse,
    GetDatabaseInfoRequest, GetDatabaseInfoResponse, ListDatabasesRequest, ListDatabasesResponse,
    PbDatabaseSummary,
};

use super::caller::Caller;
use super::{invalid, properties};
use crate::reply::{Result, fail};
use crate::state::{Catalog, Database, State, unordered};

pub(crate) fn create(
    state: &mut State,
    caller: &Caller,
    request: &CreateDatabaseRequest,
) -> Result<CreateDatabaseResponse> {
    caller.must_on_cluster(state, OperationType::Create)?;
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
    caller: &Caller,
    request: &DropDatabaseRequest,
) -> Result<DropDatabaseResponse> {
    let name = request.database_name.clone();
    caller.must_on_database(state, OperationType::Drop, &name)?;
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
    caller: &Caller,
    request: &ListDatabasesRequest,
) -> Result<ListDatabasesResponse> {
    let state = &*state;
    let databases = state.catalog.databases.iter().filter(|(name, _)| {
        let resource = Resource::database(name.as_str());
        caller.may(state, OperationType::Describe, &resource)
    });
    if request.include_summary == Some(true) {
        let summaries = databases.map(|(name, database)| PbDatabaseSummary {
            database_name: name.clone(),
            created_time: database.created,
            table_count: database.tables.len() as i32,
        });
        let summaries = unordered(summaries, |summary| &summary.database_name);
        return Ok(ListDatabasesResponse {
            database_summary: summaries.into(),
            ..ListDatabasesResponse::default()
        });
    }
    let names = databases.map(|(name, _)| name.clone());
    Ok(ListDatabasesResponse {
        database_name: unordered(names, String::as_str).into(),
        ..ListDatabasesResponse::default()
    })
}

pub(crate) fn exists(
    state: &mut State,
    _: &Caller,
    request: &DatabaseExistsRequest,
) -> Result<DatabaseExistsResponse> {
    Ok(DatabaseExistsResponse {
        exists: state.catalog.databases.contains_key(&request.database_name),
    })
}

pub(crate) fn info(
    state: &mut State,
    caller: &Caller,
    request: &GetDatabaseInfoRequest,
) -> Result<GetDatabaseInfoResponse> {
    let name = &request.database_name;
    caller.must_on_database(state, OperationType::Describe, name)?;
    let Some(database) = state.catalog.databases.get(name) else {
        return missing(&request.database_name);
    };
    Ok(GetDatabaseInfoResponse {
        database_json: Bytes::from(database.descriptor.to_json()),
        created_time: database.created,
        modified_time: database.modified,
    })
}

/// Custom properties and the comment (since 1.0).
pub(crate) fn alter(
    state: &mut State,
    caller: &Caller,
    request: &AlterDatabaseRequest,
) -> Result<AlterDatabaseResponse> {
    let name = &request.database_name;
    caller.must_on_database(state, OperationType::Alter, name)?;
    let now = state.clock.now_millis();
    let Some(database) = state.catalog.databases.get_mut(name) else {
        if request.ignore_if_not_exists {
            return Ok(AlterDatabaseResponse {});
        }
        return missing(name);
    };
    let mut properties = database.descriptor.custom_properties().clone();
    for change in &request.config_changes {
        properties::change(&mut properties, change)?;
    }
    let comment = request.comment.as_deref();
    let comment = comment.or_else(|| database.descriptor.comment());
    let mut altered = DatabaseDescriptor::builder();
    if let Some(comment) = comment {
        altered = altered.comment(comment);
    }
    for (key, value) in properties {
        altered = altered.custom_property(key, value);
    }
    database.descriptor = altered.build();
    database.modified = now;
    Ok(AlterDatabaseResponse {})
}

pub(super) fn missing<T>(name: &str) -> Result<T> {
    fail(
        ErrorCode::DATABASE_NOT_EXIST,
        format!("Database {name} does not exist."),
    )
}
