//! Changes to the properties or columns of tables.

use bytes::Bytes;
use fluss_metadata::{
    AggFunction, AlterConfig, AlterConfigOp, ColumnPosition, TableChange, TablePath,
};
use fluss_rpc::path_message;
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    AlterTableRequest, PbAddColumn, PbAlterConfig, PbDropColumn, PbKeyValue, PbModifyBucketCount,
    PbModifyColumn, PbRenameColumn,
};

use super::handle::FlussAdmin;
use crate::error::{Error, Result};

/// The version of `ALTER_TABLE` with the additions of release 1.0. Older servers would ignore them and report success.
const SINCE_1_0: i16 = 1;

impl FlussAdmin {
    /// Changes the properties or the columns of a table, but not both in one call.
    ///
    /// Servers up to release 1.0 can add nullable columns at the end, and set and reset properties that may change
    /// while a table is in use (custom properties, `table.datalake.enabled` and similar ones). They reject dropping,
    /// renaming or modifying columns. A handle created earlier with [`get_table`](crate::FlussConnection::get_table)
    /// keeps its schema and keeps working.
    ///
    /// # Errors
    ///
    /// Before anything is sent: [`Usage`](crate::ErrorKind::Usage) for properties and columns in one call, a new
    /// column that is not last or not nullable; [`Unsupported`](crate::ErrorKind::Unsupported) for changes that a
    /// server before release 1.0 would silently ignore (an aggregation, a number of buckets).
    ///
    /// From the server: [`NotFound`](crate::ErrorKind::NotFound) unless `ignore_if_not_exists`;
    /// [`Usage`](crate::ErrorKind::Usage) for a column that exists or a property that may not be changed;
    /// [`Server`](crate::ErrorKind::Server) for changes that it does not support.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the change may still be applied.
    pub async fn alter_table(
        &self,
        path: &TablePath,
        changes: &[TableChange],
        ignore_if_not_exists: bool,
    ) -> Result<()> {
        let in_context = |error: Error| error.during("alter_table").of_table(path);
        path.validate()?;
        let request = request(path, changes, ignore_if_not_exists).map_err(in_context)?;
        if let Some(what) = newer(&request) {
            let version = self
                .context
                .cluster
                .coordinator_version(ApiKey::AlterTable)
                .await
                .map_err(|error| in_context(error.into()))?;
            if version < SINCE_1_0 {
                return Err(in_context(Error::too_old(what)));
            }
        }
        self.change("alter_table", &request)
            .await
            .map_err(in_context)?;
        Ok(())
    }
}

fn request(
    path: &TablePath,
    changes: &[TableChange],
    ignore_if_not_exists: bool,
) -> Result<AlterTableRequest> {
    let mut request = AlterTableRequest {
        table_path: path_message(path),
        ignore_if_not_exists,
        ..AlterTableRequest::default()
    };
    for change in changes {
        add(&mut request, change)?;
    }
    let of_columns = request.add_columns.len()
        + request.drop_columns.len()
        + request.rename_columns.len()
        + request.modify_columns.len();
    if of_columns > 0 && !request.config_changes.is_empty() {
        return Err(Error::usage(
            "cannot change properties and columns in one call: the server accepts only one of them",
        ));
    }
    Ok(request)
}

fn add(request: &mut AlterTableRequest, change: &TableChange) -> Result<()> {
    match change {
        TableChange::SetOption { key, value } => {
            let change = AlterConfig::set(key, value);
            request.config_changes.push(config_message(&change)?);
        }
        TableChange::ResetOption { key } => {
            let change = AlterConfig::delete(key);
            request.config_changes.push(config_message(&change)?);
        }
        TableChange::AlterOption(change) => {
            request.config_changes.push(config_message(change)?);
        }
        TableChange::AddColumn {
            name,
            data_type,
            comment,
            position,
            aggregation,
        } => {
            if !data_type.is_nullable() {
                return Err(Error::usage(format!(
                    "column {name:?} must be nullable: existing rows have no value for it"
                )));
            }
            request.add_columns.push(PbAddColumn {
                column_name: name.clone(),
                data_type_json: Bytes::from(data_type.to_json()),
                comment: comment.clone(),
                column_position_type: position_code(name, position)?,
                agg_function_type: aggregation
                    .as_ref()
                    .map(|function| function.function().name().to_owned()),
                agg_function_params: aggregation
                    .iter()
                    .flat_map(AggFunction::parameters)
                    .map(|(key, value)| PbKeyValue {
                        key: key.clone(),
                        value: value.clone(),
                    })
                    .collect(),
            });
        }
        TableChange::DropColumn { name } => request.drop_columns.push(PbDropColumn {
            column_name: name.clone(),
        }),
        TableChange::RenameColumn { from, to } => request.rename_columns.push(PbRenameColumn {
            old_column_name: from.clone(),
            new_column_name: to.clone(),
        }),
        TableChange::ModifyColumn {
            name,
            data_type,
            comment,
            position,
        } => request.modify_columns.push(PbModifyColumn {
            column_name: name.clone(),
            data_type_json: data_type.as_ref().map(|t| Bytes::from(t.to_json())),
            comment: comment.clone(),
            column_position_type: position
                .as_ref()
                .map(|position| position_code(name, position))
                .transpose()?,
        }),
        TableChange::ModifyBucketCount { bucket_count } => {
            let change = PbModifyBucketCount {
                new_bucket_count: *bucket_count,
            };
            if request.modify_bucket_count.replace(change).is_some() {
                return Err(Error::usage("the number of buckets is changed twice"));
            }
        }
        other => {
            return Err(Error::usage(format!(
                "the protocol has no message for {other:?}"
            )));
        }
    }
    Ok(())
}

/// Converts a change of one entry to its message.
pub(super) fn config_message(change: &AlterConfig) -> Result<PbAlterConfig> {
    if change.value().is_none() && change.operation() != AlterConfigOp::Delete {
        return Err(Error::usage(format!(
            "{} of {:?} has no value",
            change.operation(),
            change.key()
        )));
    }
    Ok(PbAlterConfig {
        config_key: change.key().to_owned(),
        config_value: change.value().map(str::to_owned),
        op_type: change.operation().code(),
    })
}

fn position_code(column: &str, position: &ColumnPosition) -> Result<i32> {
    position.code().ok_or_else(|| {
        Error::usage(format!(
            "cannot add column {column:?} {}: the server only supports adding it last",
            match position {
                ColumnPosition::After(other) => format!("after {other:?}"),
                _ => "first".to_owned(),
            }
        ))
    })
}

/// Returns the part of the request that a server before release 1.0 would ignore.
fn newer(request: &AlterTableRequest) -> Option<&'static str> {
    if request.modify_bucket_count.is_some() {
        return Some("it cannot change the number of buckets of a table");
    }
    request
        .add_columns
        .iter()
        .any(|column| column.agg_function_type.is_some())
        .then_some("it cannot add a column with an aggregation")
}

#[cfg(test)]
mod tests {
    use fluss_metadata::{AggFunctionType, DataTypes};

    use super::*;
    use crate::error::ErrorKind;

    fn of(changes: &[TableChange]) -> Result<AlterTableRequest> {
        request(&TablePath::new("d", "t"), changes, true)
    }

    #[test]
    fn what_no_server_takes_is_refused_before_it_is_sent() {
        let column = || TableChange::add_column("c", DataTypes::int());
        let cases = [
            ("first", vec![column().at(ColumnPosition::First)], "first"),
            (
                "after",
                vec![column().at(ColumnPosition::After("a".to_owned()))],
                "after \"a\"",
            ),
            (
                "moved",
                vec![TableChange::modify_column("c", DataTypes::int()).at(ColumnPosition::First)],
                "first",
            ),
            (
                "not null",
                vec![TableChange::add_column(
                    "c",
                    DataTypes::int().as_non_nullable(),
                )],
                "must be nullable",
            ),
            (
                "both",
                vec![column(), TableChange::set("k", "v")],
                "only one",
            ),
            (
                "no value",
                vec![TableChange::AlterOption(AlterConfig::new(
                    "k",
                    None,
                    AlterConfigOp::Append,
                ))],
                "has no value",
            ),
            (
                "twice",
                vec![
                    TableChange::modify_bucket_count(1),
                    TableChange::modify_bucket_count(2),
                ],
                "twice",
            ),
        ];
        for (name, changes, expected) in cases {
            let error = of(&changes).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{name}");
            assert!(error.to_string().contains(expected), "{name}: {error}");
        }
    }

    #[test]
    fn changes_are_sorted_by_what_they_change() {
        let request = of(&[
            TableChange::add_column("a", DataTypes::string()).with_comment("text"),
            TableChange::drop_column("b"),
            TableChange::rename_column("c", "d"),
            TableChange::modify_column("e", DataTypes::bigint()),
        ])
        .unwrap();
        let added = request.add_columns.first().unwrap();
        assert_eq!(
            (added.column_name.as_str(), added.comment.as_deref()),
            ("a", Some("text"))
        );
        assert_eq!(added.column_position_type, 0);
        assert_eq!(
            added.data_type_json.as_ref(),
            DataTypes::string().to_json().as_bytes()
        );
        assert_eq!(request.drop_columns.first().unwrap().column_name, "b");
        assert_eq!(request.rename_columns.first().unwrap().new_column_name, "d");
        assert_eq!(
            request.modify_columns.first().unwrap().column_position_type,
            None
        );
        assert_eq!(newer(&request), None);

        let request = of(&[TableChange::set("k", "v"), TableChange::reset("l")]).unwrap();
        let operations = request.config_changes.iter().map(|change| change.op_type);
        assert!(operations.eq([0, 1]));
    }

    #[test]
    fn what_an_old_server_would_skip_is_known() {
        let aggregated =
            TableChange::add_column("a", DataTypes::int()).with_aggregation(AggFunctionType::Sum);
        assert!(newer(&of(&[aggregated]).unwrap()).is_some());
        assert!(newer(&of(&[TableChange::modify_bucket_count(4)]).unwrap()).is_some());
    }
}
