//! Reading single values of an array: its type is looked at once, when the view is made.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, BinaryArray, FixedSizeBinaryArray, StringArray, StructArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use fluss_metadata::{DataType, DataTypeKind};

use crate::{
    Date, Datum, Decimal, FieldRef, FlussArray, FlussMap, GenericRow, Result, RowError, Time,
    TimestampLtz, TimestampNtz,
};

/// One column, or a part of one, of a decoded batch.
#[derive(Debug)]
pub(crate) struct ColumnView {
    pub(crate) nulls: Option<NullBuffer>,
    pub(crate) values: ViewValues,
}

#[derive(Debug)]
pub(crate) enum ViewValues {
    Boolean(BooleanBuffer),
    TinyInt(ScalarBuffer<i8>),
    SmallInt(ScalarBuffer<i16>),
    Int(ScalarBuffer<i32>),
    BigInt(ScalarBuffer<i64>),
    Float(ScalarBuffer<f32>),
    Double(ScalarBuffer<f64>),
    Text(StringArray),
    Bytes(BinaryArray),
    Fixed(FixedSizeBinaryArray),
    Decimal {
        values: ScalarBuffer<i128>,
        precision: u32,
        scale: u32,
    },
    Date(ScalarBuffer<i32>),
    /// To be multiplied to get milliseconds of the day.
    Time32(ScalarBuffer<i32>, i32),
    /// To be divided to get milliseconds of the day.
    Time64(ScalarBuffer<i64>, i64),
    Timestamp(ScalarBuffer<i64>, TimeUnit),
    TimestampLtz(ScalarBuffer<i64>, TimeUnit),
    Array(OffsetBuffer<i32>, Box<ColumnView>),
    Map(OffsetBuffer<i32>, Box<(ColumnView, ColumnView)>),
    Row(Vec<ColumnView>),
}

/// The numbers of a column of timestamps, and their unit.
fn timestamps(array: &dyn Array) -> Option<(ScalarBuffer<i64>, TimeUnit)> {
    let ArrowType::Timestamp(unit, _) = array.data_type() else {
        return None;
    };
    let values = match unit {
        TimeUnit::Second => array
            .as_primitive_opt::<TimestampSecondType>()?
            .values()
            .clone(),
        TimeUnit::Millisecond => array
            .as_primitive_opt::<TimestampMillisecondType>()?
            .values()
            .clone(),
        TimeUnit::Microsecond => array
            .as_primitive_opt::<TimestampMicrosecondType>()?
            .values()
            .clone(),
        TimeUnit::Nanosecond => array
            .as_primitive_opt::<TimestampNanosecondType>()?
            .values()
            .clone(),
    };
    Some((values, *unit))
}

impl ColumnView {
    /// A view of an array as a column of this type. Returns an error if the array is of another one.
    pub(crate) fn new(data_type: &DataType, array: &dyn Array) -> Result<Self> {
        let refused = || RowError::WrongType {
            field: FieldRef::at(0),
            expected: data_type.to_string().into(),
            actual: format!("Arrow's {}", array.data_type()).into(),
        };
        macro_rules! values {
            ($type:ty) => {
                array
                    .as_primitive_opt::<$type>()
                    .ok_or_else(refused)?
                    .values()
                    .clone()
            };
        }
        let values = match data_type.kind() {
            DataTypeKind::Boolean => {
                ViewValues::Boolean(array.as_boolean_opt().ok_or_else(refused)?.values().clone())
            }
            DataTypeKind::TinyInt => ViewValues::TinyInt(values!(Int8Type)),
            DataTypeKind::SmallInt => ViewValues::SmallInt(values!(Int16Type)),
            DataTypeKind::Int => ViewValues::Int(values!(Int32Type)),
            DataTypeKind::BigInt => ViewValues::BigInt(values!(Int64Type)),
            DataTypeKind::Float => ViewValues::Float(values!(Float32Type)),
            DataTypeKind::Double => ViewValues::Double(values!(Float64Type)),
            DataTypeKind::Char { .. } | DataTypeKind::String => {
                ViewValues::Text(array.as_string_opt().ok_or_else(refused)?.clone())
            }
            DataTypeKind::Binary { .. } => ViewValues::Fixed(
                array
                    .as_fixed_size_binary_opt()
                    .ok_or_else(refused)?
                    .clone(),
            ),
            DataTypeKind::Bytes => {
                ViewValues::Bytes(array.as_binary_opt().ok_or_else(refused)?.clone())
            }
            DataTypeKind::Decimal { precision, scale } => ViewValues::Decimal {
                values: values!(Decimal128Type),
                precision: *precision,
                scale: *scale,
            },
            DataTypeKind::Date => ViewValues::Date(values!(Date32Type)),
            DataTypeKind::Time { .. } => match array.data_type() {
                ArrowType::Time32(TimeUnit::Second) => {
                    ViewValues::Time32(values!(Time32SecondType), 1000)
                }
                ArrowType::Time32(_) => ViewValues::Time32(values!(Time32MillisecondType), 1),
                ArrowType::Time64(TimeUnit::Microsecond) => {
                    ViewValues::Time64(values!(Time64MicrosecondType), 1000)
                }
                ArrowType::Time64(_) => {
                    ViewValues::Time64(values!(Time64NanosecondType), 1_000_000)
                }
                _ => return Err(refused()),
            },
            DataTypeKind::Timestamp { .. } | DataTypeKind::TimestampLtz { .. } => {
                let (values, unit) = timestamps(array).ok_or_else(refused)?;
                match data_type.kind() {
                    DataTypeKind::Timestamp { .. } => ViewValues::Timestamp(values, unit),
                    _ => ViewValues::TimestampLtz(values, unit),
                }
            }
            DataTypeKind::Array(element) => {
                let list = array.as_list_opt::<i32>().ok_or_else(refused)?;
                ViewValues::Array(
                    list.offsets().clone(),
                    Box::new(Self::new(element, list.values())?),
                )
            }
            DataTypeKind::Map { key, value } => {
                let (offsets, entries) = map_parts(array).ok_or_else(refused)?;
                let [keys, values] = entries.columns() else {
                    return Err(refused());
                };
                let entries = (Self::new(key, keys)?, Self::new(value, values)?);
                ViewValues::Map(offsets.clone(), Box::new(entries))
            }
            DataTypeKind::Row(row_type) => {
                let columns = array.as_struct_opt().ok_or_else(refused)?.columns();
                if columns.len() != row_type.fields().len() {
                    return Err(refused());
                }
                let fields = row_type
                    .fields()
                    .iter()
                    .zip(columns)
                    .map(|(field, column)| Self::new(field.data_type(), column));
                ViewValues::Row(fields.collect::<Result<_>>()?)
            }
        };
        Ok(Self {
            nulls: array.nulls().cloned(),
            values,
        })
    }

    /// Returns whether the value is null; `None` after the end.
    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match &self.nulls {
            Some(nulls) => row < nulls.len() && nulls.is_null(row),
            None => false,
        }
    }

    /// Returns the value, or `None` after the end.
    pub(crate) fn datum(&self, row: usize) -> Result<Option<Datum<'_>>> {
        if self.is_null(row) {
            return Ok(Some(Datum::Null));
        }
        Ok(match &self.values {
            ViewValues::Boolean(bits) => {
                (row < bits.len()).then(|| Datum::Boolean(bits.value(row)))
            }
            ViewValues::TinyInt(values) => values.get(row).copied().map(Datum::TinyInt),
            ViewValues::SmallInt(values) => values.get(row).copied().map(Datum::SmallInt),
            ViewValues::Int(values) => values.get(row).copied().map(Datum::Int),
            ViewValues::BigInt(values) => values.get(row).copied().map(Datum::BigInt),
            ViewValues::Float(values) => values.get(row).copied().map(Datum::Float),
            ViewValues::Double(values) => values.get(row).copied().map(Datum::Double),
            ViewValues::Text(_) => self
                .text(row)
                .map(|text| Datum::String(Cow::Borrowed(text))),
            ViewValues::Bytes(_) | ViewValues::Fixed(_) => self
                .bytes(row)
                .map(|bytes| Datum::Bytes(Cow::Borrowed(bytes))),
            ViewValues::Decimal { .. } => self.decimal(row)?.map(Datum::Decimal),
            ViewValues::Date(values) => values
                .get(row)
                .copied()
                .map(|days| Datum::Date(Date::new(days))),
            ViewValues::Time32(..) | ViewValues::Time64(..) => self.time(row).map(Datum::Time),
            ViewValues::Timestamp(..) => self.timestamp(row)?.map(Datum::Timestamp),
            ViewValues::TimestampLtz(..) => self.timestamp_ltz(row)?.map(Datum::TimestampLtz),
            ViewValues::Array(..) => self.array(row)?.map(Datum::Array),
            ViewValues::Map(..) => self.map(row)?.map(Datum::Map),
            ViewValues::Row(_) => self.row(row)?.map(Datum::Row),
        })
    }

    #[inline]
    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        match &self.values {
            ViewValues::Text(array) if row < array.len() => Some(array.value(row)),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn bytes(&self, row: usize) -> Option<&[u8]> {
        match &self.values {
            ViewValues::Bytes(array) if row < array.len() => Some(array.value(row)),
            ViewValues::Fixed(array) if row < array.len() => Some(array.value(row)),
            _ => None,
        }
    }

    pub(crate) fn decimal(&self, row: usize) -> Result<Option<Decimal>> {
        match &self.values {
            ViewValues::Decimal {
                values,
                precision,
                scale,
            } => values
                .get(row)
                .map(|unscaled| {
                    Decimal::stored(*unscaled, *precision, *scale)
                        .ok_or_else(|| beyond_all(*unscaled, *precision, *scale))
                })
                .transpose(),
            _ => Ok(None),
        }
    }

    pub(crate) fn time(&self, row: usize) -> Option<Time> {
        match &self.values {
            ViewValues::Time32(values, factor) => values
                .get(row)
                .map(|value| Time::new(value.wrapping_mul(*factor))),
            // Java knows milliseconds only, too.
            ViewValues::Time64(values, divisor) => values
                .get(row)
                .map(|value| Time::new((value / divisor) as i32)),
            _ => None,
        }
    }

    pub(crate) fn timestamp(&self, row: usize) -> Result<Option<TimestampNtz>> {
        match &self.values {
            ViewValues::Timestamp(values, unit) => parts(values, row, *unit)
                .map(|(millis, nanos)| TimestampNtz::from_millis_nanos(millis, nanos))
                .transpose(),
            _ => Ok(None),
        }
    }

    pub(crate) fn timestamp_ltz(&self, row: usize) -> Result<Option<TimestampLtz>> {
        match &self.values {
            ViewValues::TimestampLtz(values, unit) => parts(values, row, *unit)
                .map(|(millis, nanos)| TimestampLtz::from_millis_nanos(millis, nanos))
                .transpose(),
            _ => Ok(None),
        }
    }

    pub(crate) fn array(&self, row: usize) -> Result<Option<FlussArray<'_>>> {
        match &self.values {
            ViewValues::Array(offsets, element) => element.elements(offsets, row),
            _ => Ok(None),
        }
    }

    pub(crate) fn map(&self, row: usize) -> Result<Option<FlussMap<'_>>> {
        match &self.values {
            ViewValues::Map(offsets, entries) => match (
                entries.0.elements(offsets, row)?,
                entries.1.elements(offsets, row)?,
            ) {
                (Some(keys), Some(values)) => FlussMap::from_arrays(keys, values).map(Some),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }

    pub(crate) fn row(&self, row: usize) -> Result<Option<GenericRow<'_>>> {
        match &self.values {
            ViewValues::Row(fields) => {
                let values = fields
                    .iter()
                    .map(|field| field.datum(row))
                    .collect::<Result<Option<Vec<_>>>>()?;
                Ok(values.map(GenericRow::from_data))
            }
            _ => Ok(None),
        }
    }

    /// The values between two neighboring offsets.
    fn elements(&self, offsets: &OffsetBuffer<i32>, row: usize) -> Result<Option<FlussArray<'_>>> {
        match (offsets.get(row), offsets.get(row.saturating_add(1))) {
            (Some(start), Some(end)) => {
                let values = (*start as usize..*end as usize)
                    .map(|index| self.datum(index))
                    .collect::<Result<Option<Vec<_>>>>()?;
                Ok(values.map(FlussArray::from))
            }
            _ => Ok(None),
        }
    }

    /// The first of the values that its column cannot hold, and why.
    pub(crate) fn first_misfit(
        &self,
        data_type: &DataType,
        rows: Range<usize>,
    ) -> Option<(usize, RowError)> {
        let null = self.first_null(data_type, data_type.is_nullable(), rows.clone());
        // Only what lies before the null matters.
        let end = null.as_ref().map_or(rows.end, |(row, _)| *row);
        let overlong = self.first_overlong(rows.start..end).map(|(row, value)| {
            let error = RowError::ValueOutOfRange {
                field: FieldRef::at(0),
                expected: data_type.to_string().into(),
                value: value.into(),
            };
            (row, error)
        });
        overlong.or(null)
    }

    /// The first of the values that is, or has in it, a null where there must be none, and the path to that.
    fn first_null(
        &self,
        data_type: &DataType,
        nullable: bool,
        rows: Range<usize>,
    ) -> Option<(usize, RowError)> {
        let has_nulls = self
            .nulls
            .as_ref()
            .is_some_and(|nulls| nulls.null_count() > 0);
        let own = (has_nulls && !nullable)
            .then(|| rows.clone().find(|row| self.is_null(*row)))
            .flatten();
        // Only what lies before the null matters.
        let end = own.unwrap_or(rows.end);
        let mut start = rows.start;
        while start < end {
            let Some((row, error)) = self.first_null_inside(data_type, start..end) else {
                break;
            };
            // What is part of a null does not exist.
            if !self.is_null(row) {
                return Some((row, error));
            }
            start = row + 1;
        }
        let field = FieldRef::at(0);
        own.map(|row| (row, RowError::NullValue { field }))
    }

    fn first_null_inside(
        &self,
        data_type: &DataType,
        rows: Range<usize>,
    ) -> Option<(usize, RowError)> {
        match (&self.values, data_type.kind()) {
            (ViewValues::Array(offsets, view), DataTypeKind::Array(element)) => {
                in_elements(offsets, rows, |range| {
                    let nullable = element.is_nullable();
                    let (at, error) = view.first_null(element, nullable, range)?;
                    Some((at, (error, "", element)))
                })
                .map(|(row, at, found)| (row, in_element(at, found)))
            }
            (ViewValues::Map(offsets, entries), DataTypeKind::Map { key, value }) => {
                in_elements(offsets, rows, |range| {
                    let (keys, values) = (&entries.0, &entries.1);
                    // Keys are never null, whatever their declared type says.
                    let in_keys = keys
                        .first_null(key, false, range.clone())
                        .map(|(at, error)| (at, (error, "key ", key)));
                    let in_values = values
                        .first_null(value, value.is_nullable(), range)
                        .map(|(at, error)| (at, (error, "value ", value)));
                    in_keys
                        .into_iter()
                        .chain(in_values)
                        .min_by_key(|(at, _)| *at)
                })
                .map(|(row, at, found)| (row, in_element(at, found)))
            }
            (ViewValues::Row(columns), DataTypeKind::Row(row_type)) => {
                let fields = row_type.fields().iter().zip(columns).enumerate();
                fields
                    .filter_map(|(position, (field, column))| {
                        let data_type = field.data_type();
                        let nullable = data_type.is_nullable();
                        let (row, error) = column.first_null(data_type, nullable, rows.clone())?;
                        Some((row, error.in_column(position, field.name(), data_type)))
                    })
                    .min_by_key(|(row, _)| *row)
            }
            _ => None,
        }
    }

    /// The first of the values that is, or has in it, a decimal with more digits than its type, and that decimal as text.
    fn first_overlong(&self, rows: Range<usize>) -> Option<(usize, String)> {
        let mut start = rows.start;
        loop {
            let (row, text) = match &self.values {
                ViewValues::Decimal {
                    values,
                    precision,
                    scale,
                } => {
                    let values = values.get(start..rows.end)?;
                    let at = values
                        .iter()
                        .position(|value| !Decimal::fits(*value, *precision))?;
                    let value = *values.get(at)?;
                    let text = Decimal::stored(value, *precision, *scale)
                        .map_or_else(|| format!("{value}e-{scale}"), |value| value.to_string());
                    (start + at, text)
                }
                ViewValues::Array(offsets, element) => {
                    let find = |range| element.first_overlong(range);
                    let (row, _, text) = in_elements(offsets, start..rows.end, find)?;
                    (row, text)
                }
                ViewValues::Map(offsets, entries) => {
                    let find = |range: Range<usize>| {
                        let keys = entries.0.first_overlong(range.clone());
                        let values = entries.1.first_overlong(range);
                        keys.into_iter().chain(values).min_by_key(|(row, _)| *row)
                    };
                    let (row, _, text) = in_elements(offsets, start..rows.end, find)?;
                    (row, text)
                }
                ViewValues::Row(fields) => fields
                    .iter()
                    .filter_map(|field| field.first_overlong(start..rows.end))
                    .min_by_key(|(row, _)| *row)?,
                _ => return None,
            };
            if !self.is_null(row) {
                return Some((row, text));
            }
            start = row + 1;
        }
    }

    /// An integer or float as a value of its own type; `None` for a column of another type.
    #[cold]
    pub(crate) fn number(&self, row: usize) -> Option<Datum<'static>> {
        match &self.values {
            ViewValues::TinyInt(values) => values.get(row).copied().map(Datum::TinyInt),
            ViewValues::SmallInt(values) => values.get(row).copied().map(Datum::SmallInt),
            ViewValues::Int(values) => values.get(row).copied().map(Datum::Int),
            ViewValues::BigInt(values) => values.get(row).copied().map(Datum::BigInt),
            ViewValues::Float(values) => values.get(row).copied().map(Datum::Float),
            ViewValues::Double(values) => values.get(row).copied().map(Datum::Double),
            _ => None,
        }
    }

    /// Name of the type of the values, for messages.
    #[cold]
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.values {
            ViewValues::Boolean(_) => "BOOLEAN",
            ViewValues::TinyInt(_) => "TINYINT",
            ViewValues::SmallInt(_) => "SMALLINT",
            ViewValues::Int(_) => "INT",
            ViewValues::BigInt(_) => "BIGINT",
            ViewValues::Float(_) => "FLOAT",
            ViewValues::Double(_) => "DOUBLE",
            ViewValues::Text(_) => "STRING",
            ViewValues::Bytes(_) => "BYTES",
            ViewValues::Fixed(_) => "BINARY",
            ViewValues::Decimal { .. } => "DECIMAL",
            ViewValues::Date(_) => "DATE",
            ViewValues::Time32(..) | ViewValues::Time64(..) => "TIME",
            ViewValues::Timestamp(..) => "TIMESTAMP",
            ViewValues::TimestampLtz(..) => "TIMESTAMP_LTZ",
            ViewValues::Array(..) => "ARRAY",
            ViewValues::Map(..) => "MAP",
            ViewValues::Row(_) => "ROW",
        }
    }
}

/// Offsets and entries of a map. One with a null for a key is a list of its entries.
fn map_parts(array: &dyn Array) -> Option<(&OffsetBuffer<i32>, &StructArray)> {
    if let Some(map) = array.as_map_opt() {
        return Some((map.offsets(), map.entries()));
    }
    let list = array.as_list_opt::<i32>()?;
    Some((list.offsets(), list.values().as_struct_opt()?))
}

/// The row whose elements are the first in which something is found, and the position of the element in it.
fn in_elements<T>(
    offsets: &OffsetBuffer<i32>,
    rows: Range<usize>,
    find: impl FnOnce(Range<usize>) -> Option<(usize, T)>,
) -> Option<(usize, usize, T)> {
    let (first, last) = (*offsets.get(rows.start)?, *offsets.get(rows.end)?);
    let (element, found) = find(first as usize..last as usize)?;
    let row = offsets.partition_point(|offset| *offset as usize <= element);
    let row = row.saturating_sub(1);
    let start = offsets.get(row).map_or(0, |start| *start as usize);
    Some((row, element.saturating_sub(start), found))
}

/// Adds to an error of an element where that is.
#[cold]
fn in_element(at: usize, (error, part, data_type): (RowError, &str, &Arc<DataType>)) -> RowError {
    error.in_column(at, &format!("[{part}{at}]"), data_type)
}

#[cold]
fn beyond_all(unscaled: i128, precision: u32, scale: u32) -> RowError {
    RowError::InvalidValue {
        expected: format!("DECIMAL({precision}, {scale})").into(),
        value: format!("{unscaled}e-{scale}").into(),
    }
}

/// A timestamp as milliseconds and the nanoseconds after them, which are never negative.
fn parts(values: &ScalarBuffer<i64>, row: usize, unit: TimeUnit) -> Option<(i64, i32)> {
    let value = *values.get(row)?;
    Some(match unit {
        TimeUnit::Second => (value.wrapping_mul(1000), 0),
        TimeUnit::Millisecond => (value, 0),
        TimeUnit::Microsecond => (value.div_euclid(1000), value.rem_euclid(1000) as i32 * 1000),
        TimeUnit::Nanosecond => (
            value.div_euclid(1_000_000),
            value.rem_euclid(1_000_000) as i32,
        ),
    })
}
