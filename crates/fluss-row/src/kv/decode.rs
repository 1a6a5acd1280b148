//! Decodes values to rows of the requested schema, whatever schema they were written with.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::{KvFormat, Schema};

use super::split_value;
use crate::projected::ProjectedRow;
use crate::{BinaryRow, Result, RowDecoder, RowError};

/// Decodes the values of a table into rows of one schema.
///
/// Values contain the id of the schema they were written with, which may be older or newer than the requested one.
/// Columns are matched by id: a column missing in the value's schema is null, and one missing in the requested schema
/// is left out. Add every schema that values may have with [`ValueDecoder::add_schema`]; [`RowError::UnknownSchema`]
/// says which one is missing.
#[derive(Debug, Clone)]
pub struct ValueDecoder {
    format: KvFormat,
    target: Schema,
    known: HashMap<i16, Written>,
}

#[derive(Debug, Clone)]
struct Written {
    decoder: RowDecoder,
    /// Where each wanted column is in the rows of this schema.
    positions: Arc<[Option<usize>]>,
}

impl ValueDecoder {
    /// A decoder into rows of `target`, which is the schema of this id.
    pub fn new(format: KvFormat, schema_id: i32, target: &Schema) -> Result<Self> {
        let mut decoder = Self {
            format,
            target: target.clone(),
            known: HashMap::new(),
        };
        decoder.add_schema(schema_id, target)?;
        Ok(decoder)
    }

    /// Adds another schema that values may have. Returns an error if a column has a different type there, apart from
    /// nullability.
    pub fn add_schema(&mut self, schema_id: i32, written: &Schema) -> Result<()> {
        let schema_id = super::narrow_schema_id(schema_id)?;
        let positions = match_columns(written, &self.target)?;
        let decoder = RowDecoder::new(self.format, written.row_type())?;
        self.known.insert(schema_id, Written { decoder, positions });
        Ok(())
    }

    /// Returns whether values of this schema can be read.
    pub fn knows(&self, schema_id: i32) -> bool {
        i16::try_from(schema_id).is_ok_and(|id| self.known.contains_key(&id))
    }

    /// Returns the requested schema.
    pub fn target(&self) -> &Schema {
        &self.target
    }

    /// Returns the row of a value: two bytes of schema id and the row.
    pub fn decode(&self, value: &Bytes) -> Result<LookupRow> {
        let value = split_value(value.clone())?;
        self.decode_row(value.schema_id, value.row)
    }

    /// Like [`ValueDecoder::decode`], without the schema id.
    pub fn decode_row(&self, schema_id: i16, row: Bytes) -> Result<LookupRow> {
        let written = self.known.get(&schema_id).ok_or(RowError::UnknownSchema {
            schema_id: i32::from(schema_id),
        })?;
        let row = written.decoder.decode(row)?;
        Ok(ProjectedRow::new(row, Arc::clone(&written.positions))
            .with_row_type(self.target.row_type().clone()))
    }
}

/// A row from a lookup in or a scan of a primary-key table, in the requested schema.
pub type LookupRow = ProjectedRow<BinaryRow>;

/// For each column of `target` its position in `written`, found by column id; `None` where it is
/// missing. Returns an error if the types differ by more than nullability.
pub(crate) fn match_columns(written: &Schema, target: &Schema) -> Result<Arc<[Option<usize>]>> {
    target
        .columns()
        .iter()
        .map(|wanted| {
            let position = written
                .columns()
                .iter()
                .position(|column| column.column_id() == wanted.column_id());
            let Some(column) = position.and_then(|position| written.columns().get(position)) else {
                return Ok(None);
            };
            if column
                .data_type()
                .equals_ignoring_nullability(wanted.data_type())
            {
                Ok(position)
            } else {
                Err(RowError::SchemaMismatch {
                    column: wanted.name().into(),
                    expected: wanted.data_type().to_string().into(),
                    actual: column.data_type().to_string().into(),
                })
            }
        })
        .collect()
}
