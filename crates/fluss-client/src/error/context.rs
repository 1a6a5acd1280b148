//! Where an error happened.

use std::fmt;
use std::ops::Range;

use fluss_metadata::text::Count;
use fluss_metadata::{TableBucket, TablePath};

#[derive(Debug, Clone, Default)]
pub(super) struct Context {
    pub(super) operation: Option<&'static str>,
    pub(super) table: Option<TablePath>,
    pub(super) bucket: Option<TableBucket>,
    pub(super) offsets: Option<Range<i64>>,
    pub(super) attempts: Option<u32>,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = 0;
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            parts += 1;
            if parts > 1 {
                f.write_str(" ")?;
            }
            f.write_fmt(text)
        };
        if let Some(operation) = self.operation {
            part(f, format_args!("{operation}"))?;
        }
        if let Some(table) = &self.table {
            part(f, format_args!("on table {table}"))?;
        }
        if let Some(bucket) = self.bucket {
            if let Some(partition) = bucket.partition_id() {
                part(f, format_args!("partition {partition}"))?;
            }
            part(f, format_args!("bucket {}", bucket.bucket_id()))?;
        }
        if let Some(Range { start, end }) = &self.offsets {
            match end.saturating_sub(1) {
                last if last > *start => part(f, format_args!("offsets {start} to {last}"))?,
                _ => part(f, format_args!("offset {start}"))?,
            }
        }
        if let Some(attempts) = self.attempts {
            part(
                f,
                format_args!("after {}", Count(attempts as usize, "attempt")),
            )?;
        }
        if parts > 0 { f.write_str(": ") } else { Ok(()) }
    }
}
