//! Data types of columns.

mod display;
mod json;
mod parse;
mod root;
mod row_type;
mod types;

use std::sync::Arc;

pub use root::{DataTypeFamily, DataTypeRoot};
pub use row_type::{DataField, RowType};
pub use types::DataTypes;

pub(crate) use json::{read as read_json, write as write_json};

use crate::error::{MetadataError, Result, shortened};

/// Highest precision of a decimal.
pub const MAX_DECIMAL_PRECISION: u32 = 38;
/// Highest precision of times and timestamps: nanoseconds.
pub const MAX_TIME_PRECISION: u32 = 9;
/// Maximum nesting depth of arrays, maps and rows.
///
/// Types are processed recursively; this limits the recursion, whatever a document says. DIFFERS: the Java classes
/// have no such limit.
pub const MAX_NESTING: usize = 32;

/// The type of a column, an element or a field. Cheap to clone.
///
/// ```
/// use fluss_metadata::{DataType, DataTypes};
///
/// let price: DataType = "DECIMAL(10, 2) NOT NULL".parse()?;
/// assert_eq!(price, DataTypes::decimal(10, 2).as_non_nullable());
/// assert_eq!(DataTypes::map(DataTypes::string(), price).to_string(), "MAP<STRING NOT NULL, DECIMAL(10, 2) NOT NULL>");
/// # Ok::<(), fluss_metadata::MetadataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DataType {
    kind: DataTypeKind,
    nullable: bool,
}

/// The kind of values of a [`DataType`].
///
/// The set is closed: encoders match it exhaustively.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DataTypeKind {
    /// True or false.
    Boolean,
    /// 8 bits, signed.
    TinyInt,
    /// 16 bits, signed.
    SmallInt,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    BigInt,
    /// 32 bits, IEEE 754.
    Float,
    /// 64 bits, IEEE 754.
    Double,
    /// Text of a fixed length, which only the indexed row format enforces.
    Char {
        /// Length, from 1.
        length: u32,
    },
    /// Text.
    String,
    /// Bytes of a fixed length.
    Binary {
        /// Length in bytes, from 1.
        length: u32,
    },
    /// Bytes.
    Bytes,
    /// A fixed-point number.
    Decimal {
        /// Total number of digits, 1 to 38.
        precision: u32,
        /// Digits after the decimal point, 0 to the precision.
        scale: u32,
    },
    /// Days since 1970-01-01.
    Date,
    /// Time of day, stored in milliseconds whatever the precision.
    Time {
        /// Fractional digits of the second, 0 to 9.
        precision: u32,
    },
    /// Date and time without a time zone.
    Timestamp {
        /// Fractional digits of the second, 0 to 9.
        precision: u32,
    },
    /// A point in time.
    TimestampLtz {
        /// Fractional digits of the second, 0 to 9.
        precision: u32,
    },
    /// A list of values of one type.
    Array(Arc<DataType>),
    /// A map from keys to values.
    Map {
        /// Type of the keys, never null.
        key: Arc<DataType>,
        /// Type of the values.
        value: Arc<DataType>,
    },
    /// Named fields.
    Row(RowType),
}

impl DataType {
    /// Creates a nullable type.
    pub fn new(kind: DataTypeKind) -> Self {
        Self {
            kind,
            nullable: true,
        }
    }

    /// Returns the kind of its values.
    pub fn kind(&self) -> &DataTypeKind {
        &self.kind
    }

    /// Returns whether it is nullable.
    pub fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// Returns the same type, nullable or not.
    #[must_use]
    pub fn with_nullable(&self, nullable: bool) -> Self {
        Self {
            kind: self.kind.clone(),
            nullable,
        }
    }

    /// Returns the same type as nullable.
    #[must_use]
    pub fn as_nullable(&self) -> Self {
        self.with_nullable(true)
    }

    /// Returns the same type as NOT NULL.
    #[must_use]
    pub fn as_non_nullable(&self) -> Self {
        self.with_nullable(false)
    }

    /// Returns the same type as NOT NULL. Short for [`as_non_nullable`](Self::as_non_nullable).
    ///
    /// ```
    /// # use fluss_metadata::DataTypes;
    /// assert_eq!(DataTypes::int().not_null().to_string(), "INT NOT NULL");
    /// ```
    #[must_use]
    pub fn not_null(&self) -> Self {
        self.as_non_nullable()
    }

    /// Returns whether the type is nested: an array, map or row.
    pub fn is_nested(&self) -> bool {
        matches!(
            self.kind,
            DataTypeKind::Array(_) | DataTypeKind::Map { .. } | DataTypeKind::Row(_)
        )
    }

    /// Returns whether two types are the same except for nullability, at every level.
    pub fn equals_ignoring_nullability(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (DataTypeKind::Array(a), DataTypeKind::Array(b)) => a.equals_ignoring_nullability(b),
            (
                DataTypeKind::Map { key: ka, value: va },
                DataTypeKind::Map { key: kb, value: vb },
            ) => ka.equals_ignoring_nullability(kb) && va.equals_ignoring_nullability(vb),
            (DataTypeKind::Row(a), DataTypeKind::Row(b)) => {
                a.fields().len() == b.fields().len()
                    && a.fields().iter().zip(b.fields()).all(|(a, b)| {
                        a.name() == b.name()
                            && a.data_type().equals_ignoring_nullability(b.data_type())
                    })
            }
            (a, b) => a == b,
        }
    }

    /// Checks lengths, precisions, scales, field names and depth, at every level. `field` names the column in errors.
    pub fn validate(&self, field: &str) -> Result<()> {
        self.validate_at(0)
            .map_err(|error| error.within(|inner| format!("{field}{inner}")))
    }

    /// Errors contain the path from here; callers prepend theirs.
    fn validate_at(&self, depth: usize) -> Result<()> {
        let refuse = |got: String, expected: String| Err(MetadataError::invalid("", got, expected));
        if depth > MAX_NESTING {
            return refuse(
                "a deeper type".to_owned(),
                format!("at most {MAX_NESTING} levels of nesting"),
            );
        }
        match &self.kind {
            DataTypeKind::Char { length } | DataTypeKind::Binary { length } => {
                if *length == 0 || i32::try_from(*length).is_err() {
                    return refuse(
                        format!("length {length}"),
                        "a length of 1 to 2147483647".to_owned(),
                    );
                }
            }
            DataTypeKind::Decimal { precision, scale } => {
                if !(1..=MAX_DECIMAL_PRECISION).contains(precision) {
                    return refuse(
                        format!("precision {precision}"),
                        "a precision of 1 to 38".to_owned(),
                    );
                }
                if scale > precision {
                    return refuse(
                        format!("scale {scale}"),
                        format!("a scale of 0 to the precision, {precision}"),
                    );
                }
            }
            DataTypeKind::Time { precision }
            | DataTypeKind::Timestamp { precision }
            | DataTypeKind::TimestampLtz { precision } => {
                if *precision > MAX_TIME_PRECISION {
                    return refuse(
                        format!("precision {precision}"),
                        "a precision of 0 to 9".to_owned(),
                    );
                }
            }
            DataTypeKind::Array(element) => element.validate_at(depth + 1)?,
            DataTypeKind::Map { key, value } => {
                key.validate_at(depth + 1)?;
                value.validate_at(depth + 1)?;
            }
            DataTypeKind::Row(row) => {
                row.validate_names("")?;
                for field in row.fields() {
                    field.data_type().validate_at(depth + 1).map_err(|error| {
                        error.within(|inner| format!(".{}{inner}", shortened(field.name())))
                    })?;
                }
            }
            DataTypeKind::Boolean
            | DataTypeKind::TinyInt
            | DataTypeKind::SmallInt
            | DataTypeKind::Int
            | DataTypeKind::BigInt
            | DataTypeKind::Float
            | DataTypeKind::Double
            | DataTypeKind::String
            | DataTypeKind::Bytes
            | DataTypeKind::Date => {}
        }
        Ok(())
    }
}
