//! The rows of the writers' interop tests, computed as `java/src/main/java/interop/Wide.java` does: a partition column, nested values,
//! columns to update alone.

use fluss::metadata::{DataTypes, MetadataError, Schema};
use fluss::row::{DataGetters, Datum, FlussArray, FlussMap, GenericRow, RowError};

/// The columns, with a primary key of (id, day) or without one.
///
/// # Errors
///
/// What [`Schema`] refuses.
pub fn schema(primary_key: bool) -> Result<Schema, MetadataError> {
    let row = DataTypes::row(vec![
        DataTypes::field("a", DataTypes::int()),
        DataTypes::field("b", DataTypes::array(DataTypes::string())),
    ]);
    let map = DataTypes::map(DataTypes::string().as_non_nullable(), DataTypes::bigint());
    let mut builder = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("day", DataTypes::string())
        .column("text", DataTypes::string())
        .column("list", DataTypes::array(DataTypes::int()))
        .column("map", map)
        .column("row", row);
    if primary_key {
        builder = builder.primary_key(["id", "day"]);
    }
    builder.build()
}

/// Name of the partition of row `i`.
pub fn day(i: i64) -> String {
    format!("d{}", i % 3)
}

/// Row `i`.
///
/// # Errors
///
/// None, as all values fit their types.
pub fn row(i: i64) -> Result<GenericRow<'static>, RowError> {
    let mut row = GenericRow::new(6);
    row.try_set_field(0, i)?;
    row.try_set_field(1, day(i))?;
    row.try_set_field(2, (i % 5 != 4).then(|| format!("text {i}")))?;
    if i % 7 == 6 {
        return Ok(row);
    }
    let list: FlussArray<'static> = (0..i % 4)
        .map(|j| (j != 1).then_some((i * 10 + j) as i32))
        .collect();
    row.try_set_field(3, Datum::Array(list))?;
    let keys: FlussArray<'static> = (0..i % 3).map(|j| format!("k{j}")).collect();
    let values: FlussArray<'static> = (0..i % 3).map(|j| (j != 1).then_some(i + j)).collect();
    row.try_set_field(4, Datum::Map(FlussMap::from_arrays(keys, values)?))?;
    let texts: FlussArray<'static> = [Some(format!("a long text of row {i}")), None]
        .into_iter()
        .collect();
    let mut nested = GenericRow::new(2);
    nested.try_set_field(0, (i % 2 == 0).then_some(i as i32))?;
    nested.try_set_field(1, Datum::Array(texts))?;
    row.try_set_field(5, Datum::Row(nested))?;
    Ok(row)
}

/// A row as the JSON that the Java program prints: numbers of 64 bits as strings, maps as sorted lists of pairs.
///
/// # Errors
///
/// If a field cannot be read.
pub fn json<R: DataGetters>(row: &R) -> Result<String, RowError> {
    let values = (0..row.field_count())
        .map(|position| value(&row.datum(position)?))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[{}]", values.join(",")))
}

fn value(datum: &Datum<'_>) -> Result<String, RowError> {
    Ok(match datum {
        Datum::BigInt(value) => format!("\"{value}\""),
        Datum::Int(value) => value.to_string(),
        Datum::String(value) => format!("\"{value}\""),
        Datum::Array(array) => {
            let values = array
                .iter()
                .map(|element| value(&element?))
                .collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", values.join(","))
        }
        Datum::Map(map) => {
            let mut pairs = map
                .iter()
                .map(|entry| {
                    let (key, number) = entry?;
                    Ok(format!("[{},{}]", value(&key)?, value(&number)?))
                })
                .collect::<Result<Vec<_>, RowError>>()?;
            pairs.sort();
            format!("[{}]", pairs.join(","))
        }
        Datum::Row(row) => json(row)?,
        // No column here has values of other types.
        _ => "null".to_owned(),
    })
}
