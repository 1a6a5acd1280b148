//! The table of metrics, checked against what the code registers, and the page that shows it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use fluss_metadata::TablePath;
use fluss_rpc::MetricKind::{self, Counter, Gauge, Histogram};
use fluss_rpc::{METRICS, Metric};
use metrics::{Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder};

/// Name, kind, meaning, whether the Java client has it.
type Row = (&'static str, MetricKind, &'static str, bool);

static WRITER: [Row; 10] = [
    (
        "bufferTotalBytes",
        Gauge,
        "size of the write buffer in bytes",
        true,
    ),
    (
        "bufferAvailableBytes",
        Gauge,
        "free bytes in the write buffer",
        true,
    ),
    (
        "bufferWaitingThreads",
        Gauge,
        "writers waiting for room in the write buffer",
        true,
    ),
    (
        "batchQueueTimeMs",
        Gauge,
        "milliseconds from the first row of the last batch until it was sent",
        true,
    ),
    (
        "recordsRetryPerSecond",
        Counter,
        "rows sent again by retries",
        true,
    ),
    (
        "recordSendPerSecond",
        Counter,
        "rows sent, including retries",
        true,
    ),
    (
        "bytesSendPerSecond",
        Counter,
        "bytes of batches sent, including retries",
        true,
    ),
    ("bytesPerBatch", Histogram, "bytes per batch", true),
    ("recordsPerBatch", Histogram, "rows per batch", true),
    (
        "sendLatencyMs",
        Gauge,
        "milliseconds from the last write request to its response",
        true,
    ),
];

static SCANNER: [Row; 9] = [
    (
        "timeMsBetweenPoll",
        Histogram,
        "milliseconds between two polls",
        true,
    ),
    (
        "lastPollSecondsAgo",
        Gauge,
        "seconds between the last two polls",
        true,
    ),
    (
        "pollIdleRatio",
        Gauge,
        "fraction of that time that a poll spent waiting for rows, 0 to 1",
        true,
    ),
    (
        "fetchLatencyMs",
        Histogram,
        "milliseconds from a fetch to its response",
        true,
    ),
    ("fetchRequestsPerSecond", Counter, "fetches sent", true),
    (
        "bytesPerRequest",
        Histogram,
        "bytes of batches per fetch response",
        true,
    ),
    (
        "remoteFetchBytesPerSecond",
        Counter,
        "bytes read from remote segments",
        true,
    ),
    (
        "remoteFetchRequestsPerSecond",
        Counter,
        "reads of remote segments",
        true,
    ),
    (
        "remoteFetchErrorPerSecond",
        Counter,
        "failed reads of remote segments",
        true,
    ),
];

static LOOKUP: [Row; 4] = [
    ("requestsPerSecond", Counter, "lookup requests sent", false),
    ("retriesPerSecond", Counter, "retries of lookups", false),
    (
        "keysPerRequest",
        Histogram,
        "keys per lookup request",
        false,
    ),
    (
        "lookupLatencyMs",
        Histogram,
        "milliseconds from a lookup request to its response",
        false,
    ),
];

/// Name, rows, number of labels, what makes its metrics.
type Group = (&'static str, &'static [Row], usize, fn());

/// Name and kind of what was registered.
#[derive(Default)]
struct Names(Mutex<BTreeMap<String, (&'static str, usize)>>);

impl Names {
    fn add(&self, key: &Key, kind: &'static str) {
        let mut names = self.0.lock().unwrap();
        names.insert(key.name().to_owned(), (kind, key.labels().count()));
    }
}

impl Recorder for Names {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> metrics::Counter {
        self.add(key, "counter");
        metrics::Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> metrics::Gauge {
        self.add(key, "gauge");
        metrics::Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        self.add(key, "histogram");
        metrics::Histogram::noop()
    }
}

fn kind_name(kind: MetricKind) -> &'static str {
    match kind {
        Counter => "counter",
        Gauge => "gauge",
        Histogram => "histogram",
    }
}

#[test]
fn the_recorder_gets_what_the_table_says() {
    let groups: [Group; 3] = [
        ("writer", &WRITER, 0, crate::write::metrics::touch_all),
        ("scanner", &SCANNER, 2, || {
            let _ = crate::scan::metrics::ScannerMetrics::new(&TablePath::new("d", "t"));
        }),
        ("lookup", &LOOKUP, 0, || {
            let _ = crate::lookup::metrics::LookupMetrics::new();
        }),
    ];
    for (group, rows, labels, touch) in groups {
        let names = Names::default();
        with_local_recorder(&names, touch);
        let expected = rows.iter().map(|(name, kind, ..)| {
            let name = format!("fluss.client.{group}.{name}");
            (name, (kind_name(*kind), labels))
        });
        assert_eq!(*names.0.lock().unwrap(), expected.collect(), "{group}");
    }
}

#[test]
fn the_page_in_the_docs_shows_the_table() {
    let mut content = String::new();
    let mut section = |title: &str, labels: &str, prefix: &str, rows: &[Row]| {
        let _ = writeln!(
            content,
            "\n## {title}\n\nLabels: {labels}.\n\n| name | kind | meaning |\n|---|---|---|"
        );
        for (name, kind, meaning, in_java) in rows {
            let mark = if *in_java { "" } else { "*" };
            let kind = kind_name(*kind);
            let _ = writeln!(
                content,
                "| {mark}`{prefix}{name}`{mark} | {kind} | {meaning} |"
            );
        }
    };
    let row = |metric: &Metric| (metric.name, metric.kind, metric.meaning, metric.in_java);
    let requests = METRICS.iter().map(row).collect::<Vec<_>>();
    section(
        "Requests",
        "`api_key`, the name of the API, except for unmatched responses",
        "",
        &requests,
    );
    section(
        "Writers",
        "none; all writers of a connection share these",
        "fluss.client.writer.",
        &WRITER,
    );
    section(
        "Scanners",
        "`database`, `table`",
        "fluss.client.scanner.",
        &SCANNER,
    );
    section("Lookups", "none", "fluss.client.lookup.", &LOOKUP);
    content.push('\n');
    crate::docs::compare("metrics.md", "metrics", &content);
}
