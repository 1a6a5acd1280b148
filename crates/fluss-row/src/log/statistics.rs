//! Statistics of a batch: the minimum, the maximum and the number of nulls of some columns.
//!
//! Source: `LogRecordBatchStatisticsWriter.java`, `LogRecordBatchStatisticsCollector.java`,
//! `DefaultLogRecordBatchStatistics.java`.

use std::cmp::Ordering;

use bytes::Bytes;
use fluss_metadata::{DataField, DataTypeKind, RowType};

use crate::arrow::{ColumnView, ColumnarBatch, ViewValues};
use crate::{
    DataGetters, Datum, FieldRef, GenericRow, Result, RowDecoder, RowEncoder, RowError, RowFormat,
};

const VERSION: u8 = 1;

/// The statistics of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchStatistics {
    /// One entry a column, in the order in which the batch has them.
    pub columns: Vec<ColumnStatistics>,
}

/// The statistics of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnStatistics {
    /// Position of the column in the schema that the batch was written with.
    pub position: usize,
    /// How many values are null.
    pub null_count: i32,
    /// The minimum, or `None` if all values are null.
    pub min: Option<Datum<'static>>,
    /// The maximum, or `None` if it is not known.
    pub max: Option<Datum<'static>>,
}

/// Returns an error for columns that have no statistics.
pub(super) fn check_columns(row_type: &RowType, positions: &[usize]) -> Result<()> {
    for position in positions {
        let field = field_at(row_type, *position)?;
        let refused = matches!(
            field.data_type().kind(),
            DataTypeKind::Binary { .. }
                | DataTypeKind::Bytes
                | DataTypeKind::Array(_)
                | DataTypeKind::Map { .. }
                | DataTypeKind::Row(_)
        );
        if refused || i16::try_from(*position).is_err() {
            return Err(RowError::UnsupportedType {
                field: FieldRef::named(*position, field.name()),
                data_type: field.data_type().to_string().into(),
                place: "statistics",
            });
        }
    }
    Ok(())
}

fn field_at(row_type: &RowType, position: usize) -> Result<&DataField> {
    row_type
        .fields()
        .get(position)
        .ok_or(RowError::FieldOutOfRange {
            position,
            field_count: row_type.fields().len(),
        })
}

/// The type of the rows of smallest and largest values: every one may be unknown.
fn bounds_type(row_type: &RowType, positions: &[usize]) -> Result<RowType> {
    let fields = positions.iter().map(|position| {
        let field = field_at(row_type, *position)?;
        Ok(DataField::new(
            field.name(),
            field.data_type().as_nullable(),
        ))
    });
    Ok(RowType::new(fields.collect::<Result<_>>()?))
}

/// Appends the statistics of these columns.
pub(super) fn write(batch: &ColumnarBatch, positions: &[usize], out: &mut Vec<u8>) -> Result<()> {
    out.push(VERSION);
    out.extend_from_slice(&(positions.len() as i16).to_le_bytes());
    for position in positions {
        out.extend_from_slice(&(*position as i16).to_le_bytes());
    }
    let mut bounds = [
        GenericRow::new(positions.len()),
        GenericRow::new(positions.len()),
    ];
    for (index, position) in positions.iter().enumerate() {
        let Some(column) = batch.columns().get(*position) else {
            continue;
        };
        let nulls = column
            .nulls
            .as_ref()
            .map_or(0, arrow_buffer::NullBuffer::null_count);
        out.extend_from_slice(&(nulls as i32).to_le_bytes());
        if let Some(rows) = extremes(column, batch.row_count()) {
            for (bound, row) in bounds.iter_mut().zip(rows) {
                bound.try_set_field(index, column.datum(row)?.unwrap_or_default())?;
            }
        }
    }
    let encoder = RowEncoder::new(
        RowFormat::Aligned,
        &bounds_type(batch.row_type(), positions)?,
    )?;
    for bound in bounds {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        encoder.encode(&bound, out)?;
        let size = (out.len() - start - 4) as i32;
        if let Some(place) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *place = size.to_le_bytes();
        }
    }
    Ok(())
}

/// The first rows with the smallest and the largest value; `None` if all are null.
fn extremes(column: &ColumnView, rows: usize) -> Option<[usize; 2]> {
    match &column.values {
        ViewValues::Boolean(bits) => find(column, rows, |row| bits.value(row), Ord::cmp),
        ViewValues::TinyInt(values) => of_numbers(column, values),
        ViewValues::SmallInt(values) => of_numbers(column, values),
        ViewValues::Int(values) | ViewValues::Date(values) | ViewValues::Time32(values, _) => {
            of_numbers(column, values)
        }
        ViewValues::BigInt(values)
        | ViewValues::Time64(values, _)
        | ViewValues::Timestamp(values, _)
        | ViewValues::TimestampLtz(values, _) => of_numbers(column, values),
        ViewValues::Decimal { values, .. } => of_numbers(column, values),
        // As Java compares them: NaN, whatever its bits, is larger than all numbers, and -0 smaller than 0.
        ViewValues::Float(values) => find(
            column,
            rows,
            |row| canonical(f64::from(values.get(row).copied().unwrap_or(0.0))),
            f64::total_cmp,
        ),
        ViewValues::Double(values) => find(
            column,
            rows,
            |row| canonical(values.get(row).copied().unwrap_or(0.0)),
            f64::total_cmp,
        ),
        ViewValues::Text(texts) => find(column, rows, |row| texts.value(row), Ord::cmp),
        _ => None,
    }
}

fn canonical(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN.abs()
    } else {
        value
    }
}

fn of_numbers<T: Ord + Copy + Default>(column: &ColumnView, values: &[T]) -> Option<[usize; 2]> {
    find(
        column,
        values.len(),
        |row| values.get(row).copied().unwrap_or_default(),
        Ord::cmp,
    )
}

fn find<T: Copy>(
    column: &ColumnView,
    rows: usize,
    value: impl Fn(usize) -> T,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Option<[usize; 2]> {
    let mut valid = (0..rows)
        .filter(|row| !column.is_null(*row))
        .map(|row| (row, value(row)));
    let first = valid.next()?;
    let (mut min, mut max) = (first, first);
    for candidate in valid {
        if compare(&candidate.1, &min.1) == Ordering::Less {
            min = candidate;
        } else if compare(&candidate.1, &max.1) == Ordering::Greater {
            max = candidate;
        }
    }
    Some([min.0, max.0])
}

/// Reads the statistics of a batch; `offset` is where they begin in it.
pub(super) fn read(
    block: &Bytes,
    offset: usize,
    row_type: &RowType,
) -> Result<Option<BatchStatistics>> {
    if block.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader {
        block,
        at: 0,
        offset,
    };
    let [version] = reader.take()?;
    if version != VERSION {
        return Err(reader.malformed("of an unknown version"));
    }
    let count = usize::try_from(i16::from_le_bytes(reader.take()?))
        .map_err(|_| reader.malformed("of a negative number of columns"))?;
    let mut positions = Vec::with_capacity(count);
    for _ in 0..count {
        let position = usize::try_from(i16::from_le_bytes(reader.take()?)).ok();
        let position = position.filter(|position| *position < row_type.fields().len());
        positions.push(
            position
                .ok_or_else(|| reader.malformed("of a column that the schema does not have"))?,
        );
    }
    let mut columns = Vec::with_capacity(count);
    for position in &positions {
        let null_count = i32::from_le_bytes(reader.take()?);
        columns.push(ColumnStatistics {
            position: *position,
            null_count,
            min: None,
            max: None,
        });
    }
    let decoder = RowDecoder::new(RowFormat::Aligned, &bounds_type(row_type, &positions)?)?;
    for set in [ColumnStatistics::set_min, ColumnStatistics::set_max] {
        let size = usize::try_from(i32::from_le_bytes(reader.take()?))
            .map_err(|_| reader.malformed("of a negative size"))?;
        let row = reader.take_bytes(size)?;
        if row.is_empty() {
            continue;
        }
        let row = decoder.decode(row)?;
        for (index, column) in columns.iter_mut().enumerate() {
            let value = row.datum(index)?;
            if !value.is_null() {
                set(column, value.into_owned());
            }
        }
    }
    if reader.at < block.len() {
        return Err(reader.malformed("longer than they say"));
    }
    Ok(Some(BatchStatistics { columns }))
}

impl ColumnStatistics {
    fn set_min(&mut self, value: Datum<'static>) {
        self.min = Some(value);
    }

    fn set_max(&mut self, value: Datum<'static>) {
        self.max = Some(value);
    }
}

struct Reader<'b> {
    block: &'b Bytes,
    at: usize,
    /// Where the block begins in its batch.
    offset: usize,
}

impl Reader<'_> {
    fn malformed(&self, problem: &'static str) -> RowError {
        RowError::Malformed {
            what: "statistics",
            offset: self.offset + self.at,
            problem,
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take_bytes(N)?;
        bytes
            .first_chunk()
            .copied()
            .ok_or_else(|| self.malformed("too short"))
    }

    fn take_bytes(&mut self, needed: usize) -> Result<Bytes> {
        let available = self.block.len() - self.at;
        if needed > available {
            return Err(RowError::Truncated {
                what: "statistics",
                offset: self.offset + self.at,
                needed,
                available,
            });
        }
        let bytes = self.block.slice(self.at..self.at + needed);
        self.at += needed;
        Ok(bytes)
    }
}
