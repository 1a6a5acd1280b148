//! Rows of a primary-key table, whatever schema they were written with: columns that a row lacks are null.

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::SchemaId;
use fluss_row::{BinaryRow, DataGetters, Datum, GenericRow, RowDecoder, RowEncoder};

use super::Result;
use crate::state::{Table, Value, internal};

/// Decodes and encodes the rows of a table.
pub(super) struct Rows {
    decoders: BTreeMap<SchemaId, RowDecoder>,
    encoder: RowEncoder,
    schema_id: SchemaId,
    width: usize,
}

/// A row with the columns of the latest schema, and as it is stored.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) value: Value,
    columns: Vec<Datum<'static>>,
}

impl Rows {
    pub(super) fn new(table: &Table) -> Result<Self> {
        let format = table.descriptor.kv_format().map_err(internal)?;
        let latest = table.latest_schema().row_type();
        let decoders = table.schemas().map(|(id, schema)| {
            let decoder = RowDecoder::new(format, schema.row_type()).map_err(internal)?;
            Ok((id, decoder))
        });
        Ok(Self {
            decoders: decoders.collect::<Result<_>>()?,
            encoder: RowEncoder::new(format, latest).map_err(internal)?,
            schema_id: table.latest_schema_id(),
            width: table.latest_schema().columns().len(),
        })
    }

    pub(super) fn decode(&self, value: Value) -> Result<Row> {
        let Some(decoder) = self.decoders.get(&value.schema_id) else {
            return Err(internal(format!("there is no schema {}", value.schema_id)));
        };
        let row = decoder.decode(value.row.clone()).map_err(internal)?;
        let mut columns = owned(&row)?;
        columns.resize(self.width, Datum::Null);
        Ok(Row { value, columns })
    }

    /// A row of the latest schema.
    pub(super) fn encode(&self, columns: Vec<Datum<'_>>) -> Result<Row> {
        let columns = columns
            .into_iter()
            .map(Datum::into_owned)
            .collect::<Vec<_>>();
        let row = GenericRow::from_data(columns);
        let mut bytes = Vec::new();
        self.encoder.encode(&row, &mut bytes).map_err(internal)?;
        let value = Value {
            schema_id: self.schema_id,
            row: Bytes::from(bytes),
        };
        self.decode(value)
    }
}

fn owned(row: &BinaryRow) -> Result<Vec<Datum<'static>>> {
    let places = 0..row.row_type().fields().len();
    places
        .map(|place| Ok(row.datum(place).map_err(internal)?.into_owned()))
        .collect()
}

impl Row {
    /// The value of a column; null if there is none.
    pub(super) fn datum(&self, column: usize) -> Datum<'_> {
        self.columns.get(column).cloned().unwrap_or_default()
    }

    pub(super) fn columns(&self) -> &[Datum<'static>] {
        &self.columns
    }

    /// As the builders of batches take it.
    pub(super) fn to_generic(&self) -> GenericRow<'static> {
        GenericRow::from_data(self.columns.clone())
    }
}
