//! Prints the records of a log segment file as JSON lines, with nothing but `fluss-row`.
//!
//! ```text
//! cargo run -p fluss-row --example dump_log_segment                                       a segment of its own
//! cargo run -p fluss-row --example dump_log_segment -- schema.json ARROW 00000000000000000000.log
//! ```
//!
//! `schema.json` is the schema of the table as Fluss writes it, the format that of the property `table.log.format`. Every batch is read with
//! this schema; one that was written with another is an error, as its schema would have to be fetched from the cluster.

mod dump;

use std::error::Error;

use dump::{dump, sample};
use fluss_metadata::{LogFormat, Schema};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let lines = match arguments.as_slice() {
        [] => {
            let (schema, segment) = sample()?;
            dump(&schema, LogFormat::Arrow, segment)?
        }
        [schema, format, segment] => {
            let schema = Schema::from_json(&std::fs::read(schema)?)?;
            dump(
                &schema,
                LogFormat::parse(format)?,
                std::fs::read(segment)?.into(),
            )?
        }
        _ => {
            return Err(
                "usage: dump_log_segment [SCHEMA.json ARROW|INDEXED|COMPACTED SEGMENT.log]".into(),
            );
        }
    };
    for line in lines {
        println!("{line}");
    }
    Ok(())
}
