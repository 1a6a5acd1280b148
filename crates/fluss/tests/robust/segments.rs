//! Remote segments that cannot be read: they are reported in time, and hold up nothing else.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fluss::client::{AppendWriter, EARLIEST_OFFSET};
use fluss::error::{Error, ErrorKind};
use fluss_mock::MockCluster;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use super::support::{Bench, log_row};

const SECOND: Duration = Duration::from_secs(1);
const HANG: Duration = Duration::from_secs(60);

/// Remote storage, removed when it goes.
struct Storage(PathBuf);

impl Storage {
    fn new(test: &str) -> Self {
        let name = format!("fluss-robust-{test}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn builder(&self) -> fluss_mock::MockClusterBuilder {
        MockCluster::builder()
            .config("remote.data.dir", self.0.display().to_string())
            .config("log.segment.file-size", "1kb")
    }

    /// The data files of the segments of one bucket.
    fn segments(&self, bucket: i32) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.0.clone()];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|end| end == "log") {
                    found.push(path);
                }
            }
        }
        let of_bucket = |path: &Path| {
            let bucket = bucket.to_string();
            path.ancestors().nth(2).unwrap().file_name().unwrap() == bucket.as_str()
        };
        found.retain(|path| of_bucket(path));
        assert!(!found.is_empty());
        found
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn append(writer: &AppendWriter, id: i32) {
    let appended = writer.append(&log_row(id)).unwrap();
    timeout(HANG, appended).await.expect("it ends").unwrap();
}

fn assert_names_segment(error: &Error, bucket: i32) {
    assert_eq!(error.kind(), ErrorKind::Server, "{error}");
    assert_eq!(error.bucket().unwrap().bucket_id(), bucket, "{error}");
    assert!(error.to_string().contains("segment"), "{error}");
}

/// The call timeout of the bench is 8 s.
fn assert_in_time(began: Instant) {
    let took = began.elapsed();
    assert!(took >= 8 * SECOND && took < 10 * SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_fails_is_reported_though_another_one_delivers() {
    let storage = Storage::new("busy");
    let bench = Bench::on(storage.builder(), 1).await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    for id in 0..200 {
        append(&writer, id).await;
    }
    sleep(HANG).await;
    for segment in storage.segments(0) {
        std::fs::rename(&segment, segment.with_extension("hidden")).unwrap();
    }
    let writing = tokio::spawn(async move {
        for id in 1_000.. {
            append(&writer, id).await;
            sleep(SECOND / 20).await;
        }
    });

    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    for bucket in [0, 1] {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let mut began = Instant::now();
    // It is reported again and again, as long as it lasts.
    for _ in 0..3 {
        let mut delivered = 0;
        let error = loop {
            match scanner.poll(5 * SECOND).await {
                Ok(records) => delivered += usize::from(!records.is_empty()),
                Err(error) => break error,
            }
        };
        assert_names_segment(&error, 0);
        assert_in_time(began);
        assert!(delivered > 10, "{delivered}");
        began = Instant::now();
    }

    let scanner = bench
        .log
        .new_scan()
        .create_record_batch_log_scanner()
        .unwrap();
    for bucket in [0, 1] {
        scanner.subscribe(bucket, EARLIEST_OFFSET).await.unwrap();
    }
    let began = Instant::now();
    let mut stream = scanner.into_stream();
    let mut delivered = 0;
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(_) => delivered += 1,
            Err(error) => break error,
        }
    };
    assert_names_segment(&error, 0);
    assert_eq!(error.operation(), Some("stream"));
    assert_in_time(began);
    assert!(delivered > 10, "{delivered}");
    writing.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_read_to_an_end_is_given_up_in_time() {
    let storage = Storage::new("pipe");
    let bench = Bench::configured(storage.builder(), 1, |config| {
        config.call_timeout = SECOND;
    })
    .await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    for id in 0..200 {
        append(&writer, id).await;
    }
    sleep(SECOND).await;
    // A pipe that nobody writes to is as silent as a disk that does not answer.
    let pipes = storage.segments(0);
    for pipe in &pipes {
        std::fs::remove_file(pipe).unwrap();
        let made = Command::new("mkfifo").arg(pipe).status().unwrap();
        assert!(made.success());
    }
    let scanner = bench.log.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, EARLIEST_OFFSET).await.unwrap();
    let read = timeout(HANG, scanner.poll(HANG)).await;
    drop(scanner);
    // Whoever waits for the other end goes on.
    let _ends: Vec<_> = pipes
        .iter()
        .map(|pipe| OpenOptions::new().read(true).write(true).open(pipe))
        .collect();
    sleep(SECOND).await;
    assert_names_segment(&read.expect("an error in time").unwrap_err(), 0);
}
