//! Hudi keys: Java's `List<String>.hashCode()` of the columns' texts, which Hudi takes for the bucket.
//!
//! Source: `HudiKeyEncoder.java`.

use std::fmt::Write;

use crate::assign::{char_of, instant_of, time_of, timestamp_of};
use crate::binary::RowBuffer;
use crate::binary::layout::{Layout, Op};
use crate::decimal::column_decimal;
use crate::{FieldRef, InternalRow, Result, RowError};

/// The text of a null in a key of one column, which Hudi does not parse.
const NULL_TEXT: &str = "__null__";
const EMPTY_TEXT: &str = "__empty__";

/// Scalars with a text of their own.
pub(super) fn check(key: &Layout, place: &'static str) -> Result<()> {
    for (position, field) in key.fields.iter().enumerate() {
        if field.op.is_nested() || matches!(field.op, Op::Binary(_) | Op::Bytes) {
            return Err(RowError::UnsupportedType {
                field: FieldRef::named(position, key.name(position)),
                data_type: field.data_type.to_string().into(),
                place,
            });
        }
    }
    Ok(())
}

/// Java's `String.hashCode`, fed with text piece by piece.
#[derive(Default)]
struct TextHash {
    hash: u32,
    has_comma: bool,
}

impl Write for TextHash {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for unit in text.encode_utf16() {
            self.hash = self.hash.wrapping_mul(31).wrapping_add(u32::from(unit));
        }
        self.has_comma |= text.contains(',');
        Ok(())
    }
}

/// Appends the four bytes of the hash.
pub(super) fn encode<R, B>(key: &Layout, positions: &[usize], row: &R, out: &mut B) -> Result<()>
where
    R: InternalRow + ?Sized,
    B: RowBuffer + ?Sized,
{
    let composite = key.fields.len() > 1;
    let mut list_hash = 1_u32;
    for ((column, field), pos) in key.fields.iter().enumerate().zip(positions) {
        let mut text = TextHash::default();
        if row.is_null_at(*pos)? {
            if !field.nullable {
                return Err(super::encoder::null_key(key, column));
            }
            if !composite {
                text.write_str(NULL_TEXT)
                    .map_err(|_| not_text(key, column))?;
            }
        } else {
            write_text(&field.op, row, *pos, &mut text, key, column)
                .map_err(|error| key.explain(column, error))?;
            if composite && text.has_comma {
                return Err(refused(key, column, row, *pos));
            }
        }
        list_hash = list_hash.wrapping_mul(31).wrapping_add(text.hash);
    }
    // Text equal to a placeholder would come back as null or as nothing from Hudi's parser.
    if composite {
        for ((column, field), pos) in key.fields.iter().enumerate().zip(positions) {
            if matches!(field.op, Op::String | Op::Char(_))
                && !row.is_null_at(*pos)?
                && matches!(row.get_string(*pos)?, NULL_TEXT | EMPTY_TEXT)
            {
                return Err(refused(key, column, row, *pos));
            }
        }
    }
    out.put(&list_hash.to_be_bytes());
    Ok(())
}

#[cold]
fn refused<R: InternalRow + ?Sized>(key: &Layout, column: usize, row: &R, pos: usize) -> RowError {
    RowError::HudiKeyValue {
        field: FieldRef::named(column, key.name(column)),
        value: row.get_string(pos).unwrap_or_default().into(),
    }
}

#[cold]
fn not_text(key: &Layout, column: usize) -> RowError {
    RowError::HudiKeyValue {
        field: FieldRef::named(column, key.name(column)),
        value: Box::default(),
    }
}

/// The text of a value as Java's `String.valueOf` gives it.
fn write_text<R>(
    op: &Op,
    row: &R,
    pos: usize,
    text: &mut TextHash,
    key: &Layout,
    column: usize,
) -> Result<()>
where
    R: InternalRow + ?Sized,
{
    let written = match op {
        Op::Boolean => write!(text, "{}", row.get_boolean(pos)?),
        Op::TinyInt => write!(text, "{}", row.get_byte(pos)?),
        Op::SmallInt => write!(text, "{}", row.get_short(pos)?),
        Op::Int => write!(text, "{}", row.get_int(pos)?),
        Op::BigInt => write!(text, "{}", row.get_long(pos)?),
        Op::Float => text.write_str(&fluss_metadata::java_float_to_string(row.get_float(pos)?)),
        Op::Double => text.write_str(&fluss_metadata::java_double_to_string(row.get_double(pos)?)),
        Op::Char(width) => text.write_str(char_of(row, pos, *width)?),
        Op::String => text.write_str(row.get_string(pos)?),
        Op::Decimal { precision, scale } | Op::BigDecimal { precision, scale } => {
            write!(
                text,
                "{}",
                column_decimal(row, pos, u32::from(*precision), u32::from(*scale))?
            )
        }
        // Dates and times are plain integers to Java here.
        Op::Date => write!(text, "{}", row.get_date(pos)?.get_inner()),
        Op::Time { precision } => write!(text, "{}", time_of(row, pos, *precision)?.get_inner()),
        Op::Timestamp { precision } | Op::TimestampNanos { precision } => {
            write!(text, "{}", timestamp_of(row, pos, *precision)?)
        }
        Op::Ltz { precision } | Op::LtzNanos { precision } => {
            write!(text, "{}", instant_of(row, pos, *precision)?)
        }
        Op::Binary(_) | Op::Bytes | Op::Array(_) | Op::Map(..) | Op::Row(_) => Ok(()),
    };
    written.map_err(|_| not_text(key, column))
}
