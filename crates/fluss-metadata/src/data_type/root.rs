//! Types without parameters, and groups of types. Source: `DataTypeRoot.java`, `DataTypeFamily.java`.

use super::{DataType, DataTypeKind};

macro_rules! roots {
    ($($(#[$doc:meta])* $name:ident => $text:literal [$($family:ident),*]),* $(,)?) => {
        /// A type without its parameters, in the order of the Java classes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DataTypeRoot { $($(#[$doc])* $name),* }

        impl DataTypeRoot {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the name in JSON documents.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Returns the groups it belongs to.
            pub fn families(self) -> &'static [DataTypeFamily] {
                match self { $(Self::$name => &[$(DataTypeFamily::$family),*]),* }
            }

            /// Returns whether it belongs to a group.
            pub fn is_in(self, family: DataTypeFamily) -> bool {
                self.families().contains(&family)
            }

            pub(crate) fn of_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|root| root.name() == name)
            }
        }
    };
}

roots! {
    /// CHAR.
    Char => "CHAR" [Predefined, CharacterString],
    /// STRING.
    String => "STRING" [Predefined, CharacterString],
    /// BOOLEAN.
    Boolean => "BOOLEAN" [Predefined],
    /// BINARY.
    Binary => "BINARY" [Predefined, BinaryString],
    /// BYTES.
    Bytes => "BYTES" [Predefined, BinaryString],
    /// DECIMAL.
    Decimal => "DECIMAL" [Predefined, Numeric, ExactNumeric],
    /// TINYINT.
    TinyInt => "TINYINT" [Predefined, Numeric, IntegerNumeric, ExactNumeric],
    /// SMALLINT.
    SmallInt => "SMALLINT" [Predefined, Numeric, IntegerNumeric, ExactNumeric],
    /// INT.
    Integer => "INTEGER" [Predefined, Numeric, IntegerNumeric, ExactNumeric],
    /// BIGINT.
    BigInt => "BIGINT" [Predefined, Numeric, IntegerNumeric, ExactNumeric],
    /// FLOAT.
    Float => "FLOAT" [Predefined, Numeric, ApproximateNumeric],
    /// DOUBLE.
    Double => "DOUBLE" [Predefined, Numeric, ApproximateNumeric],
    /// DATE.
    Date => "DATE" [Predefined, Datetime],
    /// TIME.
    Time => "TIME_WITHOUT_TIME_ZONE" [Predefined, Datetime, Time],
    /// TIMESTAMP.
    Timestamp => "TIMESTAMP_WITHOUT_TIME_ZONE" [Predefined, Datetime, Timestamp],
    /// `TIMESTAMP_LTZ`.
    TimestampLtz => "TIMESTAMP_WITH_LOCAL_TIME_ZONE" [Predefined, Datetime, Timestamp, Extension],
    /// ARRAY.
    Array => "ARRAY" [Constructed, Collection],
    /// MAP.
    Map => "MAP" [Constructed, Extension],
    /// ROW.
    Row => "ROW" [Constructed],
}

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident => $text:literal),* $(,)?) => {
        /// A group of types.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum DataTypeFamily { $($(#[$doc])* $name),* }

        impl DataTypeFamily {
            /// Returns the name in the Java classes.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

families! {
    /// Types without parts.
    Predefined => "PREDEFINED",
    /// Types composed of others.
    Constructed => "CONSTRUCTED",
    /// Text.
    CharacterString => "CHARACTER_STRING",
    /// Bytes.
    BinaryString => "BINARY_STRING",
    /// Numbers.
    Numeric => "NUMERIC",
    /// Whole numbers.
    IntegerNumeric => "INTEGER_NUMERIC",
    /// Exact numbers.
    ExactNumeric => "EXACT_NUMERIC",
    /// Floating-point numbers.
    ApproximateNumeric => "APPROXIMATE_NUMERIC",
    /// Dates and times.
    Datetime => "DATETIME",
    /// Times of day.
    Time => "TIME",
    /// Dates with times.
    Timestamp => "TIMESTAMP",
    /// Collections of values of one type.
    Collection => "COLLECTION",
    /// Types beyond the SQL standard.
    Extension => "EXTENSION",
}

impl DataType {
    /// Returns the type without its parameters.
    pub fn root(&self) -> DataTypeRoot {
        match self.kind() {
            DataTypeKind::Boolean => DataTypeRoot::Boolean,
            DataTypeKind::TinyInt => DataTypeRoot::TinyInt,
            DataTypeKind::SmallInt => DataTypeRoot::SmallInt,
            DataTypeKind::Int => DataTypeRoot::Integer,
            DataTypeKind::BigInt => DataTypeRoot::BigInt,
            DataTypeKind::Float => DataTypeRoot::Float,
            DataTypeKind::Double => DataTypeRoot::Double,
            DataTypeKind::Char { .. } => DataTypeRoot::Char,
            DataTypeKind::String => DataTypeRoot::String,
            DataTypeKind::Binary { .. } => DataTypeRoot::Binary,
            DataTypeKind::Bytes => DataTypeRoot::Bytes,
            DataTypeKind::Decimal { .. } => DataTypeRoot::Decimal,
            DataTypeKind::Date => DataTypeRoot::Date,
            DataTypeKind::Time { .. } => DataTypeRoot::Time,
            DataTypeKind::Timestamp { .. } => DataTypeRoot::Timestamp,
            DataTypeKind::TimestampLtz { .. } => DataTypeRoot::TimestampLtz,
            DataTypeKind::Array(_) => DataTypeRoot::Array,
            DataTypeKind::Map { .. } => DataTypeRoot::Map,
            DataTypeKind::Row(_) => DataTypeRoot::Row,
        }
    }
}
