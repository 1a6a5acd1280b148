//! Rows of a primary-key table, written with any of its schemas: missing columns are null.
//!
//! A DECIMAL of at most 18 digits is a BIGINT here: both are stored alike, and servers let sums exceed the precision.

use std::collections::BTreeMap;

use bytes::Bytes;
use fluss_metadata::{DataField, DataType, DataTypeKind, DataTypes, RowType, SchemaId};
use fluss_row::{BinaryRow, DataGetters, Datum, Decimal, GenericRow, RowDecoder, RowEncoder};

use crate::reply::{Result, internal};
use crate::state::{Table, Value};

/// Decodes and encodes the rows of a table.
pub(super) struct Rows {
    decoders: BTreeMap<SchemaId, RowDecoder>,
    encoder: RowEncoder,
    schema_id: SchemaId,
    /// The latest schema, as it is stored.
    stored: RowType,
    /// Precision and scale of the columns whose decimals are stored as integers.
    decimals: Vec<Option<(u32, u32)>>,
}

/// A row with the columns of the latest schema, decoded and as it is stored.
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
            let decoder = RowDecoder::new(format, &stored(schema.row_type())).map_err(internal)?;
            Ok((id, decoder))
        });
        Ok(Self {
            decoders: decoders.collect::<Result<_>>()?,
            encoder: RowEncoder::new(format, &stored(latest)).map_err(internal)?,
            schema_id: table.latest_schema_id(),
            stored: stored(latest),
            decimals: latest
                .fields()
                .iter()
                .map(|field| compact_decimal(field.data_type()))
                .collect(),
        })
    }

    pub(super) fn decode(&self, value: Value) -> Result<Row> {
        let Some(decoder) = self.decoders.get(&value.schema_id) else {
            return Err(internal(format!("there is no schema {}", value.schema_id)));
        };
        let row = decoder.decode(value.row.clone()).map_err(internal)?;
        let mut columns = owned(&row)?;
        columns.resize(self.decimals.len(), Datum::Null);
        Ok(Row { value, columns })
    }

    /// A row of the latest schema.
    pub(super) fn encode(&self, columns: Vec<Datum<'_>>) -> Result<Row> {
        let columns = columns.into_iter().zip(&self.decimals);
        let columns = columns.map(|(column, decimal)| match (column, decimal) {
            (Datum::Decimal(value), Some(_)) => {
                Ok(Datum::BigInt(value.to_unscaled_long().map_err(internal)?))
            }
            (column, _) => Ok(column.into_owned()),
        });
        let row = GenericRow::from_data(columns.collect::<Result<Vec<_>>>()?);
        let mut bytes = Vec::new();
        self.encoder.encode(&row, &mut bytes).map_err(internal)?;
        let value = Value {
            schema_id: self.schema_id,
            row: Bytes::from(bytes),
        };
        self.decode(value)
    }
    /// The columns of the latest schema, as they are stored.
    pub(super) fn stored_type(&self) -> &RowType {
        &self.stored
    }

    /// Returns a row with its decimals. Fails if one exceeds its precision.
    pub(super) fn with_decimals(&self, row: &Row) -> Result<GenericRow<'static>> {
        let columns = row.columns.iter().cloned().zip(&self.decimals);
        let columns = columns.map(|(column, decimal)| match (column, decimal) {
            (Datum::BigInt(unscaled), Some((precision, scale))) => {
                let decimal = Decimal::from_unscaled_long(unscaled, *precision, *scale);
                Ok(Datum::Decimal(decimal.map_err(internal)?))
            }
            (column, _) => Ok(column),
        });
        Ok(GenericRow::from_data(columns.collect::<Result<Vec<_>>>()?))
    }
}

/// Precision and scale of a DECIMAL of at most 18 digits.
pub(super) fn compact_decimal(data_type: &DataType) -> Option<(u32, u32)> {
    match *data_type.kind() {
        DataTypeKind::Decimal { precision, scale } if precision <= 18 => Some((precision, scale)),
        _ => None,
    }
}

fn stored(row_type: &RowType) -> RowType {
    let fields = row_type.fields().iter().map(|field| {
        let data_type = field.data_type();
        match compact_decimal(data_type) {
            None => field.clone(),
            Some(_) if data_type.is_nullable() => DataField::new(field.name(), DataTypes::bigint()),
            Some(_) => DataField::new(field.name(), DataTypes::bigint().as_non_nullable()),
        }
    });
    RowType::new(fields.collect())
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

    /// Returns the row as it is stored.
    pub(super) fn to_generic(&self) -> GenericRow<'static> {
        GenericRow::from_data(self.columns.clone())
    }
}
