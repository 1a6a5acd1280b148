//! Appending one value of a row to a column.

use arrow_schema::TimeUnit;
use fluss_metadata::DataTypeKind;

use super::column::{Column, Offsets, Values, Variable};
use crate::assign::Values::Assigned;
use crate::assign::{Digits, Width, binary_of, char_of, instant_of, time_of, timestamp_of};
use crate::decimal::column_decimal;
use crate::{DataGetters, FieldRef, Result, RowError};

impl Column {
    /// Appends field `pos` of a row and returns how many bytes it took beyond those that every value takes.
    ///
    /// After an error, parts of the value may have been appended: the column must be truncated.
    #[inline]
    pub(super) fn append<R: DataGetters + ?Sized>(&mut self, row: &R, pos: usize) -> Result<usize> {
        if row.is_null_at(pos)? {
            if !self.nullable {
                return Err(RowError::NullValue {
                    field: FieldRef::at(pos),
                });
            }
            self.push_null();
            return Ok(0);
        }
        let mut added = 0;
        match &mut self.values {
            Values::Boolean(bits) => bits.push(row.get_boolean(pos)?),
            Values::TinyInt(values) => values.push(row.get_byte(pos)?),
            Values::SmallInt(values) => values.push(row.get_short(pos)?),
            Values::Int(values) => values.push(row.get_int(pos)?),
            Values::BigInt(values) => values.push(row.get_long(pos)?),
            Values::Float(values) => values.push(row.get_float(pos)?),
            Values::Double(values) => values.push(row.get_double(pos)?),
            Values::Text(variable, None) => {
                added = variable.push(row.get_string(pos)?.as_bytes())?;
            }
            Values::Bytes(variable) => added = variable.push(row.get_bytes(pos)?)?,
            Values::Date(values) => values.push(row.get_date(pos)?.get_inner()),
            rare => added = rare.append_rare(&self.data_type, row, pos)?,
        }
        self.validity.push_valid();
        Ok(added)
    }
}

impl Variable {
    #[inline]
    fn push(&mut self, value: &[u8]) -> Result<usize> {
        let Ok(end) = i32::try_from(self.data.len() + value.len()) else {
            return Err(column_full(self.data.len() + value.len()));
        };
        self.data.extend_from_slice(value);
        self.offsets.0.push(end);
        Ok(value.len())
    }
}

#[cold]
pub(in crate::arrow) fn column_full(bytes: usize) -> RowError {
    RowError::TooLarge {
        what: "size of a column of a batch",
        value: bytes as u64,
        max: i32::MAX as u64,
    }
}

impl Values {
    /// The types that take more work, apart so that the others stay in the loop over columns.
    #[inline(never)]
    fn append_rare<R: DataGetters + ?Sized>(
        &mut self,
        data_type: &fluss_metadata::DataType,
        row: &R,
        pos: usize,
    ) -> Result<usize> {
        match self {
            Self::Text(variable, Some(length)) => {
                return variable.push(char_of(row, pos, Width::new(*length, Assigned))?.as_bytes());
            }
            Self::Fixed { width, data } => {
                data.extend_from_slice(binary_of(row, pos, Width::new(*width as u32, Assigned))?);
            }
            Self::Decimal {
                precision,
                scale,
                values,
            } => values.push(column_decimal(row, pos, *precision, *scale)?.unscaled()),
            Self::Time32(values, divisor) => {
                let time = time_of(row, pos, digits_of(data_type))?;
                values.push(time.get_inner() / *divisor);
            }
            Self::Time64(values, factor) => {
                values.push(i64::from(row.get_time(pos)?.get_inner()) * *factor);
            }
            Self::Timestamp {
                unit,
                precision,
                values,
            } => {
                let value = timestamp_of(row, pos, Digits::new(*precision, Assigned))?;
                match in_unit(
                    value.get_millisecond(),
                    value.get_nano_of_millisecond(),
                    *unit,
                ) {
                    Some(value) => values.push(value),
                    None => return Err(out_of_range(pos, data_type, value.to_string())),
                }
            }
            Self::TimestampLtz {
                unit,
                precision,
                values,
            } => {
                let value = instant_of(row, pos, Digits::new(*precision, Assigned))?;
                match in_unit(
                    value.get_epoch_millisecond(),
                    value.get_nano_of_millisecond(),
                    *unit,
                ) {
                    Some(value) => values.push(value),
                    None => return Err(out_of_range(pos, data_type, value.to_string())),
                }
            }
            Self::Array(offsets, element) => {
                return append_elements(offsets, &mut [element], &[&row.get_array(pos)?], true);
            }
            Self::Map(offsets, entries) => {
                let map = row.get_map(pos)?;
                let (key, value) = &mut **entries;
                return append_elements(
                    offsets,
                    &mut [key, value],
                    &[map.keys(), map.values()],
                    false,
                );
            }
            Self::Row(fields) => {
                let value = row.get_row(pos)?;
                let actual = value.field_count();
                if actual != fields.len() {
                    return Err(RowError::FieldCount {
                        expected: fields.len(),
                        actual,
                    });
                }
                let mut added = 0;
                for (index, field) in fields.iter_mut().enumerate() {
                    added += field
                        .append(&value, index)
                        .map_err(|error| in_field(data_type, index, error))?;
                }
                return Ok(added);
            }
            // `Column::append` has dealt with all others.
            _ => {}
        }
        Ok(0)
    }
}

/// Appends the elements of an array, or the keys and values of a map.
fn append_elements(
    offsets: &mut Offsets,
    columns: &mut [&mut Column],
    arrays: &[&crate::FlussArray<'_>],
    indexed: bool,
) -> Result<usize> {
    let count = arrays.first().map_or(0, |array| array.len());
    let end = offsets.last() as usize + count;
    let end = i32::try_from(end).map_err(|_| column_full(end))?;
    let mut added = 0;
    for (part, (column, array)) in columns.iter_mut().zip(arrays).enumerate() {
        for index in 0..count {
            added += column.append(*array, index).map_err(|error| {
                let name = match (indexed, part) {
                    (true, _) => format!("[{index}]"),
                    (false, 0) => format!("[key {index}]"),
                    (false, _) => format!("[value {index}]"),
                };
                error.in_column(index, &name, &column.data_type)
            })?;
        }
        added += (count * column.fixed_bits()).div_ceil(8);
    }
    offsets.0.push(end);
    Ok(added)
}

#[cold]
fn in_field(data_type: &fluss_metadata::DataType, index: usize, error: RowError) -> RowError {
    match data_type.kind() {
        DataTypeKind::Row(row_type) => match row_type.fields().get(index) {
            Some(field) => error.in_column(index, field.name(), field.data_type()),
            None => error,
        },
        _ => error,
    }
}

#[cold]
fn out_of_range(pos: usize, data_type: &fluss_metadata::DataType, value: String) -> RowError {
    RowError::ValueOutOfRange {
        field: FieldRef::at(pos),
        expected: data_type.to_string().into(),
        value: value.into(),
    }
}

fn digits_of(data_type: &fluss_metadata::DataType) -> Digits {
    let precision = match data_type.kind() {
        DataTypeKind::Time { precision } => *precision,
        _ => 9,
    };
    Digits::new(precision, Assigned)
}

/// A timestamp, of whose digits those that the unit does not have are 0. `None` where 64 bits do not hold it.
fn in_unit(millis: i64, nanos: i32, unit: TimeUnit) -> Option<i64> {
    let nanos = i64::from(nanos);
    match unit {
        TimeUnit::Second => Some(millis / 1000),
        TimeUnit::Millisecond => Some(millis),
        TimeUnit::Microsecond => millis.checked_mul(1000)?.checked_add(nanos / 1000),
        TimeUnit::Nanosecond => millis.checked_mul(1_000_000)?.checked_add(nanos),
    }
}
