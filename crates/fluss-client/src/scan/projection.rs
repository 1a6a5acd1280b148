//! Which columns a scan reads, and how they are asked for.

use std::sync::Arc;

use arrow_schema::{DataType as ArrowType, Field, Schema as ArrowSchema, SchemaRef};
use fluss_metadata::{DataTypeKind, LogFormat, RowType, Schema, TableInfo};
use fluss_row::arrow::{CHANGE_TYPE_COLUMN, to_arrow_schema};
use fluss_row::log::{DecodeLimits, ReadContext};

use crate::config::Config;
use crate::error::Result;

/// What the server did to batches before it sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// Nothing: they are as they were written, with a checksum that holds.
    Whole,
    /// It left columns out, and the checksum as it was.
    Projected,
}

/// The columns of a scan.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    table: TableInfo,
    /// Positions in the table's schema, in the user's order.
    columns: Vec<usize>,
    row_type: RowType,
    log_format: LogFormat,
    /// Positions that the server is asked for, ascending; `None` if it is to send whole rows.
    pushed: Option<Vec<usize>>,
}

impl Projection {
    pub(crate) fn new(table: TableInfo, columns: Option<&[usize]>) -> Result<Self> {
        let log_format = table.descriptor().log_format()?;
        let width = table.row_type().fields().len();
        let columns: Vec<usize> = columns.map_or_else(|| (0..width).collect(), <[usize]>::to_vec);
        let row_type = table.row_type().project(&columns)?;
        let mut asked = columns.clone();
        asked.sort_unstable();
        if asked.is_empty() {
            // The server takes no empty projection.
            asked.push(cheapest_column(table.row_type()));
        }
        let pushed = (log_format == LogFormat::Arrow && asked.len() < width).then_some(asked);
        Ok(Self {
            table,
            columns,
            row_type,
            log_format,
            pushed,
        })
    }

    pub(crate) fn table(&self) -> &TableInfo {
        &self.table
    }

    /// Positions in the table's schema, in the user's order.
    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The types of the columns, in the user's order.
    pub(super) fn row_type(&self) -> &RowType {
        &self.row_type
    }

    /// Positions that the server is asked for, ascending; `None` if it is to send whole rows.
    pub(super) fn pushed(&self) -> Option<&[usize]> {
        self.pushed.as_deref()
    }

    /// How to read batches that were written with `schema`.
    pub(super) fn read_context(
        &self,
        schema: &Schema,
        source: Source,
        config: &Config,
    ) -> Result<ReadContext> {
        let context =
            ReadContext::with_schemas(self.log_format, schema, self.table.schema(), &self.columns)?;
        let context = match (source, &self.pushed) {
            (Source::Projected, Some(positions)) => context.projected(positions)?,
            _ => context,
        };
        Ok(context.with_limits(DecodeLimits {
            max_decompressed_bytes: config.scanner_max_batch_bytes,
            ..DecodeLimits::DEFAULT
        }))
    }

    /// The schema of the columns alone.
    pub(super) fn column_schema(&self) -> Result<SchemaRef> {
        Ok(to_arrow_schema(&self.row_type)?)
    }

    /// The schema of the batches handed out: the columns, and what happened to each row if it is a changelog.
    pub(crate) fn batch_schema(&self) -> Result<SchemaRef> {
        let schema = to_arrow_schema(&self.row_type)?;
        if !self.table.has_primary_key() {
            return Ok(schema);
        }
        let change_type = Arc::new(Field::new(CHANGE_TYPE_COLUMN, ArrowType::Utf8, false));
        let fields: Vec<_> = schema
            .fields()
            .iter()
            .cloned()
            .chain([change_type])
            .collect();
        Ok(Arc::new(ArrowSchema::new(fields)))
    }
}

/// The column with the fewest bytes a row, by its type.
fn cheapest_column(row_type: &RowType) -> usize {
    let cost = |kind: &DataTypeKind| match kind {
        DataTypeKind::Boolean => 0,
        DataTypeKind::TinyInt => 1,
        DataTypeKind::SmallInt => 2,
        DataTypeKind::Int | DataTypeKind::Float | DataTypeKind::Date => 4,
        DataTypeKind::BigInt
        | DataTypeKind::Double
        | DataTypeKind::Time { .. }
        | DataTypeKind::Timestamp { .. }
        | DataTypeKind::TimestampLtz { .. } => 8,
        DataTypeKind::Decimal { .. } => 16,
        DataTypeKind::Binary { length } | DataTypeKind::Char { length } => u64::from(*length),
        _ => u64::MAX,
    };
    row_type
        .fields()
        .iter()
        .enumerate()
        .min_by_key(|(_, field)| cost(field.data_type().kind()))
        .map_or(0, |(index, _)| index)
}
