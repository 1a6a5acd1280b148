//! Changes of tables: columns added, properties set and reset.
//!
//! Source: `CoordinatorService.alterTable`, `MetadataManager`, `SchemaUpdate`.

use std::collections::BTreeMap;

use fluss_metadata::{DataType, OperationType, Schema, SchemaBuilder, TableDescriptor};
use fluss_wire::Repeated;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{AlterTableRequest, AlterTableResponse, PbAlterConfig};

use super::caller::Caller;
use super::table::{find, refused};
use super::{Result, fail, invalid, table_path};
use crate::state::{State, internal};

/// What the servers tell apart from properties of the user's own.
const PROPERTY_PREFIX: &str = "table.";
/// Properties that may change once a table is there (`FlussConfigUtils.ALTERABLE_TABLE_OPTIONS`).
const ALTERABLE: [&str; 3] = [
    "table.datalake.enabled",
    "table.datalake.freshness",
    "table.log.tiered.local-segments",
];

/// The numbers of changes (`FlussApi.proto: PbAlterConfig.op_type`).
const SET: i32 = 0;
const DELETE: i32 = 1;

pub(crate) fn table(
    state: &mut State,
    caller: &Caller,
    request: &AlterTableRequest,
) -> Result<AlterTableResponse> {
    let path = table_path(&request.table_path);
    path.validate()
        .map_err(invalid(ErrorCode::INVALID_TABLE_EXCEPTION))?;
    caller.must_on_table(state, OperationType::Alter, &path)?;
    for change in &request.config_changes {
        check_operation(change)?;
    }
    let of_columns = !(request.add_columns.is_empty()
        && request.drop_columns.is_empty()
        && request.rename_columns.is_empty()
        && request.modify_columns.is_empty());
    if of_columns && !request.config_changes.is_empty() {
        return fail(
            ErrorCode::INVALID_ALTER_TABLE_EXCEPTION,
            "Table alteration can only be applied to one of the following: table properties or table schema.",
        );
    }
    let found = match find(state, &path) {
        Ok(found) => found,
        Err(_) if request.ignore_if_not_exists => return Ok(AlterTableResponse {}),
        Err(error) => return Err(error),
    };
    let mut altered = found.descriptor.clone();
    if of_columns {
        let schema = with_columns(found.latest_schema(), request)?;
        altered = altered
            .to_builder()
            .schema(schema)
            .build()
            .map_err(internal)?;
    }
    if !request.config_changes.is_empty() {
        altered = with_properties(&altered, &request.config_changes)?;
    }
    let now = state.clock.now_millis();
    if let Some(table) = state.catalog.table_mut(&path)
        && table.descriptor != altered
    {
        table.alter(altered, now);
    }
    Ok(AlterTableResponse {})
}

/// Only columns at the end are taken, and null is what rows before have there.
fn with_columns(schema: &Schema, request: &AlterTableRequest) -> Result<Schema> {
    let mut builder = SchemaBuilder::from_schema(schema);
    let mut names: Vec<&str> = schema.column_names();
    for column in &request.add_columns {
        let name = column.column_name.as_str();
        if names.contains(&name) {
            return fail(
                ErrorCode::INVALID_ALTER_TABLE_EXCEPTION,
                format!("Column {name} already exists."),
            );
        }
        if column.column_position_type != 0 {
            return Err(internal("Only support addColumn column at last now."));
        }
        let data_type = DataType::from_json(&column.data_type_json).map_err(internal)?;
        if !data_type.is_nullable() {
            return Err(internal(format!("Column {name} must be nullable.")));
        }
        names.push(name);
        builder = builder.column(name, data_type);
        if let Some(comment) = &column.comment {
            builder = builder.with_comment(comment.as_str());
        }
    }
    let refused = [
        ("drop", request.drop_columns.is_empty()),
        ("rename", request.rename_columns.is_empty()),
        ("modify", request.modify_columns.is_empty()),
    ];
    if let Some((what, _)) = refused.iter().find(|(_, is_empty)| !is_empty) {
        return Err(internal(format!("Not support {what} column now.")));
    }
    builder
        .build()
        .map_err(invalid(ErrorCode::UNKNOWN_SERVER_ERROR))
}

fn with_properties(
    descriptor: &TableDescriptor,
    changes: &Repeated<PbAlterConfig>,
) -> Result<TableDescriptor> {
    let mut properties = descriptor.properties().clone();
    let mut custom = descriptor.custom_properties().clone();
    for change in changes {
        let key = change.config_key.as_str();
        if !key.starts_with(PROPERTY_PREFIX) {
            change_property(&mut custom, change)?;
        } else if ALTERABLE.contains(&key) {
            change_property(&mut properties, change)?;
        } else {
            return fail(
                ErrorCode::INVALID_ALTER_TABLE_EXCEPTION,
                format!("The option '{key}' is not supported to alter yet."),
            );
        }
    }
    let mut builder = TableDescriptor::builder()
        .schema(descriptor.schema().clone())
        .partitioned_by(descriptor.partition_keys())
        .distributed_by(descriptor.bucket_count(), descriptor.bucket_keys())
        .properties(properties)
        .custom_properties(custom);
    if let Some(comment) = descriptor.comment() {
        builder = builder.comment(comment);
    }
    builder.build().map_err(|error| refused(&error))
}

/// Sets or removes one entry; other changes are none that servers make.
pub(super) fn change_property(
    properties: &mut BTreeMap<String, String>,
    change: &PbAlterConfig,
) -> Result<()> {
    check_operation(change)?;
    let key = change.config_key.clone();
    if change.op_type == SET {
        properties.insert(key, change.config_value.clone().unwrap_or_default());
    } else {
        properties.remove(&key);
    }
    Ok(())
}

fn check_operation(change: &PbAlterConfig) -> Result<()> {
    if matches!(change.op_type, SET | DELETE) {
        return Ok(());
    }
    Err(internal(format!(
        "Unsupported alter configs op type {}",
        change.op_type
    )))
}
