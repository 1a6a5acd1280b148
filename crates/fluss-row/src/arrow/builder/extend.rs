//! Appending whole columns to a column.

use std::slice::Iter;

use arrow_buffer::{ArrowNativeType, Buffer, ScalarBuffer};

use super::append::column_full;
use super::column::{Column, Offsets, Values};
use super::validity::bit;
use crate::arrow::flat::{Node, Piece};
use crate::{Result, RowError};

type Nodes<'r> = Iter<'r, Node>;
type Pieces<'r, 'a> = Iter<'r, Piece<'a>>;

impl Column {
    /// Appends the next column of a flat batch, whose types are known to be those of this column, and returns how many bytes it
    /// took beyond those that every value takes.
    pub(super) fn extend(
        &mut self,
        nodes: &mut Nodes<'_>,
        pieces: &mut Pieces<'_, '_>,
    ) -> Result<usize> {
        let node = nodes.next().ok_or_else(misfit)?;
        let valid = pieces.next().ok_or_else(misfit)?;
        let added = self.values.extend(node.len, nodes, pieces)?;
        self.validity.extend(node.len, node.nulls, valid.as_slice());
        Ok(added)
    }
}

impl Values {
    fn extend(
        &mut self,
        len: usize,
        nodes: &mut Nodes<'_>,
        pieces: &mut Pieces<'_, '_>,
    ) -> Result<usize> {
        if let Self::Row(fields) = self {
            return fields
                .iter_mut()
                .map(|field| field.extend(nodes, pieces))
                .sum();
        }
        let piece = pieces.next().ok_or_else(misfit)?;
        let mut added = 0;
        match self {
            Self::Boolean(bits) => {
                (0..len).for_each(|index| bits.push(bit(piece.as_slice(), index)));
            }
            Self::TinyInt(values) => values.extend_from_slice(&typed(piece)),
            Self::SmallInt(values) => values.extend_from_slice(&typed(piece)),
            Self::Int(values) | Self::Date(values) | Self::Time32(values, _) => {
                values.extend_from_slice(&typed(piece));
            }
            Self::BigInt(values)
            | Self::Time64(values, _)
            | Self::Timestamp { values, .. }
            | Self::TimestampLtz { values, .. } => {
                values.extend_from_slice(&typed(piece));
            }
            Self::Float(values) => values.extend_from_slice(&typed(piece)),
            Self::Double(values) => values.extend_from_slice(&typed(piece)),
            Self::Fixed { data, .. } => data.extend_from_slice(piece.as_slice()),
            Self::Decimal { values, .. } => values.extend_from_slice(&typed(piece)),
            Self::Text(variable, _) | Self::Bytes(variable) => {
                added = variable.offsets.extend(piece)?;
                variable
                    .data
                    .extend_from_slice(pieces.next().ok_or_else(misfit)?.as_slice());
            }
            Self::Array(offsets, element) => {
                let count = offsets.extend(piece)?;
                added =
                    (count * element.fixed_bits()).div_ceil(8) + element.extend(nodes, pieces)?;
            }
            Self::Map(offsets, entries) => {
                let count = offsets.extend(piece)?;
                // Node and validity of the entries.
                nodes.next().zip(pieces.next()).ok_or_else(misfit)?;
                for column in [&mut entries.0, &mut entries.1] {
                    added +=
                        (count * column.fixed_bits()).div_ceil(8) + column.extend(nodes, pieces)?;
                }
            }
            Self::Row(_) => {}
        }
        Ok(added)
    }
}

impl Offsets {
    /// Appends offsets that begin at 0, and returns where they end.
    fn extend(&mut self, piece: &Piece<'_>) -> Result<usize> {
        let offsets = typed::<i32>(piece);
        let base = self.last();
        let end = offsets.last().copied().unwrap_or(0);
        if base.checked_add(end).is_none() {
            return Err(column_full(base as usize + end as usize));
        }
        self.0
            .extend(offsets.iter().skip(1).map(|offset| base + offset));
        Ok(end as usize)
    }
}

/// A buffer as numbers. It is copied if it is not aligned for them.
fn typed<T: ArrowNativeType>(piece: &Piece<'_>) -> ScalarBuffer<T> {
    let buffer = match piece {
        Piece::Shared(buffer) if buffer.as_ptr().align_offset(align_of::<T>()) == 0 => {
            buffer.clone()
        }
        other => Buffer::from(other.as_slice()),
    };
    let len = buffer.len() / size_of::<T>();
    ScalarBuffer::new(buffer, 0, len)
}

#[cold]
fn misfit() -> RowError {
    RowError::Malformed {
        what: "columns of a batch",
        offset: 0,
        problem: "fewer than its type has",
    }
}
