//! Columns taken apart into what an IPC message lists: a node for each array, and its buffers, in the order of the
//! schema.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType as ArrowType, TimeUnit};

use crate::{FieldRef, Result, RowError};

/// One array of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) len: usize,
    pub(crate) nulls: usize,
}

/// One buffer of a message.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    Borrowed(&'a [u8]),
    Shared(Buffer),
}

impl Piece<'_> {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Shared(buffer) => buffer,
        }
    }
}

/// All columns of a batch.
#[derive(Debug, Default)]
pub(crate) struct FlatBatch<'a> {
    pub(crate) rows: usize,
    pub(crate) nodes: Vec<Node>,
    pub(crate) buffers: Vec<Piece<'a>>,
}

impl<'a> FlatBatch<'a> {
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            rows,
            nodes: Vec::new(),
            buffers: Vec::new(),
        }
    }

    /// Returns the bytes of all buffers.
    pub(crate) fn size_bytes(&self) -> usize {
        self.buffers
            .iter()
            .map(|piece| piece.as_slice().len())
            .sum()
    }

    pub(crate) fn push_node(&mut self, len: usize, nulls: usize) {
        self.nodes.push(Node { len, nulls });
    }

    pub(crate) fn push(&mut self, bytes: &'a [u8]) {
        self.buffers.push(Piece::Borrowed(bytes));
    }

    fn share(&mut self, buffer: Buffer) {
        self.buffers.push(Piece::Shared(buffer));
    }

    /// Takes an array apart. Only what a slice covers is taken, with offsets that begin at 0. Returns an error for
    /// types that no column has.
    pub(crate) fn push_array(&mut self, array: &dyn Array) -> Result<()> {
        self.push_node(array.len(), array.null_count());
        self.share(match array.nulls() {
            Some(nulls) if nulls.null_count() > 0 => nulls.inner().sliced(),
            _ => Buffer::default(),
        });
        match array.data_type() {
            ArrowType::Boolean => self.share(array.as_boolean().values().sliced()),
            ArrowType::Int8 => self.push_primitive::<Int8Type>(array),
            ArrowType::Int16 => self.push_primitive::<Int16Type>(array),
            ArrowType::Int32 => self.push_primitive::<Int32Type>(array),
            ArrowType::Int64 => self.push_primitive::<Int64Type>(array),
            ArrowType::Float32 => self.push_primitive::<Float32Type>(array),
            ArrowType::Float64 => self.push_primitive::<Float64Type>(array),
            ArrowType::Decimal128(..) => self.push_primitive::<Decimal128Type>(array),
            ArrowType::Date32 => self.push_primitive::<Date32Type>(array),
            ArrowType::Time32(TimeUnit::Second) => self.push_primitive::<Time32SecondType>(array),
            ArrowType::Time32(_) => self.push_primitive::<Time32MillisecondType>(array),
            ArrowType::Time64(TimeUnit::Microsecond) => {
                self.push_primitive::<Time64MicrosecondType>(array);
            }
            ArrowType::Time64(_) => self.push_primitive::<Time64NanosecondType>(array),
            ArrowType::Timestamp(TimeUnit::Second, _) => {
                self.push_primitive::<TimestampSecondType>(array);
            }
            ArrowType::Timestamp(TimeUnit::Millisecond, _) => {
                self.push_primitive::<TimestampMillisecondType>(array);
            }
            ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
                self.push_primitive::<TimestampMicrosecondType>(array);
            }
            ArrowType::Timestamp(TimeUnit::Nanosecond, _) => {
                self.push_primitive::<TimestampNanosecondType>(array);
            }
            ArrowType::Utf8 => {
                let array = array.as_string::<i32>();
                self.push_variable(array.offsets(), array.values());
            }
            ArrowType::Binary => {
                let array = array.as_binary::<i32>();
                self.push_variable(array.offsets(), array.values());
            }
            ArrowType::FixedSizeBinary(width) => {
                let array = array.as_fixed_size_binary();
                let length = array.len() * usize::try_from(*width).unwrap_or(0);
                self.share(array.values().slice_with_length(0, length));
            }
            ArrowType::List(_) => {
                let array = array.as_list::<i32>();
                let (first, length) = self.push_offsets(array.offsets());
                self.push_array(&array.values().slice(first, length))?;
            }
            ArrowType::Map(..) => {
                let array = array.as_map();
                let (first, length) = self.push_offsets(array.offsets());
                self.push_array(&array.entries().slice(first, length))?;
            }
            ArrowType::Struct(_) => {
                for column in array.as_struct().columns() {
                    self.push_array(column)?;
                }
            }
            other => {
                return Err(RowError::UnsupportedType {
                    field: FieldRef::at(0),
                    data_type: other.to_string().into(),
                    place: "log batches",
                });
            }
        }
        Ok(())
    }

    fn push_primitive<T: ArrowPrimitiveType>(&mut self, array: &dyn Array) {
        self.share(array.as_primitive::<T>().values().inner().clone());
    }

    fn push_variable(&mut self, offsets: &OffsetBuffer<i32>, values: &Buffer) {
        let (first, length) = self.push_offsets(offsets);
        self.share(values.slice_with_length(first, length));
    }

    /// Offsets from 0 on; returns where they began, and how far they reach.
    fn push_offsets(&mut self, offsets: &OffsetBuffer<i32>) -> (usize, usize) {
        let first = offsets.first().copied().unwrap_or(0);
        let last = offsets.last().copied().unwrap_or(0);
        self.share(if first == 0 {
            offsets.inner().inner().clone()
        } else {
            // The offsets of a slice have to be recomputed; the values they point to are shared.
            offsets
                .iter()
                .map(|offset| offset - first)
                .collect::<ScalarBuffer<i32>>()
                .into_inner()
        });
        (first as usize, (last - first) as usize)
    }
}
