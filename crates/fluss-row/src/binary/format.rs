//! Encoders and decoders of whole rows.

use std::sync::Arc;

use bytes::Bytes;
use fluss_metadata::{KvFormat, RowType};

use super::layout::Layout;
pub use super::layout::RowFormat;
use super::row::BinaryRow;
use super::{RowBuffer, aligned, compacted, indexed, read};
use crate::assign::Values;
use crate::{GenericRow, InternalRow, Result};

impl From<KvFormat> for RowFormat {
    fn from(format: KvFormat) -> Self {
        match format {
            KvFormat::Compacted => Self::Compacted,
            KvFormat::Indexed => Self::Indexed,
        }
    }
}

/// Encodes rows of one type into one format. Created once per type, cheap to clone, usable from any thread.
///
/// Every value is checked against its column. A wrong type, a number out of range, a null in a NOT NULL column or a
/// wrong number of fields is an error that names the column.
#[derive(Debug, Clone)]
pub struct RowEncoder {
    layout: Arc<Layout>,
}

impl RowEncoder {
    /// Creates one for a row type. Returns an error if types are nested too deeply or a decimal's precision is invalid.
    ///
    /// Like Java's writers, it accepts strings and bytes of any length for CHAR and BINARY, and keeps all digits of a
    /// time that the format has room for; see [`of_table`](Self::of_table).
    pub fn new(format: impl Into<RowFormat>, row_type: &RowType) -> Result<Self> {
        Ok(Self {
            layout: Layout::new(format.into(), row_type)?,
        })
    }

    /// Like [`new`](Self::new), for rows that are written to a table: values are assigned to their columns as in SQL.
    /// A CHAR that is too long and a BINARY of the wrong length are rejected; digits of a time beyond the column's
    /// precision are truncated.
    ///
    /// ```
    /// use fluss_metadata::{DataTypes, RowType};
    /// use fluss_row::{GenericRow, RowEncoder, RowFormat};
    ///
    /// let row_type = RowType::new(vec![DataTypes::field("code", DataTypes::char(3))]);
    /// let encoder = RowEncoder::of_table(RowFormat::Compacted, &row_type)?;
    /// let mut row = GenericRow::new(1);
    /// row.set_field(0, "four");
    /// let error = encoder.encode(&row, &mut Vec::new()).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "column \"code\" (position 0): \"four\" does not fit into CHAR(3)"
    /// );
    /// # Ok::<(), fluss_row::RowError>(())
    /// ```
    pub fn of_table(format: impl Into<RowFormat>, row_type: &RowType) -> Result<Self> {
        Ok(Self {
            layout: Layout::with_values(format.into(), row_type, Values::Assigned)?,
        })
    }

    /// Returns the format of the rows.
    pub fn format(&self) -> RowFormat {
        self.layout.format
    }

    /// Returns the type of the rows.
    pub fn row_type(&self) -> &RowType {
        &self.layout.row_type
    }

    /// Returns a decoder for the rows that this encodes.
    pub fn decoder(&self) -> RowDecoder {
        RowDecoder {
            layout: Arc::clone(&self.layout),
        }
    }

    /// Returns about how many bytes a row takes at least, for sizing buffers.
    pub fn size_hint(&self) -> usize {
        let width = match self.layout.format {
            RowFormat::Compacted => 2,
            RowFormat::Indexed | RowFormat::Aligned => 8,
        };
        self.layout.null_bytes + self.layout.fields.len() * width
    }

    /// Appends the bytes of a row. On error, the buffer is unchanged.
    #[inline]
    pub fn encode<R, B>(&self, row: &R, out: &mut B) -> Result<()>
    where
        R: InternalRow + ?Sized,
        B: RowBuffer,
    {
        let start = out.len();
        let result = match self.layout.format {
            RowFormat::Compacted => compacted::encode(&self.layout, row, out),
            RowFormat::Indexed => indexed::encode(&self.layout, row, out),
            RowFormat::Aligned => self
                .layout
                .check_count(row.field_count())
                .and_then(|()| aligned::encode(&self.layout, row, out, |column| column)),
        };
        match result {
            Ok(()) => Ok(()),
            Err(error) => {
                out.cut(start);
                Err(error)
            }
        }
    }
}

/// Decodes rows of one type and format. Created once per type, cheap to clone, usable from any thread.
///
/// The bytes are not trusted: a row that is truncated, declares more than there is, contains invalid UTF-8 or has
/// trailing bytes is an error. Decoding allocates nothing that depends on the bytes.
#[derive(Debug, Clone)]
pub struct RowDecoder {
    layout: Arc<Layout>,
}

impl RowDecoder {
    /// Creates one for a row type. Returns an error if types are nested too deeply or a decimal's precision is invalid.
    pub fn new(format: impl Into<RowFormat>, row_type: &RowType) -> Result<Self> {
        Ok(Self {
            layout: Layout::new(format.into(), row_type)?,
        })
    }

    /// Returns the format of the rows.
    pub fn format(&self) -> RowFormat {
        self.layout.format
    }

    /// Returns the type of the rows.
    pub fn row_type(&self) -> &RowType {
        &self.layout.row_type
    }

    /// Decodes a row. Keeps the bytes and allocates only for rows of more than eight columns;
    /// [`BinaryRow::decode_next`] never does.
    #[inline]
    pub fn decode(&self, bytes: Bytes) -> Result<BinaryRow> {
        BinaryRow::decode(&self.layout, bytes)
    }

    /// Decodes the values of a row into `row`, replacing what it held. Strings and bytes are borrowed from `bytes`.
    /// This is the fastest way to read the values of many rows: once `row` has as many fields as there are columns,
    /// nothing is allocated for compacted rows except for the parts of nested values. After an error, `row` holds a
    /// mix of old and new values.
    ///
    /// ```
    /// use fluss_metadata::{DataTypes, RowType};
    /// use fluss_row::{GenericRow, RowEncoder, RowFormat};
    ///
    /// let row_type = RowType::new(vec![DataTypes::field("name", DataTypes::string())]);
    /// let encoder = RowEncoder::new(RowFormat::Compacted, &row_type)?;
    /// let mut bytes = Vec::new();
    /// encoder.encode(&GenericRow::from_data(vec!["Alice"]), &mut bytes)?;
    ///
    /// let mut row = GenericRow::default();
    /// encoder.decoder().decode_values(&bytes, &mut row)?;
    /// assert_eq!(row.get_string(0), "Alice");
    /// # Ok::<(), fluss_row::RowError>(())
    /// ```
    #[inline]
    pub fn decode_values<'b>(&self, bytes: &'b [u8], row: &mut GenericRow<'b>) -> Result<()> {
        read::decode_values(&self.layout, bytes, row)
    }
}

/// An encoder and a decoder of one fixed format.
macro_rules! fixed_format {
    ($format:ident, $encoder:ident, $decoder:ident, $what:literal) => {
        #[doc = concat!("Encodes ", $what, " rows; see [`RowEncoder`](crate::RowEncoder).")]
        #[derive(Debug, Clone)]
        pub struct $encoder($crate::RowEncoder);

        impl $encoder {
            /// Creates one for a row type. Returns an error if types are nested too deeply or a decimal's precision
            /// is invalid.
            pub fn new(row_type: &fluss_metadata::RowType) -> $crate::Result<Self> {
                $crate::RowEncoder::new($crate::RowFormat::$format, row_type).map(Self)
            }
        }

        impl std::ops::Deref for $encoder {
            type Target = $crate::RowEncoder;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        #[doc = concat!("Decodes ", $what, " rows; see [`RowDecoder`](crate::RowDecoder).")]
        #[derive(Debug, Clone)]
        pub struct $decoder($crate::RowDecoder);

        impl $decoder {
            /// Creates one for a row type. Returns an error if types are nested too deeply or a decimal's precision
            /// is invalid.
            pub fn new(row_type: &fluss_metadata::RowType) -> $crate::Result<Self> {
                $crate::RowDecoder::new($crate::RowFormat::$format, row_type).map(Self)
            }
        }

        impl std::ops::Deref for $decoder {
            type Target = $crate::RowDecoder;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
}
pub(crate) use fixed_format;
