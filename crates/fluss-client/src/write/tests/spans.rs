//! What a subscriber of `tracing` is told of batches.

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;

/// Keeps spans and warnings as text.
#[derive(Clone, Default)]
struct Spans {
    made: Arc<Mutex<Vec<String>>>,
    warnings: Arc<Mutex<Vec<String>>>,
    written: Arc<Mutex<Vec<String>>>,
    next: Arc<AtomicU64>,
}

struct AsText(String);

impl Visit for AsText {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = AsText(span.metadata().name().to_owned());
        span.record(&mut text);
        self.made.lock().unwrap().push(text.0);
        Id::from_u64(self.next.fetch_add(1, Ordering::Relaxed) + 1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        if *event.metadata().level() == Level::WARN {
            let mut text = AsText(String::new());
            event.record(&mut text);
            self.warnings.lock().unwrap().push(text.0);
        } else if *event.metadata().level() == Level::DEBUG {
            let mut text = AsText(String::new());
            event.record(&mut text);
            if text.0.contains("message=batch written") {
                self.written.lock().unwrap().push(text.0);
            }
        }
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn spans_tell_server_table_bucket_bytes_and_attempt() {
    let spans = Spans::default();
    // With a single subscriber, places in the code that tests in other threads pass first would be silent for good.
    let _other = tracing::Dispatch::new(Spans::default());
    let _default = tracing::subscriber::set_default(spans.clone());
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    bench.fault([Fault::Code(10)]);
    writer.append(&row(1)).unwrap().await.unwrap();
    let made = spans.made.lock().unwrap().clone();
    let of = |name: &str| {
        let found = made
            .iter()
            .filter(|span| span.split(' ').next() == Some(name));
        found.cloned().collect::<Vec<_>>()
    };
    let (requests, batches) = (of("write_request"), of("batch"));
    assert_eq!((requests.len(), batches.len()), (2, 2), "{made:#?}");
    for (index, (request, batch)) in requests.iter().zip(&batches).enumerate() {
        let attempt = format!("attempt={}", index + 1);
        for part in ["server=1", "table=db.t", "bytes=", &attempt] {
            assert!(request.contains(part), "{part}: {request}");
            assert!(batch.contains(part), "{part}: {batch}");
        }
        let bucket = fluss_metadata::TableBucket::new(crate::scan::testing::TABLE_ID, 0);
        let bucket = format!("bucket={bucket} ");
        assert!(batch.contains(&bucket), "{bucket}: {batch}");
        assert!(
            batch.contains("rows=1 ") && batch.contains("sequence=0 "),
            "{batch}"
        );
        assert!(request.contains("batches=1 "), "{request}");
    }
    let sent = of("request");
    let sent = sent.iter().filter(|span| span.contains("PRODUCE_LOG"));
    assert_eq!(sent.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn each_batch_that_was_written_is_shown_with_its_offset() {
    let spans = Spans::default();
    let _other = tracing::Dispatch::new(Spans::default());
    let _default = tracing::subscriber::set_default(spans.clone());
    let bench = Bench::new(1).await;
    let writer = bench.table.new_append().unwrap().create_writer().unwrap();
    for batch in 0..2 {
        for n in 0..3 {
            writer.append(&row(batch * 3 + n)).unwrap();
        }
        writer.flush().await.unwrap();
    }
    let written = spans.written.lock().unwrap().clone();
    assert_eq!(written.len(), 2, "{written:#?}");
    let bucket = fluss_metadata::TableBucket::new(crate::scan::testing::TABLE_ID, 0);
    for (line, offset) in written.iter().zip([0, 3]) {
        let offset = format!("offset={offset}");
        for part in [
            "table=db.t",
            &format!("bucket={bucket}"),
            "rows=3",
            "bytes=",
            &offset,
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rows_that_are_lost_with_the_connection_are_logged() {
    let spans = Spans::default();
    let _other = tracing::Dispatch::new(Spans::default());
    let _default = tracing::subscriber::set_default(spans.clone());
    let Bench { table, server, .. } = Bench::new(1).await;
    let writer = table.new_append().unwrap().create_writer().unwrap();
    let results: Vec<_> = (0..3).map(|n| writer.append(&row(n)).unwrap()).collect();
    drop((writer, table));
    for result in results {
        assert!(result.await.is_err());
    }
    drop(server);
    let warnings = spans.warnings.lock().unwrap().clone();
    assert!(
        warnings.iter().any(|warning| warning.contains("rows=3")),
        "{warnings:?}"
    );
}
