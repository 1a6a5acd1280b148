//! The context needed to read batches.

use std::sync::Arc;

use arrow_array::{ArrayRef, new_null_array};
use arrow_schema::{DataType as ArrowType, SchemaRef};
use fluss_metadata::{LogFormat, RowType, Schema};

use super::DecodeLimits;
use super::row_builder::row_format;
use crate::arrow::ipc::WireColumn;
use crate::arrow::{BinaryView, to_arrow_schema};
use crate::{Result, RowDecoder, RowError};

/// How to read batches that were written with one schema: their format, which of their columns the server sent, and
/// which columns are wanted. Created once per schema, and usable for all its batches from any thread.
#[derive(Debug, Clone)]
pub struct ReadContext {
    format: LogFormat,
    written: RowType,
    target: RowType,
    /// The position in `written` of each wanted column, `None` for one that is newer than the batch.
    sources: Vec<Option<usize>>,
    chosen: bool,
    limits: DecodeLimits,
    pub(super) plan: Plan,
}

/// What is done with every batch.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    Arrow(ArrowPlan),
    Rows {
        decoder: RowDecoder,
        view: Arc<BinaryView>,
    },
}

#[derive(Debug, Clone)]
pub(super) struct ArrowPlan {
    pub(super) target: RowType,
    pub(super) schema: SchemaRef,
    /// The columns in the message.
    pub(super) columns: Vec<WireColumn>,
    /// Where each wanted column is among them.
    picks: Vec<Option<usize>>,
    /// Bits that a row takes in the columns that are not among them.
    missing_bits: usize,
}

impl ReadContext {
    /// Reads all columns as they were written. Returns an error for types that the format cannot hold.
    pub fn new(format: LogFormat, written: &RowType) -> Result<Self> {
        let sources = (0..written.fields().len()).map(Some).collect();
        Self::build(
            format,
            written.clone(),
            None,
            written.clone(),
            sources,
            false,
            DecodeLimits::DEFAULT,
        )
    }

    /// Reads batches that were written with one schema as these columns, by position, of another: they are found by
    /// their ids, and those that are newer than the batch are null.
    ///
    /// Returns an error for positions that do not exist, for a column whose type is not the same in both schemas
    /// (whether it may be null does not matter), and for one that is missing and declared NOT NULL.
    pub fn with_schemas(
        format: LogFormat,
        written: &Schema,
        target: &Schema,
        columns: &[usize],
    ) -> Result<Self> {
        let mut sources = Vec::with_capacity(columns.len());
        for position in columns {
            let column = target
                .columns()
                .get(*position)
                .ok_or(RowError::FieldOutOfRange {
                    position: *position,
                    field_count: target.columns().len(),
                })?;
            let source = written
                .columns()
                .iter()
                .position(|source| source.column_id() == column.column_id());
            let actual = source
                .and_then(|source| written.columns().get(source))
                .map(fluss_metadata::Column::data_type);
            let mismatch = |actual: String| RowError::SchemaMismatch {
                column: column.name().into(),
                expected: column.data_type().to_string().into(),
                actual: actual.into(),
            };
            match actual {
                Some(actual) if !actual.equals_ignoring_nullability(column.data_type()) => {
                    return Err(mismatch(actual.to_string()));
                }
                None if !column.data_type().is_nullable() => {
                    return Err(mismatch("missing".to_owned()));
                }
                _ => sources.push(source),
            }
        }
        let target = project(target.row_type(), columns)?;
        Self::build(
            format,
            written.row_type().clone(),
            None,
            target,
            sources,
            true,
            DecodeLimits::DEFAULT,
        )
    }

    /// Reads batches of which the server sent only these columns, by their ascending positions in the schema they
    /// were written with. Unless wanted columns were chosen by [`with_schemas`](Self::with_schemas), these are what
    /// is read.
    ///
    /// Returns an error if a requested column is not among them, and for formats other than ARROW, which servers do
    /// not project.
    pub fn projected(self, positions: &[usize]) -> Result<Self> {
        let ascending = positions.is_sorted_by(|one, other| one < other);
        if self.format != LogFormat::Arrow || !ascending || positions.is_empty() {
            return Err(RowError::InvalidValue {
                expected: "ascending list of columns of an ARROW table".into(),
                value: format!("{positions:?} of format {}", self.format.name()).into(),
            });
        }
        let sent = Some(positions);
        if self.chosen {
            return Self::build(
                self.format,
                self.written,
                sent,
                self.target,
                self.sources,
                true,
                self.limits,
            );
        }
        let target = project(&self.written, positions)?;
        let sources = positions.iter().copied().map(Some).collect();
        Self::build(
            self.format,
            self.written,
            sent,
            target,
            sources,
            false,
            self.limits,
        )
    }

    /// Sets different limits.
    #[must_use]
    pub fn with_limits(mut self, limits: DecodeLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns the type of the rows that are read.
    pub fn row_type(&self) -> &RowType {
        &self.target
    }

    /// Returns the format of the batches.
    pub fn format(&self) -> LogFormat {
        self.format
    }

    /// Returns the limits.
    pub fn limits(&self) -> &DecodeLimits {
        &self.limits
    }

    fn build(
        format: LogFormat,
        written: RowType,
        sent: Option<&[usize]>,
        target: RowType,
        sources: Vec<Option<usize>>,
        chosen: bool,
        limits: DecodeLimits,
    ) -> Result<Self> {
        let plan = match row_format(format) {
            Some(format) => Plan::Rows {
                decoder: RowDecoder::new(format, &written)?,
                view: Arc::new(BinaryView {
                    row_type: target.clone(),
                    positions: sources.clone().into(),
                }),
            },
            None => Plan::Arrow(ArrowPlan::new(&written, sent, &target, &sources)?),
        };
        Ok(Self {
            format,
            written,
            target,
            sources,
            chosen,
            limits,
            plan,
        })
    }
}

impl ArrowPlan {
    fn new(
        written: &RowType,
        sent: Option<&[usize]>,
        target: &RowType,
        sources: &[Option<usize>],
    ) -> Result<Self> {
        let schema = to_arrow_schema(target)?;
        let sent = match sent {
            Some(positions) => project(written, positions).map(|_| positions.to_vec())?,
            None => (0..written.fields().len()).collect(),
        };
        let written_schema = to_arrow_schema(written)?;
        let mut columns = Vec::with_capacity(sent.len());
        for position in &sent {
            let Some(field) = written_schema.fields().get(*position) else {
                continue;
            };
            // A column is read with the requested type, which only differs in nullability.
            let wanted = sources
                .iter()
                .position(|source| *source == Some(*position))
                .and_then(|index| schema.fields().get(index));
            let arrow = wanted.unwrap_or(field).data_type().clone();
            columns.push(WireColumn::new(field.name(), arrow, wanted.is_some()));
        }
        let mut missing_bits = 0;
        let picks = sources
            .iter()
            .zip(schema.fields())
            .map(|(source, field)| {
                let Some(source) = source else {
                    missing_bits += null_bits(field.data_type());
                    return Ok(None);
                };
                let pick = sent.iter().position(|position| position == source);
                pick.map(Some).ok_or_else(|| RowError::UnknownColumn {
                    name: field.name().as_str().into(),
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            target: target.clone(),
            schema,
            columns,
            picks,
            missing_bits,
        })
    }

    /// Bytes that the missing columns take.
    pub(super) fn missing_bytes(&self, rows: usize) -> usize {
        rows.saturating_mul(self.missing_bits).div_ceil(8)
    }

    /// Returns the wanted columns from those of the message.
    pub(super) fn pick(&self, arrays: &[Option<ArrayRef>], rows: usize) -> Vec<ArrayRef> {
        let found =
            |pick: &Option<usize>| pick.and_then(|pick| arrays.get(pick)).cloned().flatten();
        let null = |field: &arrow_schema::Field| new_null_array(field.data_type(), rows);
        self.picks
            .iter()
            .zip(self.schema.fields())
            .map(|(pick, field)| found(pick).unwrap_or_else(|| null(field)))
            .collect()
    }
}

/// Bits that a null takes in an array, about.
fn null_bits(arrow: &ArrowType) -> usize {
    1 + match arrow {
        ArrowType::Boolean => 1,
        ArrowType::FixedSizeBinary(width) => usize::try_from(*width).unwrap_or(0).saturating_mul(8),
        ArrowType::Struct(fields) => fields
            .iter()
            .map(|field| null_bits(field.data_type()))
            .sum(),
        other => other.primitive_width().map_or(32, |bytes| bytes * 8),
    }
}

fn project(row_type: &RowType, positions: &[usize]) -> Result<RowType> {
    let field_count = row_type.fields().len();
    let fields = positions.iter().map(|position| {
        row_type
            .fields()
            .get(*position)
            .cloned()
            .ok_or(RowError::FieldOutOfRange {
                position: *position,
                field_count,
            })
    });
    Ok(RowType::new(fields.collect::<Result<_>>()?))
}
