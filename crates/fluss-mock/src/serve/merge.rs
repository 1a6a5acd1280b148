//! Merges a row with the one that is stored under its key.
//!
//! Source: the classes of the package `org.apache.fluss.server.kv.rowmerger`.

use std::collections::BTreeSet;

use fluss_metadata::{AggFunction, AggFunctionType, DataType, MergeEngine, Schema};
use fluss_row::Datum;
use fluss_wire::error_code::ErrorCode;

use super::aggregate::aggregate;
use super::rows::{Row, Rows};
use crate::release::Release;
use crate::reply::{Result, fail, internal};
use crate::state::Table;

/// The mode of a request that bypasses the merge engine (`FlussApi.proto: PutKvRequest.agg_mode`).
const OVERWRITE: i32 = 1;
/// A mode that servers do not support yet.
const LOCAL_AGGREGATE: i32 = 2;

/// How the rows of a request are merged with stored rows.
pub(super) enum Merge {
    /// The new row replaces the old one.
    Replace,
    /// Partial update: only some columns of the new row count, by position.
    Columns {
        is_target: Vec<bool>,
        is_key: Vec<bool>,
    },
    FirstRow,
    /// The version column.
    Versioned {
        column: usize,
    },
    /// Each column by its function; only the target columns, if there are any.
    Aggregate {
        functions: Vec<(AggFunction, DataType)>,
        is_target: Option<Vec<bool>>,
        is_key: Vec<bool>,
    },
}

impl Merge {
    pub(super) fn new(
        release: Release,
        table: &Table,
        target_columns: &[i32],
        mode: Option<i32>,
    ) -> Result<Self> {
        if mode == Some(LOCAL_AGGREGATE) {
            return fail(
                ErrorCode::UNSUPPORTED_VERSION,
                "the mock cluster does not aggregate ahead",
            );
        }
        let schema = table.latest_schema();
        check_auto_increment(schema, target_columns)?;
        let engine = table.descriptor.merge_engine().map_err(internal)?;
        let engine = engine.filter(|_| mode != Some(OVERWRITE));
        let width = schema.columns().len();
        let keys = schema.primary_key_indexes();
        let is_key = || (0..width).map(|place| keys.contains(&place)).collect();
        match (engine, target_columns.is_empty()) {
            // Since release 1.0, naming every column means writing whole rows.
            (None, false) if release == Release::V1_0 && names_all(width, target_columns) => {
                Ok(Self::Replace)
            }
            (None, true) => Ok(Self::Replace),
            (None, false) => Ok(Self::Columns {
                is_target: targets(schema, target_columns)?,
                is_key: is_key(),
            }),
            (Some(MergeEngine::Aggregation), whole) => Ok(Self::Aggregate {
                functions: functions(schema),
                is_target: (!whole)
                    .then(|| targets(schema, target_columns))
                    .transpose()?,
                is_key: is_key(),
            }),
            (Some(engine), false) => fail(
                ErrorCode::UNKNOWN_SERVER_ERROR,
                format!("Partial update is not supported for the {engine} merge engine."),
            ),
            (Some(MergeEngine::FirstRow), true) => Ok(Self::FirstRow),
            (Some(MergeEngine::Versioned), true) => {
                let name = table.descriptor.version_column().unwrap_or_default();
                match schema.column_index(name) {
                    Some(column) => Ok(Self::Versioned { column }),
                    None => Err(internal(format!("there is no version column {name:?}"))),
                }
            }
        }
    }

    /// Whether the old row is irrelevant.
    pub(super) fn replaces(&self) -> bool {
        matches!(self, Self::Replace)
    }

    /// The row to store if there is no old one.
    pub(super) fn first(&self, rows: &Rows, new: Row) -> Result<Row> {
        match self {
            Self::Columns { is_target, .. } => rows.encode(pick(is_target, |is_target, place| {
                if is_target {
                    new.datum(place)
                } else {
                    Datum::Null
                }
            })),
            _ => Ok(new),
        }
    }

    /// The row to store instead of the old one, `None` to keep the old one.
    pub(super) fn upsert(&self, rows: &Rows, old: &Row, new: Row) -> Result<Option<Row>> {
        match self {
            Self::Replace => Ok(Some(new)),
            Self::FirstRow => Ok(None),
            Self::Versioned { column } => {
                let is_older = version(&new, *column)? < version(old, *column)?;
                Ok((!is_older).then_some(new))
            }
            Self::Columns { is_target, is_key } => {
                if is_target == is_key {
                    return Ok(None);
                }
                let merged = pick(is_target, |is_target, place| {
                    let from = if is_target { &new } else { old };
                    from.datum(place)
                });
                rows.encode(merged).map(Some)
            }
            Self::Aggregate {
                functions,
                is_target,
                ..
            } => {
                let merged = (0..).zip(functions).map(|(place, (function, of))| {
                    let targets = is_target.as_ref();
                    let counts = targets.is_none_or(|is| is.get(place) == Some(&true));
                    if counts {
                        aggregate(function, of, old.datum(place), new.datum(place))
                    } else {
                        Ok(old.datum(place))
                    }
                });
                rows.encode(merged.collect::<Result<_>>()?).map(Some)
            }
        }
    }

    /// The rest of a row after a delete, `None` if nothing is left.
    pub(super) fn delete(&self, rows: &Rows, old: &Row) -> Result<Option<Row>> {
        let (Self::Columns { is_target, is_key }
        | Self::Aggregate {
            is_target: Some(is_target),
            is_key,
            ..
        }) = self
        else {
            return Ok(None);
        };
        let mut others = (0..).zip(is_target).filter(|(_, is_target)| !**is_target);
        if others.all(|(place, _)| old.datum(place) == Datum::Null) {
            return Ok(None);
        }
        let left = pick(is_target, |is_target, place| {
            if is_target && is_key.get(place) != Some(&true) {
                Datum::Null
            } else {
                old.datum(place)
            }
        });
        rows.encode(left).map(Some)
    }
}

/// One value per column, from whether the column is a target and its position.
fn pick<'a>(is_target: &[bool], value: impl Fn(bool, usize) -> Datum<'a>) -> Vec<Datum<'a>> {
    let places = (0..).zip(is_target);
    places
        .map(|(place, is_target)| value(*is_target, place))
        .collect()
}

/// The columns that a request names.
fn targets(schema: &Schema, target_columns: &[i32]) -> Result<Vec<bool>> {
    let columns = schema.columns();
    let mut is_target = vec![false; columns.len()];
    for position in target_columns {
        let place = usize::try_from(*position).ok();
        match place.and_then(|place| is_target.get_mut(place)) {
            Some(is_target) => *is_target = true,
            None => {
                return fail(
                    ErrorCode::INVALID_TARGET_COLUMN,
                    format!("there is no column {position}"),
                );
            }
        }
    }
    let keys = schema.primary_key_indexes();
    if keys.iter().any(|key| is_target.get(*key) != Some(&true)) {
        return fail(
            ErrorCode::INVALID_TARGET_COLUMN,
            format!(
                "The target write columns must contain the primary key columns {:?}.",
                schema.primary_key_column_names()
            ),
        );
    }
    let mut others = columns.iter().enumerate();
    let required =
        others.find(|(place, column)| !keys.contains(place) && !column.data_type().is_nullable());
    if let Some((_, column)) = required {
        return fail(
            ErrorCode::INVALID_TARGET_COLUMN,
            format!(
                "Partial Update requires all columns except primary key to be nullable, but column {} is NOT NULL.",
                column.name()
            ),
        );
    }
    Ok(is_target)
}

fn names_all(width: usize, target_columns: &[i32]) -> bool {
    let named = target_columns.iter();
    let named: BTreeSet<usize> = named.filter_map(|at| usize::try_from(*at).ok()).collect();
    named.into_iter().eq(0..width)
}

/// Rejects writes to the auto-increment column.
fn check_auto_increment(schema: &Schema, target_columns: &[i32]) -> Result<()> {
    let Some(name) = schema.auto_increment_column() else {
        return Ok(());
    };
    let message = if target_columns.is_empty() {
        format!(
            "The table contains an auto-increment column [{name}], but update target columns are not explicitly specified. Please specify the update target columns and exclude the auto-increment column from them."
        )
    } else {
        let column = schema.column_index(name);
        let names_it = |target: &i32| usize::try_from(*target).ok() == column;
        if !target_columns.iter().any(names_it) {
            return Ok(());
        }
        format!("Auto-increment column [{name}] must not be included in target columns.")
    };
    fail(ErrorCode::INVALID_TARGET_COLUMN, message)
}

/// The function and the type of each column. Key columns keep their value.
fn functions(schema: &Schema) -> Vec<(AggFunction, DataType)> {
    let keys = schema.primary_key_indexes();
    let columns = schema.columns().iter().enumerate();
    columns
        .map(|(place, column)| {
            let function = if keys.contains(&place) {
                AggFunction::new(AggFunctionType::LastValue)
            } else {
                let function = column.agg_function().cloned();
                function.unwrap_or_else(|| AggFunction::new(AggFunctionType::LastValueIgnoreNulls))
            };
            (function, column.data_type().clone())
        })
        .collect()
}

/// The sort key of a version: milliseconds or the number itself, then nanoseconds. Null comes first.
fn version(row: &Row, column: usize) -> Result<Option<(i64, i32)>> {
    match row.datum(column) {
        Datum::Null => Ok(None),
        Datum::Int(number) => Ok(Some((i64::from(number), 0))),
        Datum::BigInt(number) => Ok(Some((number, 0))),
        Datum::Timestamp(time) => Ok(Some((
            time.get_millisecond(),
            time.get_nano_of_millisecond(),
        ))),
        Datum::TimestampLtz(time) => Ok(Some((
            time.get_epoch_millisecond(),
            time.get_nano_of_millisecond(),
        ))),
        _ => Err(internal(format!("column {column} has no type of versions"))),
    }
}
