//! Reading from a store that speaks as much of S3 as that needs, with tokens from a server in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code"
)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fluss_metadata::{DataTypes, Schema, TableDescriptor};
use fluss_row::GenericRow;
use fluss_wire::api::ApiKey;
use fluss_wire::message::{
    FetchLogRequest, FetchLogResponse, GetFileSystemSecurityTokenResponse, PbFetchLogRespForBucket,
    PbFetchLogRespForTable, PbKeyValue, PbRemoteLogFetchInfo, PbRemoteLogSegment,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::scan::testing::{BucketLog, MemoryServer, TABLE_ID, batch_of, ok, open_table};
use crate::table::FlussTable;

/// Rows of each of the two segments.
const SEGMENT_ROWS: i64 = 200;

/// A store that speaks as much of S3 as reading needs.
#[derive(Default)]
struct FakeStore {
    objects: Mutex<HashMap<String, Bytes>>,
    /// Access key and session token of each request.
    seen: Mutex<Vec<(String, String)>>,
    /// The one access key that is let in; any if empty.
    allowed: Mutex<String>,
    /// What others are told; status 403 without a word unless set.
    refusal: Mutex<Option<(u16, &'static str)>>,
}

impl FakeStore {
    async fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let store = Arc::new(Self::default());
        let serving = Arc::clone(&store);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(stream));
            }
        });
        (store, address)
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        loop {
            let head = loop {
                let end = buffer.windows(4).position(|window| window == b"\r\n\r\n");
                if let Some(end) = end {
                    let head: Vec<u8> = buffer.drain(..end + 4).collect();
                    break String::from_utf8(head).unwrap();
                }
                if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                    return;
                }
            };
            let answer = self.answer(&head);
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, head: &str) -> Vec<u8> {
        let mut lines = head.lines();
        let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        let headers: HashMap<String, &str> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let key = headers
            .get("authorization")
            .and_then(|value| value.split_once("Credential="))
            .map_or("", |(_, rest)| rest.split('/').next().unwrap());
        let token = headers.get("x-amz-security-token").copied().unwrap_or("");
        self.seen
            .lock()
            .unwrap()
            .push((key.to_owned(), token.to_owned()));
        let allowed = self.allowed.lock().unwrap().clone();
        if !allowed.is_empty() && allowed != key {
            let (status, code) = self.refusal.lock().unwrap().unwrap_or((403, ""));
            let body = match code {
                "" => String::new(),
                code => format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>The provided token is no good.</Message></Error>"
                ),
            };
            let length = body.len();
            return format!("HTTP/1.1 {status} No\r\ncontent-length: {length}\r\n\r\n{body}")
                .into_bytes();
        }
        let objects = self.objects.lock().unwrap();
        let Some(object) = objects.get(&path) else {
            return b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec();
        };
        let range = headers["range"].trim_start_matches("bytes=");
        let (start, end) = range.split_once('-').unwrap();
        let start: usize = start.parse().unwrap();
        let end = (end.parse::<usize>().unwrap() + 1).min(object.len());
        let mut answer = format!(
            "HTTP/1.1 206 Partial Content\r\ncontent-length: {}\r\ncontent-range: bytes {start}-{}/{}\r\netag: \"e\"\r\nlast-modified: Mon, 23 Nov 2026 00:00:00 GMT\r\n\r\n",
            end - start,
            end - 1,
            object.len()
        )
        .into_bytes();
        answer.extend_from_slice(&object[start..end]);
        answer
    }
}

fn descriptor() -> TableDescriptor {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .build()
        .unwrap();
    TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()
        .unwrap()
}

fn batch(from: i64, rows: i64) -> Bytes {
    let rows = (from..from + rows).map(|id| {
        let mut row = GenericRow::new(1);
        row.set_field(0, id);
        row
    });
    batch_of(&descriptor(), rows)
}

/// Ten batches from the offset `from` on, as a segment's file holds them.
fn segment(from: i64) -> Bytes {
    let mut log = BucketLog::default();
    log.append(from, &batch(0, 0));
    for index in 0..10 {
        let rows = SEGMENT_ROWS / 10;
        log.append(rows, &batch(from + index * rows, rows));
    }
    log.read(from.max(1), usize::MAX, true).unwrap()
}

struct Cluster {
    server: Arc<MemoryServer>,
    store: Arc<FakeStore>,
    address: String,
    /// How long a token lives.
    life: Arc<Mutex<Option<Duration>>>,
    tokens: Arc<AtomicUsize>,
}

impl Cluster {
    /// Two segments in the store, and some rows behind them in the server's log.
    async fn start() -> Self {
        let (store, address) = FakeStore::start().await;
        let server = MemoryServer::new(descriptor());
        let life: Arc<Mutex<Option<Duration>>> = Arc::default();
        let tokens = Arc::new(AtomicUsize::new(0));
        // The first row of the first segment has offset 0, but a log in memory begins with an empty batch.
        let files = [first_segment(), segment(SEGMENT_ROWS)];
        for (index, file) in files.iter().enumerate() {
            let path = format!(
                "/bucket/remote/log/segment-{index}/{:020}.log",
                index as i64 * SEGMENT_ROWS
            );
            store.objects.lock().unwrap().insert(path, file.clone());
        }
        let sizes = files.map(|file| file.len() as i64);
        server.with_log(0, |log| {
            log.append(2 * SEGMENT_ROWS, &batch(0, 0));
            log.append(50, &batch(2 * SEGMENT_ROWS, 50));
        });
        let (expiring, counted, endpoint) =
            (Arc::clone(&life), Arc::clone(&tokens), address.clone());
        server.script(move |request| {
            let reply = match request.api {
                ApiKey::GetFilesystemSecurityToken => {
                    let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
                    let life = *expiring.lock().unwrap();
                    ok(request, &token(number, life, &endpoint))
                }
                ApiKey::FetchLog => {
                    let asked: FetchLogRequest = request.message();
                    let offset = asked
                        .tables_req
                        .first()
                        .unwrap()
                        .buckets_req
                        .first()
                        .unwrap()
                        .fetch_offset
                        .max(0);
                    if offset >= 2 * SEGMENT_ROWS {
                        return None;
                    }
                    ok(request, &remote_answer(offset, sizes))
                }
                _ => return None,
            };
            Some(async move { reply })
        });
        Self {
            server,
            store,
            address,
            life,
            tokens,
        }
    }

    async fn table(&self) -> FlussTable {
        open_table(&self.server, |config| {
            // Small pieces, so that there are many.
            config.scanner_remote_read_bytes = 1000;
        })
        .await
    }
}

fn first_segment() -> Bytes {
    let mut log = BucketLog::default();
    for index in 0..10 {
        let rows = SEGMENT_ROWS / 10;
        log.append(rows, &batch(index * rows, rows));
    }
    log.read(0, usize::MAX, true).unwrap()
}

fn token(
    number: usize,
    life: Option<Duration>,
    endpoint: &str,
) -> GetFileSystemSecurityTokenResponse {
    let json = format!(
        r#"{{"version":1,"access_key_id":"key-{number}","access_key_secret":"secret","security_token":"session-{number}"}}"#
    );
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let settings = [
        ("fs.s3a.endpoint", endpoint),
        ("fs.s3a.path.style.access", "true"),
        ("fs.s3a.region", "eu-west-1"),
    ];
    GetFileSystemSecurityTokenResponse {
        schema: "s3".to_owned(),
        token: Bytes::from(json),
        expiration_time: life.map(|life| (now + life).as_millis() as i64),
        addition_info: settings
            .iter()
            .map(|(key, value)| PbKeyValue {
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            })
            .collect(),
    }
}

fn remote_answer(offset: i64, sizes: [i64; 2]) -> FetchLogResponse {
    let segments = [0, 1]
        .into_iter()
        .filter(|index| offset < (index + 1) * SEGMENT_ROWS)
        .map(|index| PbRemoteLogSegment {
            remote_log_segment_id: format!("segment-{index}"),
            remote_log_start_offset: index * SEGMENT_ROWS,
            remote_log_end_offset: (index + 1) * SEGMENT_ROWS,
            segment_size_in_bytes: sizes[index as usize] as _,
            ..PbRemoteLogSegment::default()
        })
        .collect();
    let bucket = PbFetchLogRespForBucket {
        bucket_id: 0,
        high_watermark: Some(2 * SEGMENT_ROWS + 50),
        remote_log_fetch_info: Some(PbRemoteLogFetchInfo {
            remote_log_tablet_dir: "s3://bucket/remote/log".to_owned(),
            remote_log_segments: segments,
            ..PbRemoteLogFetchInfo::default()
        }),
        ..PbFetchLogRespForBucket::default()
    };
    FetchLogResponse {
        tables_resp: vec![PbFetchLogRespForTable {
            table_id: TABLE_ID,
            buckets_resp: vec![bucket].into(),
        }]
        .into(),
    }
}

/// Reads everything, and checks each row.
async fn read_all(table: &FlussTable) {
    read_from(table, 0).await;
}

async fn read_from(table: &FlussTable, start: i64) {
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, start).await.unwrap();
    let mut next = start;
    while next < 2 * SEGMENT_ROWS + 50 {
        let records = tokio::time::timeout(
            Duration::from_secs(60),
            scanner.poll(Duration::from_secs(60)),
        )
        .await
        .unwrap()
        .unwrap();
        for record in records {
            assert_eq!((record.offset(), record.row().get_long(0)), (next, next));
            next += 1;
        }
    }
    assert_eq!(scanner.position(0), Some(2 * SEGMENT_ROWS + 50));
}

#[tokio::test]
async fn segments_are_read_with_one_token_for_the_whole_connection() {
    let cluster = Cluster::start().await;
    let table = cluster.table().await;
    tokio::join!(read_all(&table), read_all(&table));
    let seen = cluster.store.seen.lock().unwrap().clone();
    assert!(seen.len() > 8, "{} pieces", seen.len());
    assert!(
        seen.iter()
            .all(|(key, token)| key == "key-1" && token == "session-1"),
        "{seen:?}"
    );
    assert_eq!(cluster.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let cluster = Cluster::start().await;
    *cluster.life.lock().unwrap() = Some(Duration::from_millis(400));
    let table = cluster.table().await;
    read_all(&table).await;
    tokio::time::sleep(Duration::from_millis(350)).await;
    read_all(&table).await;
    assert!(cluster.tokens.load(Ordering::SeqCst) >= 2);
    let last = cluster.store.seen.lock().unwrap().last().cloned().unwrap();
    assert_ne!(last.0, "key-1");
}

#[tokio::test]
async fn a_token_that_the_store_refuses_is_fetched_anew() {
    let cluster = Cluster::start().await;
    *cluster.store.allowed.lock().unwrap() = "key-2".to_owned();
    let table = cluster.table().await;
    read_all(&table).await;
    assert_eq!(cluster.tokens.load(Ordering::SeqCst), 2);
}

/// S3 says 400, not 403, of a token that has ended or is none.
#[tokio::test]
async fn a_token_that_the_store_calls_expired_or_invalid_is_fetched_anew() {
    for refusal in [
        (400, "ExpiredToken"),
        (400, "InvalidToken"),
        (400, "TokenRefreshRequired"),
        (401, ""),
        (403, "InvalidAccessKeyId"),
    ] {
        let cluster = Cluster::start().await;
        *cluster.store.allowed.lock().unwrap() = "key-2".to_owned();
        *cluster.store.refusal.lock().unwrap() = Some(refusal);
        let table = cluster.table().await;
        read_all(&table).await;
        let tokens = cluster.tokens.load(Ordering::SeqCst);
        assert_eq!(tokens, 2, "{refusal:?}");
    }
}

#[tokio::test]
async fn a_request_that_the_store_calls_bad_costs_no_token_and_is_told_with_segment_and_store() {
    let cluster = Cluster::start().await;
    *cluster.store.allowed.lock().unwrap() = "nobody".to_owned();
    *cluster.store.refusal.lock().unwrap() = Some((400, "InvalidArgument"));
    let table = open_table(&cluster.server, |config| {
        config.call_timeout = Duration::from_secs(1);
    })
    .await;
    let scanner = table.new_scan().create_log_scanner().unwrap();
    scanner.subscribe(0, 0).await.unwrap();
    let error = scanner.poll(Duration::from_secs(60)).await.unwrap_err();
    let text = error.to_string();
    for part in ["segment-0", "s3://bucket/remote/log", "InvalidArgument"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(error.is_retriable());
    assert_eq!(cluster.tokens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_segment_that_is_gone_is_asked_for_again() {
    let cluster = Cluster::start().await;
    let path = format!("/bucket/remote/log/segment-1/{SEGMENT_ROWS:020}.log");
    let hidden = cluster.store.objects.lock().unwrap().remove(&path).unwrap();
    let (store, server) = (Arc::clone(&cluster.store), cluster.server.clone());
    // It comes back once the server was asked where the records are more than once.
    tokio::spawn(async move {
        while server.count(ApiKey::FetchLog) <= 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        store.objects.lock().unwrap().insert(path, hidden);
    });
    let table = cluster.table().await;
    read_all(&table).await;
    assert!(cluster.server.count(ApiKey::FetchLog) > 3);
    assert!(cluster.server.count(ApiKey::FetchLog) < 20, "pauses grow");
}

#[tokio::test]
async fn a_key_of_the_user_needs_no_token() {
    let cluster = Cluster::start().await;
    let address = cluster.address.clone();
    let table = open_table(&cluster.server, |config| {
        config.file_system_properties = [
            ("s3.endpoint", address.as_str()),
            ("s3.path-style-access", "true"),
            ("s3.access-key", "mine"),
            ("s3.secret-key", "hush"),
        ]
        .into_iter()
        .collect();
        assert!(!format!("{config:?}").contains("hush"));
    })
    .await;
    read_all(&table).await;
    assert_eq!(cluster.tokens.load(Ordering::SeqCst), 0);
    let seen = cluster.store.seen.lock().unwrap().clone();
    assert!(
        seen.iter()
            .all(|(key, token)| key == "mine" && token.is_empty())
    );
}

#[tokio::test]
async fn batches_before_the_offset_are_skipped_where_the_index_points_before_it() {
    let cluster = Cluster::start().await;
    let table = cluster.table().await;
    for start in [1, 119, 120, 399] {
        read_from(&table, start).await;
    }
}
