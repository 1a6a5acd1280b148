//! Types as SQL text. Source: `asSerializableString` and `asSummaryString` of the Java classes.

use std::fmt::{self, Formatter};

use super::{DataType, DataTypeKind, RowType};

/// How much of a type to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Everything, so that it can be parsed again.
    Full,
    /// Short forms, and no descriptions.
    Summary,
}

struct Shown<'a, T>(&'a T, Detail);

impl fmt::Display for DataType {
    /// The SQL form, which [`FromStr`](std::str::FromStr) reads again, such as `DECIMAL(10, 2) NOT NULL`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Shown(self, Detail::Full).fmt(f)
    }
}

impl fmt::Display for RowType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Shown(self, Detail::Full).fmt(f)
    }
}

impl DataType {
    /// Returns a shorter, human-readable form: `TIMESTAMP_LTZ(3)`, and `'...'` in place of descriptions.
    pub fn summary(&self) -> String {
        Shown(self, Detail::Summary).to_string()
    }
}

impl fmt::Display for Shown<'_, DataType> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Shown(data_type, detail) = *self;
        match data_type.kind() {
            DataTypeKind::Char { length } => write!(f, "CHAR({length})"),
            DataTypeKind::Binary { length } => write!(f, "BINARY({length})"),
            DataTypeKind::Decimal { precision, scale } => {
                write!(f, "DECIMAL({precision}, {scale})")
            }
            DataTypeKind::Time { precision } => write!(f, "TIME({precision})"),
            DataTypeKind::Timestamp { precision } => write!(f, "TIMESTAMP({precision})"),
            DataTypeKind::TimestampLtz { precision } => match detail {
                Detail::Full => write!(f, "TIMESTAMP({precision}) WITH LOCAL TIME ZONE"),
                Detail::Summary => write!(f, "TIMESTAMP_LTZ({precision})"),
            },
            DataTypeKind::Array(element) => write!(f, "ARRAY<{}>", Shown(&**element, detail)),
            DataTypeKind::Map { key, value } => {
                write!(
                    f,
                    "MAP<{}, {}>",
                    Shown(&**key, detail),
                    Shown(&**value, detail)
                )
            }
            DataTypeKind::Row(row) => Shown(row, detail).fmt(f),
            DataTypeKind::Int => f.write_str("INT"),
            // The others have the same name in SQL and in JSON.
            _ => f.write_str(data_type.root().name()),
        }?;
        if data_type.is_nullable() {
            Ok(())
        } else {
            f.write_str(" NOT NULL")
        }
    }
}

impl fmt::Display for Shown<'_, RowType> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Shown(row, detail) = *self;
        f.write_str("ROW<")?;
        for (index, field) in row.fields().iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(
                f,
                "`{}` {}",
                field.name().replace('`', "``"),
                Shown(field.data_type(), detail)
            )?;
            match (field.description(), detail) {
                (None, _) => {}
                (Some(text), Detail::Full) => write!(f, " '{}'", text.replace('\'', "''"))?,
                (Some(_), Detail::Summary) => f.write_str(" '...'")?,
            }
        }
        f.write_str(">")
    }
}
