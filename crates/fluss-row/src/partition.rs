//! The partition name of a row.

use std::fmt::Write;
use std::sync::Arc;

use fluss_metadata::{PartitionValue, RowType};

use crate::assign::{Values, binary_of, char_of, instant_of, time_of, timestamp_of};
use crate::binary::layout::{Layout, Op};
use crate::error::metadata_error;
use crate::{DataGetters, FieldRef, InternalRow, Result, RowError, RowFormat};

/// Creates the partition names of rows: the texts of the partition columns joined by `$`.
///
/// [`ResolvedPartitionSpec::validate`](fluss_metadata::ResolvedPartitionSpec::validate) checks whether a server would
/// accept the name for a new partition.
#[derive(Debug, Clone)]
pub struct PartitionNames {
    columns: Arc<Layout>,
    positions: Arc<[usize]>,
}

impl PartitionNames {
    /// For rows of `row_type` and these partition keys, in the table's order. Returns an error if a column does not
    /// exist or its type cannot name a partition: DECIMAL, ARRAY, MAP, ROW.
    pub fn new<S: AsRef<str>>(row_type: &RowType, partition_keys: &[S]) -> Result<Self> {
        Self::with_values(row_type, partition_keys, Values::AsGiven)
    }

    pub(crate) fn with_values<S: AsRef<str>>(
        row_type: &RowType,
        partition_keys: &[S],
        values: Values,
    ) -> Result<Self> {
        let positions = partition_keys
            .iter()
            .map(|name| {
                let name = name.as_ref();
                row_type
                    .index_of(name)
                    .ok_or_else(|| RowError::UnknownColumn { name: name.into() })
            })
            .collect::<Result<Arc<[usize]>>>()?;
        let key_type = row_type
            .project(&positions)
            .map_err(|error| metadata_error("partition keys", error))?;
        let columns = Layout::with_values(RowFormat::Compacted, &key_type, values)?;
        for (position, field) in columns.fields.iter().enumerate() {
            if field.op.is_nested()
                || matches!(field.op, Op::Decimal { .. } | Op::BigDecimal { .. })
            {
                return Err(RowError::UnsupportedType {
                    field: FieldRef::named(position, columns.name(position)),
                    data_type: field.data_type.to_string().into(),
                    place: "a partition key",
                });
            }
        }
        Ok(Self { columns, positions })
    }

    /// Returns the name of a row's partition. Returns an error if a partition column is null.
    pub fn name<R: InternalRow + ?Sized>(&self, row: &R) -> Result<String> {
        let mut name = String::new();
        self.append_name(row, &mut name)?;
        Ok(name)
    }

    /// Returns the texts of a row's partition columns, in the order of the keys, to be checked one by one: in a name, the end
    /// of a value that contains a `$` is ambiguous. Returns the same errors as [`PartitionNames::name`].
    pub fn values<R: InternalRow + ?Sized>(&self, row: &R) -> Result<Vec<String>> {
        (0..self.positions.len())
            .map(|column| {
                let mut value = String::new();
                self.append_column(column, row, &mut value)?;
                Ok(value)
            })
            .collect()
    }

    /// Appends the name of a row's partition; see [`PartitionNames::name`]. After an error a part of it may
    /// have been appended. Allocates nothing for text and integers.
    pub fn append_name<R: InternalRow + ?Sized>(&self, row: &R, name: &mut String) -> Result<()> {
        for column in 0..self.positions.len() {
            if column > 0 {
                name.push('$');
            }
            self.append_column(column, row, name)?;
        }
        Ok(())
    }

    #[inline]
    fn append_column<R: InternalRow + ?Sized>(
        &self,
        column: usize,
        row: &R,
        text: &mut String,
    ) -> Result<()> {
        let (Some(field), Some(pos)) =
            (self.columns.fields.get(column), self.positions.get(column))
        else {
            return Ok(());
        };
        match row.is_null_at(*pos) {
            Ok(false) => append_value(&field.op, row, *pos, text)
                .map_err(|error| self.columns.explain(column, error)),
            Ok(true) => Err(RowError::NullKey {
                field: FieldRef::named(column, self.columns.name(column)),
            }),
            Err(error) => Err(self.columns.explain(column, error)),
        }
    }
}

fn append_value<R: DataGetters + ?Sized>(
    op: &Op,
    row: &R,
    pos: usize,
    name: &mut String,
) -> Result<()> {
    let value = match op {
        Op::Char(width) => {
            name.push_str(char_of(row, pos, *width)?);
            return Ok(());
        }
        Op::String => {
            name.push_str(row.get_string(pos)?);
            return Ok(());
        }
        Op::TinyInt => return append_integer(i64::from(row.get_byte(pos)?), name),
        Op::SmallInt => return append_integer(i64::from(row.get_short(pos)?), name),
        Op::Int => return append_integer(i64::from(row.get_int(pos)?), name),
        Op::BigInt => return append_integer(row.get_long(pos)?, name),
        Op::Boolean => PartitionValue::Boolean(row.get_boolean(pos)?),
        Op::Float => PartitionValue::Float(row.get_float(pos)?),
        Op::Double => PartitionValue::Double(row.get_double(pos)?),
        Op::Binary(width) => PartitionValue::Bytes(binary_of(row, pos, *width)?),
        Op::Bytes => PartitionValue::Bytes(row.get_bytes(pos)?),
        Op::Date => PartitionValue::Date(row.get_date(pos)?.get_inner()),
        Op::Time { precision } => PartitionValue::Time(time_of(row, pos, *precision)?.get_inner()),
        Op::Timestamp { precision } | Op::TimestampNanos { precision } => {
            let value = timestamp_of(row, pos, *precision)?;
            PartitionValue::Timestamp {
                millis: value.get_millisecond(),
                nanos: value.get_nano_of_millisecond(),
            }
        }
        Op::Ltz { precision } | Op::LtzNanos { precision } => {
            let value = instant_of(row, pos, *precision)?;
            PartitionValue::Timestamp {
                millis: value.get_epoch_millisecond(),
                nanos: value.get_nano_of_millisecond(),
            }
        }
        // Refused when this was made.
        Op::Decimal { .. } | Op::BigDecimal { .. } | Op::Array(_) | Op::Map(..) | Op::Row(_) => {
            return Ok(());
        }
    };
    name.push_str(&value.to_partition_string());
    Ok(())
}

fn append_integer(value: i64, name: &mut String) -> Result<()> {
    write!(name, "{value}").map_err(|error| metadata_error("partition value", error))
}
