//! Types as SQL text. Source: `DataType#asSerializableString` of the Java classes.

use std::fmt;

use super::{DataType, DataTypeKind, RowType};

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DataTypeKind::Boolean => f.write_str("BOOLEAN"),
            DataTypeKind::TinyInt => f.write_str("TINYINT"),
            DataTypeKind::SmallInt => f.write_str("SMALLINT"),
            DataTypeKind::Int => f.write_str("INT"),
            DataTypeKind::BigInt => f.write_str("BIGINT"),
            DataTypeKind::Float => f.write_str("FLOAT"),
            DataTypeKind::Double => f.write_str("DOUBLE"),
            DataTypeKind::Char { length } => write!(f, "CHAR({length})"),
            DataTypeKind::String => f.write_str("STRING"),
            DataTypeKind::Binary { length } => write!(f, "BINARY({length})"),
            DataTypeKind::Bytes => f.write_str("BYTES"),
            DataTypeKind::Decimal { precision, scale } => {
                write!(f, "DECIMAL({precision}, {scale})")
            }
            DataTypeKind::Date => f.write_str("DATE"),
            DataTypeKind::Time { precision } => write!(f, "TIME({precision})"),
            DataTypeKind::Timestamp { precision } => write!(f, "TIMESTAMP({precision})"),
            DataTypeKind::TimestampLtz { precision } => {
                write!(f, "TIMESTAMP({precision}) WITH LOCAL TIME ZONE")
            }
            DataTypeKind::Array(element) => write!(f, "ARRAY<{element}>"),
            DataTypeKind::Map { key, value } => write!(f, "MAP<{key}, {value}>"),
            DataTypeKind::Row(row) => row.fmt(f),
        }?;
        if self.nullable {
            Ok(())
        } else {
            f.write_str(" NOT NULL")
        }
    }
}

impl fmt::Display for RowType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ROW<")?;
        for (index, field) in self.fields().iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(
                f,
                "`{}` {}",
                field.name().replace('`', "``"),
                field.data_type()
            )?;
            if let Some(description) = field.description() {
                write!(f, " '{}'", description.replace('\'', "''"))?;
            }
        }
        f.write_str(">")
    }
}
