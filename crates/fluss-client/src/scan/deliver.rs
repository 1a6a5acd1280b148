//! Decodes what was fetched, and hands it over to `poll`.

use fluss_metadata::TableBucket;
use fluss_row::log::LogBatch;

use super::decode::Broken;
use super::projection::Source;
use super::shared::Shared;
use crate::engine::scan::Ticket;

/// What is left to decode of one bucket.
pub(super) struct Decode {
    pub(super) bucket: TableBucket,
    pub(super) ticket: Ticket,
    /// Offset from which on rows are wanted.
    pub(super) from: i64,
    pub(super) batches: Vec<LogBatch>,
    pub(super) broken: Option<Broken>,
    pub(super) source: Source,
}

/// Decodes one bucket's part of an answer, and hands over each batch as soon as it is decoded.
pub(super) async fn decode(shared: &Shared, work: Decode) {
    let Decode {
        bucket,
        ticket,
        from,
        batches,
        broken,
        source,
    } = work;
    let mut outcome = Ok(());
    for batch in &batches {
        let read = shared.reader.read(batch, from, source).await;
        let read = read.and_then(|chunk| {
            let (chunk, unreadable) = chunk.up_to_unreadable();
            let (chunk, misfit) = match &shared.schema {
                Some(schema) => chunk.in_columns(schema)?,
                None => (chunk, None),
            };
            Ok((chunk, misfit.or(unreadable)))
        });
        let failure = match read {
            Ok((chunk, failure)) => {
                if shared.engine().on_decoded(&bucket, ticket, chunk) {
                    shared.data.notify_one();
                }
                failure
            }
            Err(error) => Some(error),
        };
        if let Some(error) = failure {
            outcome = Err(error);
            break;
        }
        // Decompression takes a while: other tasks of this thread get their turn between batches.
        tokio::task::yield_now().await;
    }
    let mut engine = shared.engine();
    match (outcome, broken) {
        (Ok(()), Some(Broken { error, at })) => engine.on_broken(&bucket, ticket, error, at),
        (outcome, _) => engine.on_decode_end(&bucket, ticket, outcome),
    };
    drop(engine);
    shared.data.notify_one();
    shared.work.notify_one();
}
