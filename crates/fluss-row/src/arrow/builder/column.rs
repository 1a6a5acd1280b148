//! One column under construction.

use arrow_buffer::ToByteSlice;
use arrow_schema::TimeUnit;
use fluss_metadata::{DataType, DataTypeKind};

use super::validity::{Bits, Validity};
use crate::arrow::flat::FlatBatch;
use crate::arrow::types::unit;

/// One column, or a part of one.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) data_type: DataType,
    pub(super) nullable: bool,
    pub(super) validity: Validity,
    pub(super) values: Values,
}

/// The values of a column as Arrow holds them. A null has a value too, which is never read.
#[derive(Debug)]
pub(super) enum Values {
    Boolean(Bits),
    TinyInt(Vec<i8>),
    SmallInt(Vec<i16>),
    Int(Vec<i32>),
    BigInt(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Text(Variable, Option<u32>),
    Bytes(Variable),
    Fixed {
        width: usize,
        data: Vec<u8>,
    },
    Decimal {
        precision: u32,
        scale: u32,
        values: Vec<i128>,
    },
    Date(Vec<i32>),
    /// Milliseconds of the day divided by the number.
    Time32(Vec<i32>, i32),
    /// Milliseconds of the day multiplied by the number.
    Time64(Vec<i64>, i64),
    Timestamp {
        unit: TimeUnit,
        precision: u32,
        values: Vec<i64>,
    },
    TimestampLtz {
        unit: TimeUnit,
        precision: u32,
        values: Vec<i64>,
    },
    Array(Offsets, Box<Column>),
    Map(Offsets, Box<(Column, Column)>),
    Row(Vec<Column>),
}

/// Where values of different lengths end; the first begins at 0.
#[derive(Debug)]
pub(super) struct Offsets(pub(super) Vec<i32>);

impl Default for Offsets {
    fn default() -> Self {
        Self(vec![0])
    }
}

impl Offsets {
    /// Where the last value ends.
    #[inline]
    pub(super) fn last(&self) -> i32 {
        self.0.last().copied().unwrap_or(0)
    }

    fn truncate(&mut self, len: usize) -> usize {
        self.0.truncate(len + 1);
        self.last() as usize
    }
}

/// Values of different lengths.
#[derive(Debug, Default)]
pub(super) struct Variable {
    pub(super) offsets: Offsets,
    pub(super) data: Vec<u8>,
}

impl Column {
    pub(super) fn new(data_type: &DataType) -> Self {
        let values = match data_type.kind() {
            DataTypeKind::Boolean => Values::Boolean(Bits::default()),
            DataTypeKind::TinyInt => Values::TinyInt(Vec::new()),
            DataTypeKind::SmallInt => Values::SmallInt(Vec::new()),
            DataTypeKind::Int => Values::Int(Vec::new()),
            DataTypeKind::BigInt => Values::BigInt(Vec::new()),
            DataTypeKind::Float => Values::Float(Vec::new()),
            DataTypeKind::Double => Values::Double(Vec::new()),
            DataTypeKind::Char { length } => Values::Text(Variable::default(), Some(*length)),
            DataTypeKind::String => Values::Text(Variable::default(), None),
            DataTypeKind::Binary { length } => Values::Fixed {
                width: *length as usize,
                data: Vec::new(),
            },
            DataTypeKind::Bytes => Values::Bytes(Variable::default()),
            DataTypeKind::Decimal { precision, scale } => Values::Decimal {
                precision: *precision,
                scale: *scale,
                values: Vec::new(),
            },
            DataTypeKind::Date => Values::Date(Vec::new()),
            DataTypeKind::Time { precision } => match unit(*precision) {
                TimeUnit::Second => Values::Time32(Vec::new(), 1000),
                TimeUnit::Millisecond => Values::Time32(Vec::new(), 1),
                TimeUnit::Microsecond => Values::Time64(Vec::new(), 1000),
                TimeUnit::Nanosecond => Values::Time64(Vec::new(), 1_000_000),
            },
            DataTypeKind::Timestamp { precision } => Values::Timestamp {
                unit: unit(*precision),
                precision: *precision,
                values: Vec::new(),
            },
            DataTypeKind::TimestampLtz { precision } => Values::TimestampLtz {
                unit: unit(*precision),
                precision: *precision,
                values: Vec::new(),
            },
            DataTypeKind::Array(element) => {
                Values::Array(Offsets::default(), Box::new(Self::new(element)))
            }
            DataTypeKind::Map { key, value } => {
                // Keys are never null, whatever their declared type says.
                let key = Self {
                    nullable: false,
                    ..Self::new(key)
                };
                Values::Map(Offsets::default(), Box::new((key, Self::new(value))))
            }
            DataTypeKind::Row(row_type) => Values::Row(
                row_type
                    .fields()
                    .iter()
                    .map(|field| Self::new(field.data_type()))
                    .collect(),
            ),
        };
        Self {
            data_type: data_type.clone(),
            nullable: data_type.is_nullable(),
            validity: Validity::default(),
            values,
        }
    }

    /// Bits that every value takes, whatever it is, with the one for null.
    pub(super) fn fixed_bits(&self) -> usize {
        1 + match &self.values {
            Values::Boolean(_) => 1,
            Values::TinyInt(_) => 8,
            Values::SmallInt(_) => 16,
            Values::Int(_)
            | Values::Float(_)
            | Values::Date(_)
            | Values::Time32(..)
            | Values::Text(..)
            | Values::Bytes(_)
            | Values::Array(..)
            | Values::Map(..) => 32,
            Values::BigInt(_)
            | Values::Double(_)
            | Values::Time64(..)
            | Values::Timestamp { .. }
            | Values::TimestampLtz { .. } => 64,
            Values::Decimal { .. } => 128,
            Values::Fixed { width, .. } => width * 8,
            Values::Row(fields) => fields.iter().map(Self::fixed_bits).sum(),
        }
    }

    /// Appends a null, whether the column allows one or not.
    #[inline]
    pub(super) fn push_null(&mut self) {
        self.validity.push_null();
        self.values.push_default();
    }

    /// Keeps the first `len` values.
    pub(super) fn truncate(&mut self, len: usize) {
        self.validity.truncate(len);
        match &mut self.values {
            Values::Boolean(bits) => bits.truncate(len),
            Values::TinyInt(values) => values.truncate(len),
            Values::SmallInt(values) => values.truncate(len),
            Values::Int(values) | Values::Date(values) | Values::Time32(values, _) => {
                values.truncate(len);
            }
            Values::BigInt(values)
            | Values::Time64(values, _)
            | Values::Timestamp { values, .. }
            | Values::TimestampLtz { values, .. } => values.truncate(len),
            Values::Float(values) => values.truncate(len),
            Values::Double(values) => values.truncate(len),
            Values::Text(variable, _) | Values::Bytes(variable) => {
                let end = variable.offsets.truncate(len);
                variable.data.truncate(end);
            }
            Values::Fixed { width, data } => data.truncate(*width * len),
            Values::Decimal { values, .. } => values.truncate(len),
            Values::Array(offsets, element) => element.truncate(offsets.truncate(len)),
            Values::Map(offsets, entries) => {
                let end = offsets.truncate(len);
                entries.0.truncate(end);
                entries.1.truncate(end);
            }
            Values::Row(fields) => fields.iter_mut().for_each(|field| field.truncate(len)),
        }
    }

    /// Adds node and buffers of the column and of its parts.
    pub(super) fn flatten<'a>(&'a self, flat: &mut FlatBatch<'a>) {
        flat.push_node(self.validity.len(), self.validity.nulls());
        flat.push(self.validity.as_slice());
        match &self.values {
            Values::Boolean(bits) => flat.push(bits.as_slice()),
            Values::TinyInt(values) => flat.push(values.to_byte_slice()),
            Values::SmallInt(values) => flat.push(values.to_byte_slice()),
            Values::Int(values) | Values::Date(values) | Values::Time32(values, _) => {
                flat.push(values.to_byte_slice());
            }
            Values::BigInt(values)
            | Values::Time64(values, _)
            | Values::Timestamp { values, .. }
            | Values::TimestampLtz { values, .. } => flat.push(values.to_byte_slice()),
            Values::Float(values) => flat.push(values.to_byte_slice()),
            Values::Double(values) => flat.push(values.to_byte_slice()),
            Values::Text(variable, _) | Values::Bytes(variable) => {
                flat.push(variable.offsets.0.to_byte_slice());
                flat.push(&variable.data);
            }
            Values::Fixed { data, .. } => flat.push(data),
            Values::Decimal { values, .. } => flat.push(values.to_byte_slice()),
            Values::Array(offsets, element) => {
                flat.push(offsets.0.to_byte_slice());
                element.flatten(flat);
            }
            Values::Map(offsets, entries) => {
                flat.push(offsets.0.to_byte_slice());
                flat.push_node(offsets.last() as usize, 0);
                flat.push(&[]);
                entries.0.flatten(flat);
                entries.1.flatten(flat);
            }
            Values::Row(fields) => fields.iter().for_each(|field| field.flatten(flat)),
        }
    }
}

impl Values {
    /// Appends what stands for a null.
    fn push_default(&mut self) {
        match self {
            Self::Boolean(bits) => bits.push(false),
            Self::TinyInt(values) => values.push(0),
            Self::SmallInt(values) => values.push(0),
            Self::Int(values) | Self::Date(values) | Self::Time32(values, _) => values.push(0),
            Self::BigInt(values)
            | Self::Time64(values, _)
            | Self::Timestamp { values, .. }
            | Self::TimestampLtz { values, .. } => {
                values.push(0);
            }
            Self::Float(values) => values.push(0.0),
            Self::Double(values) => values.push(0.0),
            Self::Text(Variable { offsets, .. }, _)
            | Self::Bytes(Variable { offsets, .. })
            | Self::Array(offsets, _)
            | Self::Map(offsets, _) => {
                offsets.0.push(offsets.last());
            }
            Self::Fixed { width, data } => data.resize(data.len() + *width, 0),
            Self::Decimal { values, .. } => values.push(0),
            Self::Row(fields) => fields.iter_mut().for_each(Column::push_null),
        }
    }
}
