//! `Serialize` for values and rows.
//!
//! Rows that know their column names become maps, others sequences. Decimals, dates and times become
//! their text; bytes become hex text in human-readable formats, and bytes in others.

use std::fmt::{self, Display};

use fluss_metadata::RowType;
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::arrow::ColumnarRow;
use crate::{
    BinaryRow, DataGetters, Date, Datum, Decimal, FlussArray, FlussMap, GenericRow, InternalRow,
    ProjectedRow, Time, TimestampLtz, TimestampNtz,
};

macro_rules! serialize_as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                text(self, serializer)
            }
        }
    )*};
}
serialize_as_text!(Decimal, Date, Time, TimestampNtz, TimestampLtz);

fn text<S: Serializer>(value: impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&value)
}

/// Bytes as hex text.
struct Hex<'a>(&'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Datum<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_none(),
            Self::Boolean(value) => serializer.serialize_bool(*value),
            Self::TinyInt(value) => serializer.serialize_i8(*value),
            Self::SmallInt(value) => serializer.serialize_i16(*value),
            Self::Int(value) => serializer.serialize_i32(*value),
            Self::BigInt(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f32(*value),
            Self::Double(value) => serializer.serialize_f64(*value),
            Self::String(value) => serializer.serialize_str(value),
            Self::Bytes(value) if serializer.is_human_readable() => {
                serializer.collect_str(&Hex(value))
            }
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::Decimal(value) => value.serialize(serializer),
            Self::Date(value) => value.serialize(serializer),
            Self::Time(value) => value.serialize(serializer),
            Self::Timestamp(value) => value.serialize(serializer),
            Self::TimestampLtz(value) => value.serialize(serializer),
            Self::Array(value) => value.serialize(serializer),
            Self::Map(value) => value.serialize(serializer),
            Self::Row(value) => value.serialize(serializer),
        }
    }
}

impl Serialize for FlussArray<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        sequence(self, serializer)
    }
}

impl Serialize for FlussMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for entry in self.iter() {
            let (key, value) = entry.map_err(S::Error::custom)?;
            map.serialize_entry(&key, &value)?;
        }
        map.end()
    }
}

impl Serialize for GenericRow<'_> {
    /// A sequence: the row does not know the names of its columns.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        sequence(self, serializer)
    }
}

impl Serialize for BinaryRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fields(self, self.row_type(), serializer)
    }
}

impl Serialize for ColumnarRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fields(self, self.row_type(), serializer)
    }
}

impl<R: InternalRow> Serialize for ProjectedRow<R> {
    /// A map when the row was given a type of its own, else a sequence.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.row_type() {
            Some(row_type) => fields(self, row_type, serializer),
            None => sequence(self, serializer),
        }
    }
}

fn sequence<R, S>(row: &R, serializer: S) -> Result<S::Ok, S::Error>
where
    R: DataGetters + ?Sized,
    S: Serializer,
{
    let mut sequence = serializer.serialize_seq(Some(row.field_count()))?;
    for pos in 0..row.field_count() {
        sequence.serialize_element(&row.datum(pos).map_err(S::Error::custom)?)?;
    }
    sequence.end()
}

fn fields<R, S>(row: &R, row_type: &RowType, serializer: S) -> Result<S::Ok, S::Error>
where
    R: DataGetters + ?Sized,
    S: Serializer,
{
    let mut map = serializer.serialize_map(Some(row.field_count()))?;
    for (pos, field) in row_type.fields().iter().enumerate() {
        map.serialize_entry(field.name(), &row.datum(pos).map_err(S::Error::custom)?)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use fluss_metadata::DataTypes;

    use super::*;
    use crate::{RowEncoder, RowFormat};

    #[test]
    fn rows_become_json() {
        let row = GenericRow::from_data(vec![
            Datum::from(1),
            Datum::from("x"),
            Datum::from(&b"\x01\xff"[..]),
            Datum::from("1.50".parse::<Decimal>().unwrap()),
            Datum::from(vec![Some(1), None]),
            Datum::from(Date::new(19_000)),
        ]);
        assert_eq!(
            serde_json::to_string(&row).unwrap(),
            r#"[1,"x","01ff","1.50",[1,null],"2022-01-08"]"#
        );
        let row_type = RowType::new(vec![
            DataTypes::field("id", DataTypes::int()),
            DataTypes::field(
                "tags",
                DataTypes::map(DataTypes::string(), DataTypes::int()),
            ),
        ]);
        let row = GenericRow::from_data(vec![Datum::from(7), Datum::from(vec![("a", 1)])]);
        let mut out = Vec::new();
        let encoder = RowEncoder::new(RowFormat::Compacted, &row_type).unwrap();
        encoder.encode(&row, &mut out).unwrap();
        let row = encoder.decoder().decode(out.into()).unwrap();
        assert_eq!(
            serde_json::to_string(&row).unwrap(),
            r#"{"id":7,"tags":{"a":1}}"#
        );
    }
}
