//! What becomes of a row when another one is written under its key.

use bytes::Bytes;
use fluss_metadata::{DataTypeKind, MergeEngine, Schema};
use fluss_row::{BinaryRow, DataGetters, Datum, GenericRow, RowEncoder};
use fluss_wire::error_code::ErrorCode;

use super::{Result, fail};
use crate::state::{Table, internal};

/// The mode of a request that passes the merge engine by (`FlussApi.proto: PutKvRequest.agg_mode`).
const OVERWRITE: i32 = 1;
/// The mode that servers don't have yet.
const LOCAL_AGGREGATE: i32 = 2;

/// How the rows of a request are merged with those before.
pub(super) enum Merge<'a> {
    /// The new row takes the place of the old one.
    Replace,
    /// Only some columns of the new row count.
    Columns {
        encoder: RowEncoder,
        schema: &'a Schema,
        /// By position.
        is_target: Vec<bool>,
    },
    FirstRow,
    /// By this column.
    Versioned {
        column: usize,
        schema: &'a Schema,
    },
}

impl<'a> Merge<'a> {
    pub(super) fn new(
        table: &Table,
        schema: &'a Schema,
        target_columns: &[i32],
        mode: Option<i32>,
    ) -> Result<Self> {
        if schema.auto_increment_column().is_some() || mode == Some(LOCAL_AGGREGATE) {
            return fail(
                ErrorCode::UNSUPPORTED_VERSION,
                "the mock cluster neither numbers rows nor aggregates ahead",
            );
        }
        let engine = table.descriptor.merge_engine().map_err(internal)?;
        let engine = engine.filter(|_| mode != Some(OVERWRITE));
        match (engine, target_columns.is_empty()) {
            (None, true) => Ok(Self::Replace),
            (None, false) => Self::columns(table, schema, target_columns),
            (Some(MergeEngine::Aggregation), _) => fail(
                ErrorCode::UNSUPPORTED_VERSION,
                "the mock cluster does not aggregate",
            ),
            (Some(engine), false) => fail(
                ErrorCode::UNKNOWN_SERVER_ERROR,
                format!("Partial update is not supported for the {engine} merge engine."),
            ),
            (Some(MergeEngine::FirstRow), true) => Ok(Self::FirstRow),
            (Some(MergeEngine::Versioned), true) => {
                let name = table.descriptor.version_column().unwrap_or_default();
                match schema.column_index(name) {
                    Some(column) => Ok(Self::Versioned { column, schema }),
                    None => Err(internal(format!("there is no version column {name:?}"))),
                }
            }
        }
    }

    fn columns(table: &Table, schema: &'a Schema, target_columns: &[i32]) -> Result<Self> {
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
        let required = others
            .find(|(place, column)| !keys.contains(place) && !column.data_type().is_nullable());
        if let Some((_, column)) = required {
            return fail(
                ErrorCode::INVALID_TARGET_COLUMN,
                format!(
                    "Partial Update requires all columns except primary key to be nullable, but column {} is NOT NULL.",
                    column.name()
                ),
            );
        }
        let format = table.descriptor.kv_format().map_err(internal)?;
        Ok(Self::Columns {
            encoder: RowEncoder::new(format, schema.row_type()).map_err(internal)?,
            schema,
            is_target,
        })
    }

    /// Whether the old row doesn't matter.
    pub(super) fn replaces(&self) -> bool {
        matches!(self, Self::Replace)
    }

    /// The row to store, `None` if the old one stays.
    pub(super) fn upsert(&self, old: Option<&BinaryRow>, new: BinaryRow) -> Result<Option<Bytes>> {
        let Some(old) = old else {
            return match self {
                Self::Columns { .. } => self
                    .mix(|place| self.is_target(place).then_some(&new))
                    .map(Some),
                _ => Ok(Some(new.into_bytes())),
            };
        };
        match self {
            Self::Replace => Ok(Some(new.into_bytes())),
            Self::FirstRow => Ok(None),
            Self::Versioned { column, schema } => {
                let is_older = version(&new, *column, schema)? < version(old, *column, schema)?;
                Ok((!is_older).then(|| new.into_bytes()))
            }
            Self::Columns {
                schema, is_target, ..
            } => {
                let targets = is_target.iter().filter(|is_target| **is_target).count();
                if targets == schema.primary_key_indexes().len() {
                    return Ok(None);
                }
                let pick = |place| Some(if self.is_target(place) { &new } else { old });
                self.mix(pick).map(Some)
            }
        }
    }

    /// What is left of a row, `None` if nothing is.
    pub(super) fn delete(&self, old: &BinaryRow) -> Result<Option<Bytes>> {
        let Self::Columns {
            schema, is_target, ..
        } = self
        else {
            return Ok(None);
        };
        let mut others = (0..).zip(is_target).filter(|(_, is_target)| !**is_target);
        let is_empty = others.try_fold(true, |is_empty, (place, _)| -> Result<bool> {
            let is_null = DataGetters::is_null_at(old, place).map_err(internal)?;
            Ok(is_empty && is_null)
        })?;
        if is_empty {
            return Ok(None);
        }
        let keys = schema.primary_key_indexes();
        let stays = |place| keys.contains(&place) || !self.is_target(place);
        self.mix(|place| stays(place).then_some(old)).map(Some)
    }

    fn is_target(&self, place: usize) -> bool {
        match self {
            Self::Columns { is_target, .. } => is_target.get(place) == Some(&true),
            _ => true,
        }
    }

    /// A row of columns that come from the rows that `pick` names, or are null.
    fn mix<'r>(&self, pick: impl Fn(usize) -> Option<&'r BinaryRow>) -> Result<Bytes> {
        let Self::Columns {
            encoder, is_target, ..
        } = self
        else {
            return Err(internal("only partial updates mix rows"));
        };
        let values = (0..is_target.len()).map(|place| match pick(place) {
            Some(row) => row.datum(place).map_err(internal),
            None => Ok(Datum::Null),
        });
        let row = GenericRow::from_data(values.collect::<Result<Vec<Datum<'_>>>>()?);
        let mut bytes = Vec::new();
        encoder.encode(&row, &mut bytes).map_err(internal)?;
        Ok(bytes.into())
    }
}

/// What versions are compared by: milliseconds or the number itself, then nanoseconds. Null is before all.
fn version(row: &BinaryRow, column: usize, schema: &Schema) -> Result<Option<(i64, i32)>> {
    match row.datum(column).map_err(internal)? {
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
        _ => {
            let field = schema.columns().get(column);
            let kind = field.map(|field| field.data_type().kind());
            let kind: Option<&DataTypeKind> = kind;
            Err(internal(format!("{kind:?} is no type of versions")))
        }
    }
}
