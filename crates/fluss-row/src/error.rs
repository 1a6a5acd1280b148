//! Errors of rows and their bytes.

use std::borrow::Cow;
use std::fmt;

use fluss_metadata::text::Count;
use snafu::Snafu;

/// The result of every fallible function in this crate.
pub type Result<T, E = RowError> = std::result::Result<T, E>;

/// Which field of a row, array or key an error is about.
///
/// The name is present if the type of the row is known: in encoders, decoders and the rows they create, but not in a
/// [`GenericRow`](crate::GenericRow) alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldRef {
    /// Position of the field, from 0.
    pub position: usize,
    /// Name of the column.
    pub name: Option<Box<str>>,
}

impl FieldRef {
    /// A field with only a position.
    #[must_use]
    pub const fn at(position: usize) -> Self {
        Self {
            position,
            name: None,
        }
    }

    /// A field with a position and a name.
    #[must_use]
    pub fn named(position: usize, name: &str) -> Self {
        Self {
            position,
            name: Some(name.into()),
        }
    }
}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "column {name:?} (position {})", self.position),
            None => write!(f, "field {}", self.position),
        }
    }
}

/// An error of a row: a value that does not fit its column, or invalid bytes.
///
/// The variants up to [`RowError::Conversion`] are about values and the caller's fault; the others are about received
/// bytes.
#[derive(Debug, Snafu)]
#[non_exhaustive]
#[snafu(visibility(pub(crate)))]
pub enum RowError {
    /// A field was read or set that the row does not have.
    #[snafu(display("field {position} is out of range, the row has {}", Count(*field_count, "field")))]
    FieldOutOfRange {
        /// The requested position.
        position: usize,
        /// How many fields there are.
        field_count: usize,
    },

    /// A batch has a column that the table does not have.
    #[snafu(display("the table has no column named {name:?}"))]
    SurplusColumn {
        /// Its name.
        name: Box<str>,
    },

    /// A column was requested by a name that the row does not have.
    #[snafu(display("the row has no column named {name:?}"))]
    UnknownColumn {
        /// The requested name.
        name: Box<str>,
    },

    /// A value has a different type than the column or the getter.
    #[snafu(display("{field} holds {actual}, expected {expected}"))]
    WrongType {
        /// Where.
        field: FieldRef,
        /// The type of the column, or the requested type.
        expected: Cow<'static, str>,
        /// The actual type.
        actual: Cow<'static, str>,
    },

    /// A value has a convertible type but does not fit the column's type without loss.
    #[snafu(display("{field}: {value} does not fit into {expected}"))]
    ValueOutOfRange {
        /// Where.
        field: FieldRef,
        /// The type of the column, or the requested type.
        expected: Cow<'static, str>,
        /// The value as text.
        value: Box<str>,
    },

    /// A value of a batch does not fit its column without loss.
    #[snafu(display("row {row}, {field}: {value} does not fit into {expected}"))]
    BatchValue {
        /// Position of the row in the batch.
        row: usize,
        /// Where, with the path to a nested value.
        field: FieldRef,
        /// The type of the column.
        expected: Cow<'static, str>,
        /// The value as text.
        value: Box<str>,
    },

    /// A null was read by a getter that only returns values.
    #[snafu(display("{field} is null"))]
    NullValue {
        /// Where.
        field: FieldRef,
    },

    /// A null was given for a NOT NULL column.
    #[snafu(display("{field} is null, but its type is {expected}"))]
    NotNull {
        /// Where.
        field: FieldRef,
        /// The type of the column.
        expected: Box<str>,
    },

    /// A null was given for a column of a key.
    #[snafu(display("{field} is null, but a key column cannot be null"))]
    NullKey {
        /// Where.
        field: FieldRef,
    },

    /// A row has more or fewer fields than its type has columns.
    #[snafu(display("the row has {}, its type has {}", Count(*actual, "field"), Count(*expected, "column")))]
    FieldCount {
        /// Columns of the type.
        expected: usize,
        /// Fields of the row.
        actual: usize,
    },

    /// A nested row has more or fewer fields than the type of its column.
    #[snafu(display("{field}: the row has {}, its type has {}", Count(*actual, "field"), Count(*expected, "column")))]
    NestedFieldCount {
        /// Where.
        field: FieldRef,
        /// Columns of the type.
        expected: usize,
        /// Fields of the row.
        actual: usize,
    },

    /// An invalid decimal, date, time or timestamp.
    #[snafu(display("{value} is not a valid {expected}"))]
    InvalidValue {
        /// The expected kind of value.
        expected: Cow<'static, str>,
        /// The input as text.
        value: Box<str>,
    },

    /// A type that this format or key encoding does not support.
    #[snafu(display("{field} of type {data_type} cannot be used in {place}"))]
    UnsupportedType {
        /// Which column.
        field: FieldRef,
        /// Its type.
        data_type: Box<str>,
        /// The format or encoding that rejects it.
        place: &'static str,
    },

    /// A list of key columns that this key encoding does not support.
    #[snafu(display("{encoding} takes exactly one key column, got {columns:?}"))]
    KeyColumnCount {
        /// The encoding.
        encoding: &'static str,
        /// The requested columns.
        columns: Vec<String>,
    },

    /// A value that Hudi's composite record keys cannot contain.
    #[snafu(display("{field}: the value {value:?} cannot be part of a Hudi record key"))]
    HudiKeyValue {
        /// Which column.
        field: FieldRef,
        /// The value as text.
        value: Box<str>,
    },

    /// A setting of a table that this version does not support.
    #[snafu(display("table property {property}: {value} is not supported"))]
    UnsupportedTable {
        /// The property.
        property: &'static str,
        /// Its value.
        value: Box<str>,
    },

    /// A prefix lookup by the wrong columns.
    #[snafu(display(
        "a prefix lookup takes the columns {}, got {}",
        names(wanted),
        names(given)
    ))]
    PrefixColumns {
        /// The columns that prefix lookups of the table take: its partition keys in any position, and its bucket keys
        /// in this order.
        wanted: Vec<String>,
        /// The requested columns.
        given: Vec<String>,
    },

    /// An operation that a table does not support.
    #[snafu(display("{operation} on {reason} is not possible"))]
    UnsupportedOperation {
        /// The operation.
        operation: &'static str,
        /// Why it is not possible.
        reason: &'static str,
    },

    /// The bucket of a key cannot be computed.
    #[snafu(display(
        "no bucket for a key of {} among {bucket_count} buckets: {reason}",
        Count(*key_len, "byte")
    ))]
    Bucket {
        /// Bytes of the key.
        key_len: usize,
        /// Buckets of the table.
        bucket_count: i32,
        /// What is wrong.
        reason: &'static str,
    },

    /// A number exceeds what a format can represent.
    #[snafu(display("{what} is {value}, the format holds at most {max}"))]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        value: u64,
        /// The largest that can be written.
        max: u64,
    },

    /// Types are nested too deeply.
    #[snafu(display("types are nested deeper than {max} levels"))]
    TooDeep {
        /// The limit.
        max: usize,
    },

    /// Something that `fluss-metadata`, or the crate of a foreign type, rejected.
    #[snafu(display("{what} cannot be used"))]
    Conversion {
        /// What was converted.
        what: &'static str,
        /// Why it was rejected.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// Bytes end before their declared length.
    #[snafu(display("{what} at byte {offset} needs {}, {available} are left", Count(*needed, "byte")))]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Where it begins.
        offset: usize,
        /// How many bytes it needs.
        needed: usize,
        /// How many there are.
        available: usize,
    },

    /// Invalid bytes.
    #[snafu(display("{what} at byte {offset} is {problem}"))]
    Malformed {
        /// What was being read.
        what: &'static str,
        /// Where it begins.
        offset: usize,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// The checksum of a batch does not match its bytes.
    #[snafu(display("{what} has checksum {stored:#010x}, but its bytes have {computed:#010x}"))]
    Checksum {
        /// Which kind of batch.
        what: &'static str,
        /// As written in the batch.
        stored: u32,
        /// As computed from its bytes.
        computed: u32,
    },

    /// A value was written with a schema that the decoder does not know.
    #[snafu(display("schema {schema_id} is not known to the decoder"))]
    UnknownSchema {
        /// The schema's id.
        schema_id: i32,
    },

    /// A column changed its type between two schemas.
    #[snafu(display(
        "column {column:?} is {actual} in the schema it was written with, expected {expected}"
    ))]
    SchemaMismatch {
        /// Name of the column in the requested schema.
        column: Box<str>,
        /// The requested type.
        expected: Box<str>,
        /// The type it was written with.
        actual: Box<str>,
    },

    /// A codec that is not compiled in.
    #[snafu(display(
        "{codec} needs the feature {feature:?} of fluss-row, which is off in this build"
    ))]
    MissingFeature {
        /// The codec.
        codec: &'static str,
        /// The feature that brings it.
        feature: &'static str,
    },

    /// A codec failed to compress.
    #[snafu(display("{codec} cannot compress {}", Count(*bytes, "byte")))]
    Compression {
        /// The codec.
        codec: &'static str,
        /// Bytes that it was given.
        bytes: usize,
        /// Why.
        source: std::io::Error,
    },

    /// Bytes declare more than the limits allow; see [`DecodeLimits`](crate::log::DecodeLimits).
    #[snafu(display("{what} is {value}, the limit is {max}"))]
    LimitExceeded {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        value: u64,
        /// The largest that is accepted.
        max: u64,
    },

    /// The values of one column of a batch cannot be read.
    #[snafu(display("column {column:?}"))]
    CorruptColumn {
        /// Name of the column, with the path to a nested one.
        column: Box<str>,
        /// What is wrong with them.
        source: Box<RowError>,
    },

    /// Columns that Arrow does not accept as a batch of their schema.
    #[snafu(display("the columns do not fit their schema"))]
    Columns {
        /// Why.
        source: arrow_schema::ArrowError,
    },

    /// A log batch cannot be read.
    #[snafu(display("log batch of offset {base_offset} at byte {position}"))]
    CorruptBatch {
        /// Offset of its first record, as its header says.
        base_offset: i64,
        /// Where the batch begins in the bytes it was read from.
        position: usize,
        /// What is wrong with it.
        source: Box<RowError>,
    },
}

impl RowError {
    /// Returns whether received bytes are at fault, not the caller.
    #[must_use]
    pub fn is_corrupt(&self) -> bool {
        matches!(
            self,
            Self::Truncated { .. }
                | Self::Malformed { .. }
                | Self::Checksum { .. }
                | Self::LimitExceeded { .. }
                | Self::CorruptColumn { .. }
                | Self::Columns { .. }
                | Self::CorruptBatch { .. }
        )
    }

    /// Adds the name of the column, and its declared type, to an error that a getter
    /// made knowing only the position. An error of a nested value gets the path to it: `address.city`,
    /// `tags[3]`.
    #[must_use]
    #[cold]
    pub(crate) fn in_column(
        self,
        position: usize,
        name: &str,
        data_type: impl fmt::Display,
    ) -> Self {
        let path = |inner: &FieldRef| match inner.name.as_deref() {
            Some(inner) if inner.starts_with('[') => {
                FieldRef::named(position, &format!("{name}{inner}"))
            }
            Some(inner) => FieldRef::named(position, &format!("{name}.{inner}")),
            None => FieldRef::named(position, name),
        };
        let known = |field: &FieldRef| field.name.is_some();
        match self {
            Self::WrongType {
                field,
                expected,
                actual,
            } => {
                let expected = if known(&field) {
                    expected
                } else {
                    data_type.to_string().into()
                };
                Self::WrongType {
                    field: path(&field),
                    expected,
                    actual,
                }
            }
            Self::ValueOutOfRange {
                field,
                expected,
                value,
            } => {
                let expected = if known(&field) {
                    expected
                } else {
                    data_type.to_string().into()
                };
                Self::ValueOutOfRange {
                    field: path(&field),
                    expected,
                    value,
                }
            }
            Self::NullValue { field } => Self::NotNull {
                field: path(&field),
                expected: data_type.to_string().into(),
            },
            Self::NotNull { field, expected } => Self::NotNull {
                field: path(&field),
                expected,
            },
            Self::FieldCount { expected, actual } => Self::NestedFieldCount {
                field: FieldRef::named(position, name),
                expected,
                actual,
            },
            Self::NestedFieldCount {
                field,
                expected,
                actual,
            } => Self::NestedFieldCount {
                field: path(&field),
                expected,
                actual,
            },
            other => other,
        }
    }

    /// Adds the name of the column to an error of reading it.
    #[must_use]
    #[cold]
    pub(crate) fn at_column(self, position: usize, name: &str) -> Self {
        let field = FieldRef::named(position, name);
        match self {
            Self::WrongType {
                expected, actual, ..
            } => Self::WrongType {
                field,
                expected,
                actual,
            },
            Self::ValueOutOfRange {
                expected, value, ..
            } => Self::ValueOutOfRange {
                field,
                expected,
                value,
            },
            Self::NullValue { .. } => Self::NullValue { field },
            other => other,
        }
    }
}

fn names(columns: &[String]) -> String {
    if columns.is_empty() {
        return "none".to_owned();
    }
    columns.join(", ")
}

/// The error for something that another crate refuses.
#[cold]
pub(crate) fn metadata_error(
    what: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> RowError {
    RowError::Conversion {
        what,
        source: Box::new(source),
    }
}
