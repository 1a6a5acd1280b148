//! Prints the JSON document of a table, or reads one from standard input and says what it defines.
//!
//! ```text
//! cargo run -p fluss-metadata --example table_descriptor
//! cargo run -p fluss-metadata --example table_descriptor -- read < table.json
//! ```

use std::error::Error;
use std::io::Read;

use fluss_metadata::{DataTypes, Schema, TableDescriptor};

fn example() -> Result<TableDescriptor, fluss_metadata::MetadataError> {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .column("name", DataTypes::string())
        .with_comment("as it is spelled on the invoice")
        .column("price", DataTypes::decimal(10, 2))
        .column("day", DataTypes::string())
        .primary_key(["id", "day"])
        .build()?;
    TableDescriptor::builder()
        .schema(schema)
        .partitioned_by(["day"])
        .bucket_count(3)
        .property("table.auto-partition.enabled", "true")
        .comment("what was sold")
        .build()
}

fn explain(table: &TableDescriptor) -> Result<(), Box<dyn Error>> {
    for column in table.schema().columns() {
        println!(
            "{:>4}  {} {}",
            column.column_id(),
            column.name(),
            column.data_type()
        );
    }
    println!(
        "primary key: {}",
        table.schema().primary_key_column_names().join(", ")
    );
    println!("partition keys: {}", table.partition_keys().join(", "));
    println!("bucket keys: {}", table.bucket_keys().join(", "));
    println!(
        "log: {}, {}",
        table.log_format()?,
        table.arrow_compression()?
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("read") {
        let mut document = Vec::new();
        std::io::stdin().read_to_end(&mut document)?;
        explain(&TableDescriptor::from_json(&document)?)
    } else {
        println!("{}", example()?.to_json());
        Ok(())
    }
}
