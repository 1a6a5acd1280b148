//! One encoder for all encodings of keys.

use std::sync::Arc;

use fluss_metadata::{DataLakeFormat, RowType};

use super::{hudi, iceberg};
use crate::assign::Values;
use crate::binary::compacted::{Direct, Sink};
use crate::binary::layout::{Layout, Op};
use crate::binary::varint::put_varint;
use crate::binary::{RowBuffer, aligned, compacted};
use crate::error::metadata_error;
use crate::{Datum, FieldRef, GenericRow, InternalRow, Result, RowError, RowFormat};

/// How the columns of a key are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyEncoding {
    /// The values of a compacted row without null bits. The key of a prefix is a prefix of the key.
    Compacted,
    /// An aligned row, which is Paimon's binary row.
    Paimon,
    /// The single value as Iceberg hashes it.
    Iceberg,
    /// The hash of Hudi's record key: suitable for buckets, not for identity.
    Hudi,
}

impl KeyEncoding {
    /// The encoding of bucket keys of a table with this value of `table.datalake.format`.
    #[must_use]
    pub const fn of_bucket_key(lake: Option<DataLakeFormat>) -> Self {
        match lake {
            None | Some(DataLakeFormat::Lance) => Self::Compacted,
            Some(DataLakeFormat::Paimon) => Self::Paimon,
            Some(DataLakeFormat::Iceberg) => Self::Iceberg,
            Some(DataLakeFormat::Hudi) => Self::Hudi,
        }
    }

    /// The encoding of primary keys of a table with these values of `table.datalake.format` and
    /// `table.kv.format-version` (1 when the property is absent), and a bucket key that is the physical primary
    /// key or not.
    ///
    /// Version 1 follows the lake. Version 2 does so only if no prefix lookup is possible, because the lakes'
    /// encodings of a prefix are not prefixes. Returns an error for other versions.
    pub fn of_primary_key(
        lake: Option<DataLakeFormat>,
        kv_format_version: i32,
        bucket_key_is_primary_key: bool,
    ) -> Result<Self> {
        match (Self::of_bucket_key(lake), kv_format_version) {
            // A hash does not identify a row, whatever the version.
            (Self::Hudi, _) => Ok(Self::Compacted),
            (encoding, 1) => Ok(encoding),
            (encoding, 2) => Ok(if bucket_key_is_primary_key {
                encoding
            } else {
                Self::Compacted
            }),
            _ => Err(RowError::UnsupportedTable {
                property: "table.kv.format-version",
                value: kv_format_version.to_string().into(),
            }),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Compacted => "a compacted key",
            Self::Paimon => "a Paimon key",
            Self::Iceberg => "an Iceberg key",
            Self::Hudi => "a Hudi key",
        }
    }
}

/// Encodes the key columns of rows of one type. Created once per type, cheap to clone, usable from any thread.
#[derive(Debug, Clone)]
pub struct KeyEncoder {
    encoding: KeyEncoding,
    /// The key columns only, in key order.
    key: Arc<Layout>,
    /// Where each key column is in the rows.
    positions: Arc<[usize]>,
    /// A short cut for a compacted key of one column.
    single: Single,
}

/// The one column of a key, if its type is one of those that most keys have, with its position in the rows.
#[derive(Debug, Clone, Copy)]
enum Single {
    None,
    Int(usize),
    BigInt(usize),
    Text(usize),
}

impl Single {
    fn new(encoding: KeyEncoding, key: &Layout, positions: &[usize]) -> Self {
        match (encoding, &*key.fields, positions) {
            (KeyEncoding::Compacted, [field], [position]) => match field.op {
                Op::Int => Self::Int(*position),
                Op::BigInt => Self::BigInt(*position),
                Op::String => Self::Text(*position),
                _ => Self::None,
            },
            _ => Self::None,
        }
    }

    /// Appends the key of a row whose value is exactly of the column's type; for others this returns `None`.
    #[inline]
    fn encode<B: RowBuffer>(self, row: &GenericRow<'_>, out: &mut B) -> Option<Result<()>> {
        // The most frequent one needs no table of jumps.
        if let Self::BigInt(position) = self {
            let Some(Datum::BigInt(value)) = row.field(position) else {
                return None;
            };
            put_varint(out, *value as u64);
            return Some(Ok(()));
        }
        self.encode_other(row, out)
    }

    #[inline(never)]
    fn encode_other<B: RowBuffer>(self, row: &GenericRow<'_>, out: &mut B) -> Option<Result<()>> {
        match self {
            Self::Int(position) => match row.field(position) {
                Some(Datum::Int(value)) => put_varint(out, u64::from(*value as u32)),
                _ => return None,
            },
            Self::Text(position) => match row.field(position) {
                Some(Datum::String(value)) => return Some(Direct(out).put_bytes(value.as_bytes())),
                _ => return None,
            },
            Self::BigInt(_) | Self::None => return None,
        }
        Some(Ok(()))
    }
}

impl KeyEncoder {
    /// Compiles an encoder of `columns`, in this order, of rows of `row_type`; these may be whole rows or rows
    /// of some columns only, as lookups have them.
    ///
    /// Returns an error if a column does not exist, when its type cannot be in such a key, and for Iceberg when
    /// there is not exactly one column.
    ///
    /// Like Java's encoders, it accepts values as given: strings and bytes of any length for CHAR and BINARY, and all
    /// digits of a time. [`TableKeys`](super::TableKeys) assigns them to their columns first, like all writers of
    /// tables.
    pub fn new<S: AsRef<str>>(
        encoding: KeyEncoding,
        row_type: &RowType,
        columns: &[S],
    ) -> Result<Self> {
        Self::with_values(encoding, row_type, columns, Values::AsGiven)
    }

    pub(super) fn with_values<S: AsRef<str>>(
        encoding: KeyEncoding,
        row_type: &RowType,
        columns: &[S],
        values: Values,
    ) -> Result<Self> {
        let positions = columns
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
            .map_err(|error| metadata_error("key columns", error))?;
        let format = match encoding {
            KeyEncoding::Paimon => RowFormat::Aligned,
            _ => RowFormat::Compacted,
        };
        let key = Layout::with_values(format, &key_type, values)?;
        match encoding {
            KeyEncoding::Compacted => {}
            KeyEncoding::Paimon => aligned::require_scalars(&key, encoding.name())?,
            KeyEncoding::Iceberg => iceberg::check(&key, encoding.name())?,
            KeyEncoding::Hudi => hudi::check(&key, encoding.name())?,
        }
        let single = Single::new(encoding, &key, &positions);
        Ok(Self {
            encoding,
            key,
            positions,
            single,
        })
    }

    /// How this encodes.
    pub fn encoding(&self) -> KeyEncoding {
        self.encoding
    }

    /// Returns the key columns only, in key order.
    pub fn key_type(&self) -> &RowType {
        &self.key.row_type
    }

    /// Where each key column is in the rows.
    pub fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// Appends the key of a row. On error, the buffer is unchanged.
    ///
    /// A null is rejected by column name in compacted and Iceberg keys. In the others it is rejected if the column is
    /// NOT NULL, as all primary key columns are.
    #[inline]
    pub fn encode<R, B>(&self, row: &R, out: &mut B) -> Result<()>
    where
        R: InternalRow + ?Sized,
        B: RowBuffer,
    {
        // Appends nothing when it errs.
        if let Some(done) = row
            .as_generic()
            .and_then(|row| self.single.encode(row, out))
        {
            return done;
        }
        let start = out.len();
        let result = match self.encoding {
            KeyEncoding::Compacted => self.encode_compacted(row, out),
            KeyEncoding::Paimon => aligned::encode(&self.key, row, out, |column| {
                self.positions.get(column).copied().unwrap_or(usize::MAX)
            }),
            KeyEncoding::Iceberg => self.encode_iceberg(row, out),
            KeyEncoding::Hudi => hudi::encode(&self.key, &self.positions, row, out),
        };
        match result {
            Ok(()) => Ok(()),
            Err(error) => {
                out.cut(start);
                Err(error)
            }
        }
    }

    #[inline(never)]
    fn encode_compacted<R, B>(&self, row: &R, out: &mut B) -> Result<()>
    where
        R: InternalRow + ?Sized,
        B: RowBuffer,
    {
        let mut sink = Direct(out);
        for (column, (field, pos)) in self.key.fields.iter().zip(&*self.positions).enumerate() {
            match row.is_null_at(*pos) {
                Ok(false) => compacted::write_value(field, row, *pos, &mut sink)
                    .map_err(|error| self.key.explain(column, error))?,
                Ok(true) => return Err(null_key(&self.key, column)),
                Err(error) => return Err(self.key.explain(column, error)),
            }
        }
        Ok(())
    }

    fn encode_iceberg<R, B>(&self, row: &R, out: &mut B) -> Result<()>
    where
        R: InternalRow + ?Sized,
        B: RowBuffer,
    {
        if let (Some(field), Some(pos)) = (self.key.fields.first(), self.positions.first()) {
            if row.is_null_at(*pos)? {
                return Err(null_key(&self.key, 0));
            }
            iceberg::encode(&field.op, row, *pos, out)
                .map_err(|error| self.key.explain(0, error))?;
        }
        Ok(())
    }
}

#[cold]
pub(super) fn null_key(key: &Layout, column: usize) -> RowError {
    RowError::NullKey {
        field: FieldRef::named(column, key.name(column)),
    }
}
