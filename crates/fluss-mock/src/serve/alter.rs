//! Alters tables: adds columns, sets and resets properties.
//!
//! Source: `CoordinatorService.alterTable`, `MetadataManager`, `SchemaUpdate`.

use std::collections::BTreeMap;

use fluss_metadata::{
    AggFunction, AggFunctionType, DataType, OperationType, Schema, SchemaBuilder, TableDescriptor,
};
use fluss_wire::Repeated;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{AlterTableRequest, AlterTableResponse, PbAddColumn, PbAlterConfig};

use super::caller::Caller;
use super::table::{self, find, refused};
use super::{invalid, properties, table_path};
use crate::release::Release;
use crate::reply::{Result, fail, internal};
use crate::state::{Check, State};

pub(crate) fn alter(
    state: &mut State,
    caller: &Caller,
    request: &AlterTableRequest,
) -> Result<AlterTableResponse> {
    let path = table_path(&request.table_path);
    path.validate()
        .map_err(invalid(ErrorCode::INVALID_TABLE_EXCEPTION))?;
    caller.must_on_table(state, OperationType::Alter, &path)?;
    for change in &request.config_changes {
        properties::check_operation(change)?;
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
        let schema = with_columns(state.release, found.latest_schema(), request)?;
        altered = altered
            .to_builder()
            .schema(schema)
            .build()
            .map_err(|error| refused(&error))?;
    }
    if !request.config_changes.is_empty() {
        altered = with_properties(state, &altered, &request.config_changes)?;
    }
    let before = found.descriptor.auto_partition();
    if found.descriptor == altered {
        return Ok(AlterTableResponse {});
    }
    let after = altered.auto_partition();
    let now = state.clock.now_millis();
    if let Some(table) = state.catalog.table_mut(&path) {
        table.alter(altered, now);
    }
    if let (Ok(before), Ok(after)) = (before, after)
        && after.is_enabled()
        && before != after
    {
        state.check_partitions_soon(&path, Check::CreateAndDrop);
    }
    Ok(AlterTableResponse {})
}

/// Columns can be added only at the end; existing rows have null there.
fn with_columns(release: Release, schema: &Schema, request: &AlterTableRequest) -> Result<Schema> {
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
        builder = match aggregation(release, column)? {
            Some(function) => builder.column_with_agg(name, data_type, function),
            None => builder.column(name, data_type),
        };
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

/// The aggregation of an added column. Servers of release 0.9.1 ignore the field.
fn aggregation(release: Release, column: &PbAddColumn) -> Result<Option<AggFunction>> {
    let Some(name) = column.agg_function_type.as_deref() else {
        return Ok(None);
    };
    if release == Release::V0_9_1 {
        return Ok(None);
    }
    let kind: AggFunctionType = name.parse().map_err(internal)?;
    let parameters = column.agg_function_params.iter();
    let function = parameters.fold(AggFunction::new(kind), |function, parameter| {
        function.with_parameter(parameter.key.as_str(), parameter.value.as_str())
    });
    Ok(Some(function))
}

fn with_properties(
    state: &State,
    descriptor: &TableDescriptor,
    changes: &Repeated<PbAlterConfig>,
) -> Result<TableDescriptor> {
    properties::check_alterable(state.release, descriptor, changes)?;
    let release = state.release;
    let mut properties = descriptor.properties().clone();
    let mut custom = descriptor.custom_properties().clone();
    for change in changes {
        let key = change.config_key.as_str();
        if key.starts_with(properties::PREFIX) {
            properties::change(&mut properties, change)?;
        } else {
            properties::change(&mut custom, change)?;
        }
    }
    let joins_lake = |properties: &BTreeMap<String, String>| {
        let enabled = properties.get(properties::DATALAKE_ENABLED);
        enabled.is_some_and(|enabled| enabled == "true")
    };
    if joins_lake(&properties) && !properties::is_in_lake(descriptor) {
        match state.config.lake_format() {
            Some(format) if state.config.has_lake(release) => {
                let key = properties::DATALAKE_FORMAT.to_owned();
                properties.entry(key).or_insert_with(|| format.to_owned());
            }
            _ => {
                return fail(
                    ErrorCode::INVALID_ALTER_TABLE_EXCEPTION,
                    "Cannot alter table in data lake, because the Fluss cluster doesn't enable datalake tables.",
                );
            }
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
    let altered = builder.build().map_err(|error| refused(&error))?;
    table::check(state, &altered)?;
    Ok(altered)
}
