//! A row type compiled into what encoders and decoders need of each column.

use std::sync::Arc;

use fluss_metadata::{DataType, DataTypeKind, RowType};

use crate::assign::{Digits, Values, Width};
use crate::decimal::MAX_COMPACT_PRECISION;
use crate::{FieldRef, Result, RowError};

/// How deeply arrays, maps and rows may be nested in each other.
pub(crate) const MAX_DEPTH: usize = 64;

/// Decoded rows of up to so many columns need no allocation.
pub(crate) const INLINE_COLUMNS: usize = 8;

/// Largest precision at which a timestamp is stored as milliseconds alone.
const MAX_MILLIS_PRECISION: u32 = 3;

/// Which of the three byte forms a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RowFormat {
    /// Null bits, then values back to back, integers as varints. The form of keys and KV rows.
    Compacted,
    /// Null bits, lengths, then values of fixed width.
    Indexed,
    /// Slots of eight bytes as in Paimon's binary rows. The form of statistics.
    Aligned,
}

/// What a getter asks for before it takes the value of a slot. Those with the shortest way to their values come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    BigInt,
    Int,
    Double,
    Text,
    /// No column, or null.
    None,
    Boolean,
    TinyInt,
    SmallInt,
    Float,
    /// A type whose getter looks closer.
    Other,
}

/// What to do for a column.
#[derive(Debug)]
pub(crate) enum Op {
    Boolean,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Char(Width),
    String,
    Binary(Width),
    Bytes,
    /// At most 18 digits: a 64-bit integer.
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// More digits: big-endian bytes.
    BigDecimal {
        precision: u8,
        scale: u8,
    },
    Date,
    Time {
        precision: Digits,
    },
    /// Milliseconds alone.
    Timestamp {
        precision: Digits,
    },
    /// Milliseconds and nanoseconds of the millisecond.
    TimestampNanos {
        precision: Digits,
    },
    Ltz {
        precision: Digits,
    },
    LtzNanos {
        precision: Digits,
    },
    Array(Arc<Field>),
    Map(Arc<Field>, Arc<Field>),
    Row(Arc<Layout>),
}

/// One column, array element, map key or map value.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) op: Op,
    pub(crate) nullable: bool,
    pub(crate) data_type: DataType,
}

/// A whole row type.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) format: RowFormat,
    pub(crate) fields: Box<[Field]>,
    /// The kind of each column.
    pub(crate) kinds: Box<[Kind]>,
    /// Those of the first columns.
    pub(crate) first_kinds: [Kind; INLINE_COLUMNS],
    pub(crate) row_type: RowType,
    /// Bytes of the null bits, the header byte of aligned rows included.
    pub(crate) null_bytes: usize,
    /// The same in compacted rows; in the other formats more than any row has.
    pub(crate) quick_null_bytes: usize,
    /// Columns whose length an indexed row lists.
    pub(crate) variable_count: usize,
}

impl Layout {
    /// A layout whose values are written as they are given.
    pub(crate) fn new(format: RowFormat, row_type: &RowType) -> Result<Arc<Self>> {
        Self::with_values(format, row_type, Values::AsGiven)
    }

    pub(crate) fn with_values(
        format: RowFormat,
        row_type: &RowType,
        values: Values,
    ) -> Result<Arc<Self>> {
        Self::nested(format, row_type, values, 0)
    }

    fn nested(
        format: RowFormat,
        row_type: &RowType,
        values: Values,
        depth: usize,
    ) -> Result<Arc<Self>> {
        let fields = row_type
            .fields()
            .iter()
            .map(|field| Field::new(format, field.data_type(), values, depth))
            .collect::<Result<Box<[_]>>>()?;
        let null_bytes = match format {
            RowFormat::Compacted | RowFormat::Indexed => fields.len().div_ceil(8),
            RowFormat::Aligned => (fields.len() + 8).div_ceil(64) * 8,
        };
        let kinds: Box<[Kind]> = fields.iter().map(|field| field.op.kind()).collect();
        let mut first_kinds = [Kind::None; INLINE_COLUMNS];
        for (first, kind) in first_kinds.iter_mut().zip(&kinds) {
            *first = *kind;
        }
        let variable_count = fields.iter().filter(|field| field.op.is_variable()).count();
        Ok(Arc::new(Self {
            format,
            fields,
            kinds,
            first_kinds,
            row_type: row_type.clone(),
            null_bytes,
            quick_null_bytes: match format {
                RowFormat::Compacted => null_bytes,
                RowFormat::Indexed | RowFormat::Aligned => usize::MAX,
            },
            variable_count,
        }))
    }

    /// Returns whether the null bit of a column is set, whichever it is.
    #[inline]
    pub(crate) fn has_nulls(&self, bytes: &[u8]) -> bool {
        let first = match self.format {
            RowFormat::Compacted | RowFormat::Indexed => 0,
            RowFormat::Aligned => super::aligned::HEADER_BITS / 8,
        };
        if self.fields.len() <= 8 {
            return bytes.get(first).is_some_and(|byte| *byte != 0);
        }
        let end = first + self.fields.len().div_ceil(8);
        bytes
            .get(first..end)
            .is_some_and(|bits| bits.iter().any(|byte| *byte != 0))
    }

    /// Returns the column's name.
    pub(crate) fn name(&self, position: usize) -> &str {
        self.row_type
            .fields()
            .get(position)
            .map_or("", |field| field.name())
    }

    /// Adds name and type of the column to a getter's error.
    #[cold]
    pub(crate) fn explain(&self, position: usize, error: RowError) -> RowError {
        match self.row_type.fields().get(position) {
            Some(field) => error.in_column(position, field.name(), field.data_type()),
            None => error,
        }
    }

    /// Adds the name of the column to an error of reading its bytes.
    #[cold]
    pub(crate) fn corrupt(&self, position: usize, source: RowError) -> RowError {
        RowError::CorruptColumn {
            column: self.name(position).into(),
            source: Box::new(source),
        }
    }

    #[cold]
    pub(crate) fn null_error(&self, position: usize) -> RowError {
        self.explain(
            position,
            RowError::NullValue {
                field: FieldRef::at(position),
            },
        )
    }

    /// Returns the error for a row of another number of fields.
    #[inline]
    pub(crate) fn check_count(&self, actual: usize) -> Result<()> {
        let expected = self.fields.len();
        if actual == expected {
            Ok(())
        } else {
            Err(RowError::FieldCount { expected, actual })
        }
    }
}

impl Field {
    pub(crate) fn new(
        format: RowFormat,
        data_type: &DataType,
        values: Values,
        depth: usize,
    ) -> Result<Self> {
        if depth > MAX_DEPTH {
            return Err(RowError::TooDeep { max: MAX_DEPTH });
        }
        let op = match data_type.kind() {
            DataTypeKind::Boolean => Op::Boolean,
            DataTypeKind::TinyInt => Op::TinyInt,
            DataTypeKind::SmallInt => Op::SmallInt,
            DataTypeKind::Int => Op::Int,
            DataTypeKind::BigInt => Op::BigInt,
            DataTypeKind::Float => Op::Float,
            DataTypeKind::Double => Op::Double,
            DataTypeKind::Char { length } => Op::Char(Width::new(*length, values)),
            DataTypeKind::String => Op::String,
            DataTypeKind::Binary { length } => Op::Binary(Width::new(*length, values)),
            DataTypeKind::Bytes => Op::Bytes,
            DataTypeKind::Decimal { precision, scale } => {
                // Refuses precisions and scales that no decimal has.
                crate::Decimal::from_unscaled(0, *precision, *scale)?;
                let (narrow, scale) = (*precision as u8, *scale as u8);
                if *precision <= MAX_COMPACT_PRECISION {
                    Op::Decimal {
                        precision: narrow,
                        scale,
                    }
                } else {
                    Op::BigDecimal {
                        precision: narrow,
                        scale,
                    }
                }
            }
            DataTypeKind::Date => Op::Date,
            DataTypeKind::Time { precision } => Op::Time {
                precision: Digits::new(*precision, values),
            },
            DataTypeKind::Timestamp { precision } if *precision <= MAX_MILLIS_PRECISION => {
                Op::Timestamp {
                    precision: Digits::new(*precision, values),
                }
            }
            DataTypeKind::Timestamp { precision } => Op::TimestampNanos {
                precision: Digits::new(*precision, values),
            },
            DataTypeKind::TimestampLtz { precision } if *precision <= MAX_MILLIS_PRECISION => {
                Op::Ltz {
                    precision: Digits::new(*precision, values),
                }
            }
            DataTypeKind::TimestampLtz { precision } => Op::LtzNanos {
                precision: Digits::new(*precision, values),
            },
            DataTypeKind::Array(element) => {
                Op::Array(Arc::new(Self::new(format, element, values, depth + 1)?))
            }
            DataTypeKind::Map { key, value } => {
                // Keys are never null, whatever their declared type says.
                let key = Self {
                    nullable: false,
                    ..Self::new(format, key, values, depth + 1)?
                };
                Op::Map(
                    Arc::new(key),
                    Arc::new(Self::new(format, value, values, depth + 1)?),
                )
            }
            DataTypeKind::Row(row_type) => {
                Op::Row(Layout::nested(format, row_type, values, depth + 1)?)
            }
        };
        Ok(Self {
            op,
            nullable: data_type.is_nullable(),
            data_type: data_type.clone(),
        })
    }

    /// Returns the bytes of one element in an array.
    #[inline]
    pub(crate) const fn element_width(&self) -> usize {
        match self.op {
            Op::Boolean | Op::TinyInt => 1,
            Op::SmallInt => 2,
            Op::Int | Op::Float | Op::Date | Op::Time { .. } => 4,
            _ => 8,
        }
    }
}

impl Op {
    /// Whether an indexed row lists the length.
    const fn is_variable(&self) -> bool {
        matches!(
            self,
            Self::String
                | Self::Bytes
                | Self::BigDecimal { .. }
                | Self::Array(_)
                | Self::Map(..)
                | Self::Row(_)
        )
    }

    const fn kind(&self) -> Kind {
        match self {
            Self::Boolean => Kind::Boolean,
            Self::TinyInt => Kind::TinyInt,
            Self::SmallInt => Kind::SmallInt,
            Self::Int => Kind::Int,
            Self::BigInt => Kind::BigInt,
            Self::Float => Kind::Float,
            Self::Double => Kind::Double,
            Self::String => Kind::Text,
            _ => Kind::Other,
        }
    }

    /// Returns whether values have parts.
    pub(crate) const fn is_nested(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Map(..) | Self::Row(_))
    }

    /// Name of the type, for messages.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Char(_) => "CHAR",
            Self::String => "STRING",
            Self::Binary(_) => "BINARY",
            Self::Bytes => "BYTES",
            Self::Decimal { .. } | Self::BigDecimal { .. } => "DECIMAL",
            Self::Date => "DATE",
            Self::Time { .. } => "TIME",
            Self::Timestamp { .. } | Self::TimestampNanos { .. } => "TIMESTAMP",
            Self::Ltz { .. } | Self::LtzNanos { .. } => "TIMESTAMP_LTZ",
            Self::Array(_) => "ARRAY",
            Self::Map(..) => "MAP",
            Self::Row(_) => "ROW",
        }
    }
}
