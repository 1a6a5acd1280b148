//! What can be watched: the totals of a connection, metrics, spans.

use std::time::Duration;

use fluss::client::{EARLIEST_OFFSET, FlussConnection};
use fluss::config::DriverPlacement;
use fluss::error::ErrorKind;
use fluss::metadata::{TableBucket, TablePath};
use fluss::row::GenericRow;
use integration_tests::observed::{Counts, Spans};

use super::support;
use super::write_support::{kv_table, log_table, make, row};

/// Two tables whose leaders are elected, so that nothing has to be repeated. Returns their database and the bucket of the log table.
async fn prepare(test: &str) -> (String, TableBucket) {
    let connection = support::connect().await;
    let database = support::database(&connection, test).await;
    let descriptor = log_table().bucket_count(1).build().unwrap();
    let log = make(&connection, &database, "log", &descriptor).await;
    let descriptor = kv_table().bucket_count(1).build().unwrap();
    let kv = make(&connection, &database, "kv", &descriptor).await;
    let writer = log.new_append().unwrap().create_writer().unwrap();
    writer.append(&row(0)).unwrap().await.unwrap();
    let writer = kv.new_upsert().unwrap().create_writer().unwrap();
    writer.upsert(&row(0)).unwrap().await.unwrap();
    (
        database,
        TableBucket::new(log.get_table_info().table_id(), 0),
    )
}

/// 100 rows appended, 10 upserted, 5 looked up, the log read.
async fn use_a_little(connection: &FlussConnection, database: &str) {
    let open = async |name: &str| {
        let path = TablePath::new(database, name);
        connection.get_table(&path).await.unwrap()
    };
    let log = open("log").await;
    let kv = open("kv").await;
    let writer = log.new_append().unwrap().create_writer().unwrap();
    for i in 0..100 {
        writer.append(&row(i)).unwrap();
    }
    writer.flush().await.unwrap();
    let writer = kv.new_upsert().unwrap().create_writer().unwrap();
    for i in 0..10 {
        writer.upsert(&row(i)).unwrap();
    }
    writer.flush().await.unwrap();
    let lookuper = kv.new_lookup().unwrap().create_lookuper().unwrap();
    for i in 0..5_i64 {
        let mut key = GenericRow::new(1);
        key.set_field(0, i);
        assert!(!lookuper.lookup(&key).await.unwrap().is_empty());
    }
    let scanner = log.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let mut rows = 0;
    while rows < 101 {
        rows += scanner.poll(Duration::from_secs(5)).await.unwrap().count();
    }
}

pub(crate) async fn a_connection_tells_what_it_did_without_a_recorder() {
    let (database, _) = prepare("stats").await;
    // So long a linger that a batch ends where it is flushed, however slow the machine is.
    let mut config = support::config();
    config.writer_batch_timeout = support::PATIENCE;
    let connection = FlussConnection::new(config).await.unwrap();
    let fresh = connection.stats();
    assert_eq!(fresh.of_api("PRODUCE_LOG"), None);
    assert_eq!((fresh.writer.rows_sent, fresh.lookup.keys), (0, 0));
    assert!(fresh.of_api("GET_METADATA").is_some(), "{fresh:?}");

    use_a_little(&connection, &database).await;
    let stats = connection.stats();
    for (api, least) in [
        ("PRODUCE_LOG", 1),
        ("PUT_KV", 1),
        ("LOOKUP", 1),
        ("INIT_WRITER", 1),
        ("FETCH_LOG", 1),
    ] {
        let requests = stats
            .of_api(api)
            .unwrap_or_else(|| panic!("{api}: {stats:?}"));
        assert!(requests.requests >= least, "{requests:?}");
        assert!(requests.responses <= requests.requests, "{requests:?}");
        assert!(
            requests.bytes_sent > 0 && requests.bytes_received > 0,
            "{requests:?}"
        );
        if api != "FETCH_LOG" {
            assert_eq!(
                (requests.responses, requests.in_flight),
                (requests.requests, 0),
                "{requests:?}"
            );
        }
    }
    assert!(stats.open_connections >= 1, "{stats:?}");
    let writer = stats.writer;
    assert_eq!((writer.rows_sent, writer.rows_repeated), (110, 0));
    assert_eq!(writer.batches_sent, 2, "{writer:?}");
    assert!(writer.bytes_sent > 1000, "{writer:?}");
    let total = connection.config().writer_buffer_memory_size;
    assert_eq!(
        (writer.buffer_total_bytes, writer.buffer_available_bytes),
        (total, total)
    );
    assert_eq!(writer.buffer_waiting, 0);
    assert_eq!((stats.lookup.keys, stats.lookup.retries), (5, 0));
    assert!((1..=5).contains(&stats.lookup.requests), "{stats:?}");
    assert_eq!(stats.unmatched_responses, 0);
}

/// Of bucket 0, at the first attempt.
fn check_fetches(fetches: &[integration_tests::observed::Span]) {
    assert!(!fetches.is_empty());
    for fetch in fetches {
        let [bucket, max_bytes, attempt] =
            ["bucket", "max_bytes", "attempt"].map(|field| &*fetch.fields[field]);
        assert_eq!((bucket, attempt), ("[0]", "1"), "{fetch:?}");
        assert!(max_bytes.parse::<usize>().unwrap() > 0, "{fetch:?}");
    }
}

#[test]
fn metrics_have_the_names_of_the_java_client_and_spans_say_what_was_sent_where() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (database, bucket) = runtime.block_on(prepare("metrics"));
    // Recorder and subscriber are those of this thread, so everything runs on it.
    let (counts, spans) = (Counts::default(), Spans::default());
    let _recorder = metrics::set_default_local_recorder(&counts);
    // With a single subscriber, places in the code that other threads pass first would be silent for good.
    let _other = tracing::Dispatch::new(Spans::default());
    let _subscriber = tracing::subscriber::set_default(spans.clone());
    let stats = runtime.block_on(async {
        let mut config = support::config();
        config.driver_placement = DriverPlacement::CallerRuntime;
        let connection = FlussConnection::new(config).await.unwrap();
        use_a_little(&connection, &database).await;
        connection.stats()
    });

    for api in ["PRODUCE_LOG", "PUT_KV", "LOOKUP"] {
        let requests = stats.of_api(api).unwrap();
        let count = |name: &str| counts.of(&format!("fluss.client.{name}{{api_key={api}}}"));
        assert_eq!(count("requestsPerSecond"), Some(requests.requests), "{api}");
        assert_eq!(
            count("responsesPerSecond"),
            Some(requests.responses),
            "{api}"
        );
        assert_eq!(
            count("bytesOutPerSecond"),
            Some(requests.bytes_sent),
            "{api}"
        );
        assert_eq!(
            count("bytesInPerSecond"),
            Some(requests.bytes_received),
            "{api}"
        );
        assert_eq!(count("requestLatencyMs"), Some(requests.responses), "{api}");
    }
    let count = |name: &str| counts.of(&format!("fluss.client.{name}"));
    assert_eq!(count("writer.recordSendPerSecond"), Some(110));
    assert_eq!(
        count("writer.bytesSendPerSecond"),
        Some(stats.writer.bytes_sent)
    );
    assert_eq!(
        count("writer.recordsPerBatch"),
        Some(stats.writer.batches_sent)
    );
    assert_eq!(
        count("lookup.requestsPerSecond"),
        Some(stats.lookup.requests)
    );
    let labels = format!("{{database={database},table=log}}");
    let fetches = count(&format!("scanner.fetchRequestsPerSecond{labels}"));
    assert!(fetches.is_some_and(|fetches| fetches >= 1), "{fetches:?}");

    let servers = ["0", "1", "2"];
    let table = |name: &str| format!("{database}.{name}");
    let of_log = |name: &str, of: &str| {
        let spans = spans.named(name);
        let spans = spans
            .into_iter()
            .filter(|span| span.fields["table"] == table(of));
        spans.collect::<Vec<_>>()
    };
    let batches = of_log("batch", "log");
    let rows =
        |span: &integration_tests::observed::Span| span.fields["rows"].parse::<u64>().unwrap();
    assert_eq!(batches.iter().map(rows).sum::<u64>(), 100);
    for batch in &batches {
        assert!(servers.contains(&&*batch.fields["server"]), "{batch:?}");
        assert_eq!(batch.fields["bucket"], bucket.to_string());
        assert_eq!(batch.fields["attempt"], "1");
        assert!(
            batch.fields["bytes"].parse::<u64>().unwrap() > 50,
            "{batch:?}"
        );
    }
    let requests = of_log("write_request", "kv");
    assert!(!requests.is_empty());
    for request in &requests {
        assert!(servers.contains(&&*request.fields["server"]), "{request:?}");
        assert_eq!(
            (&*request.fields["batches"], &*request.fields["attempt"]),
            ("1", "1")
        );
    }
    let lookups = of_log("lookup_request", "kv");
    assert_eq!(lookups.len() as u64, stats.lookup.requests);
    assert!(lookups.iter().all(|lookup| lookup.fields["attempt"] == "1"));
    check_fetches(&of_log("fetch", "log"));
    let sent = spans.named("request");
    let sent = sent
        .iter()
        .filter(|span| span.fields["api"].contains("PRODUCE_LOG"));
    assert_eq!(
        sent.count() as u64,
        stats.of_api("PRODUCE_LOG").unwrap().requests
    );
}

pub(crate) async fn a_scan_of_all_rows_of_a_table_is_not_sent_to_a_server_that_is_too_old() {
    let connection = support::connect().await;
    let database = support::database(&connection, "scan_kv").await;
    let descriptor = kv_table().bucket_count(2).build().unwrap();
    let kv = make(&connection, &database, "kv", &descriptor).await;
    let id = kv.get_table_info().table_id();
    let bucket = kv
        .new_scan()
        .create_bucket_batch_scanner(TableBucket::new(id, 1))
        .unwrap();
    let whole = kv.new_scan().create_batch_scanner().unwrap();
    if support::offers(fluss_wire::api::ApiKey::ScanKv).await {
        let writer = kv.new_upsert().unwrap().create_writer().unwrap();
        for id in 0..10 {
            writer.upsert(&row(id)).unwrap().await.unwrap();
        }
        let batches = whole.collect_all_batches().await.unwrap();
        let rows = batches.iter().map(|batch| batch.batch().num_rows());
        assert_eq!(rows.sum::<usize>(), 10);
        assert!(connection.stats().of_api("SCAN_KV").is_some());
        return;
    }
    for error in [
        bucket.next_batch().await.unwrap_err(),
        whole.next_batch().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert_eq!(
            (error.operation(), error.server_code()),
            (Some("scan_kv"), None)
        );
        assert!(!error.is_retriable());
    }
    assert_eq!(connection.stats().of_api("SCAN_KV"), None);
}
