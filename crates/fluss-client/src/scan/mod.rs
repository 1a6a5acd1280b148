//! The tasks behind a scanner: they fetch ahead of `poll`, decode, and leave the batches where `poll` takes them.
//!
//! What to fetch and what an answer means is decided in [`crate::engine::scan`]; here it is done. The state stands
//! behind one short mutex; one driver task for each scanner starts the requests, each of which runs and decodes in a
//! task of its own.

mod batches;
mod bounds;
mod bucket_batches;
mod decode;
mod deliver;
mod discovery;
mod driver;
mod fetch;
mod kv;
mod kv_session;
#[cfg(test)]
mod kv_tests;
mod limit;
mod methods;
pub(crate) mod metrics;
#[cfg(test)]
mod newer_tests;
mod offsets;
mod partitions;
mod projection;
mod records;
mod remote;
mod routing;
mod rows;
mod scanner;
mod shared;
mod start;
mod stream;
mod table_batches;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unfit_tests;
#[cfg(test)]
mod unreadable_tests;
mod values;

pub use batches::RecordBatchLogScanner;
pub use bucket_batches::BucketBatchScanner;
pub use records::{ScanBatch, ScanRecord, ScanRecords, ScanRecordsIntoIter, ScanRecordsIter};
pub use rows::LogScanner;
pub use start::{ScanBucket, StartOffset};
pub use stream::{RecordStream, ScanBatchStream};
pub use table_batches::TableBatchScanner;

pub(crate) use projection::Projection;
pub(crate) use scanner::Scanner;
