//! Aligned rows: a header byte, null bits and a slot of eight bytes a column.
//!
//! The layout of Paimon's binary rows; in Fluss it carries batch statistics and the keys of tables
//! that are tiered to Paimon. Source: `AlignedRow.java`, `AlignedRowWriter.java`,
//! `PaimonBinaryRowWriter.java`.

use super::buffer::RowBuffer;
use super::layout::Layout;
use super::{read, slots};
use crate::{DataGetters, Result, RowError};

/// Bits of the header byte, which come before the null bits.
pub(super) const HEADER_BITS: usize = 8;

/// Appends a row; on an error the buffer holds a part of it. `source` gives, for a column of the layout,
/// the position in `row`.
pub(crate) fn encode<R, B>(
    layout: &Layout,
    row: &R,
    out: &mut B,
    source: impl Fn(usize) -> usize,
) -> Result<()>
where
    R: DataGetters + ?Sized,
    B: RowBuffer + ?Sized,
{
    let base = out.len();
    out.put_zeros(layout.null_bytes + 8 * layout.fields.len());
    for (column, field) in layout.fields.iter().enumerate() {
        let pos = source(column);
        match row.is_null_at(pos) {
            Ok(false) => {
                let slot = base + layout.null_bytes + 8 * column;
                slots::write(field, row, pos, out, base, slot)
                    .map_err(|error| layout.explain(column, error))?;
            }
            Ok(true) if field.nullable => {
                let bit = column + HEADER_BITS;
                if let Some(byte) = out.get_mut(base + bit / 8) {
                    *byte |= 1 << (bit % 8);
                }
            }
            Ok(true) => return Err(layout.null_error(column)),
            Err(error) => return Err(layout.explain(column, error)),
        }
    }
    Ok(())
}

/// Finds the value of every column and checks it; what it leaves in `slots` is described in [`read`].
pub(super) fn parse(layout: &Layout, bytes: &[u8], values: &mut [u64]) -> Result<()> {
    read::need(
        bytes,
        0,
        layout.null_bytes + 8 * layout.fields.len(),
        "null bits and slots",
    )?;
    for ((column, field), value) in layout.fields.iter().enumerate().zip(values.iter_mut()) {
        if !read::null_bit(bytes, column + HEADER_BITS) {
            let slot = slots::parse(&field.op, bytes, layout.null_bytes + 8 * column)?;
            if matches!(
                field.op,
                super::layout::Op::Char(_) | super::layout::Op::String
            ) {
                read::check_utf8(bytes, slot)?;
            }
            *value = slot;
        }
    }
    Ok(())
}

/// Returns an error if a type has parts: the keys of lakes take scalars only.
pub(crate) fn require_scalars(layout: &Layout, place: &'static str) -> Result<()> {
    for (position, field) in layout.fields.iter().enumerate() {
        if field.op.is_nested() {
            return Err(RowError::UnsupportedType {
                field: crate::FieldRef::named(position, layout.name(position)),
                data_type: field.data_type.to_string().into(),
                place,
            });
        }
    }
    Ok(())
}
