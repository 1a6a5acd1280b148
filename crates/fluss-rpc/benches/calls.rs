//! What a call costs over loopback TCP: alone, and with many under way.
//!
//! The server is a thread of its own that answers every `LOOKUP` with the same bytes, so the figures are the client's and the kernel's.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "bench code"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use fluss_rpc::{Connection, RpcConfig, TcpDialer};
use fluss_wire::api::TABLE;
use fluss_wire::frame::{FrameDecoder, decode_request, encode_success};
use fluss_wire::message::{
    ApiVersionsResponse, LookupRequest, LookupResponse, PbApiVersion, PbLookupReqForBucket,
    PbLookupRespForBucket, PbValue,
};

fn main() {
    // `cargo test` runs benches with no argument worth measuring for.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    for (name, workers) in [("current thread", 0), ("1 worker", 1), ("2 workers", 2)] {
        let runtime = match workers {
            0 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        }
        .worker_threads(workers.max(1))
        .enable_all()
        .build()
        .unwrap();
        runtime.block_on(async {
            let connection = connect(port).await;
            tokio::spawn(measure(name, connection)).await.unwrap();
        });
    }
}

async fn connect(port: u16) -> Connection {
    let dialer = Arc::new(TcpDialer::default());
    let runtime = tokio::runtime::Handle::current();
    Connection::connect(dialer, "127.0.0.1", port, &RpcConfig::default(), &runtime)
        .await
        .unwrap()
}

fn lookup() -> LookupRequest {
    LookupRequest {
        table_id: 7,
        buckets_req: vec![PbLookupReqForBucket {
            keys: vec![Bytes::from_static(&[1; 8])].into(),
            ..PbLookupReqForBucket::default()
        }]
        .into(),
        ..LookupRequest::default()
    }
}

async fn measure(name: &'static str, connection: Connection) {
    let request = lookup();
    let deadline = || tokio::time::Instant::now() + Duration::from_secs(10);
    let mut times = Vec::new();
    for _ in 0..20_000 {
        let started = Instant::now();
        connection.call(&request, deadline()).await.unwrap();
        times.push(started.elapsed());
    }
    times.sort();
    let (half, tail) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{name}: alone p50 {half:?} p99 {tail:?}");

    for callers in [64, 1024] {
        let each = 500_000 / callers;
        let (wall, cpu) = (Instant::now(), thread_cpu());
        let tasks = (0..callers).map(|_| {
            let connection = connection.clone();
            tokio::spawn(async move {
                let request = lookup();
                for _ in 0..each {
                    connection.call(&request, deadline()).await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let calls = f64::from(callers * each);
        let rate = calls / wall.elapsed().as_secs_f64();
        let cpu = (thread_cpu() - cpu) / calls * 1e6;
        println!(
            "{name}: {callers} under way {rate:.0}/s, {cpu:.2} us of CPU a call, server included"
        );
    }
}

/// CPU seconds of the process so far.
fn thread_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks = ticks
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let answer = LookupResponse {
        buckets_resp: vec![PbLookupRespForBucket {
            values: vec![PbValue {
                values: Some(Bytes::from_static(&[2; 60])),
            }]
            .into(),
            ..PbLookupRespForBucket::default()
        }]
        .into(),
    };
    let mut decoder = FrameDecoder::new(1 << 20);
    let (mut received, mut chunk, mut out) = (BytesMut::new(), vec![0; 1 << 16], Vec::new());
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        received.extend_from_slice(&chunk[..count]);
        while let Some(frame) = decoder.decode(&mut received).unwrap() {
            let request = decode_request(frame).unwrap();
            let frame = match request.api_key {
                1000 => encode_success(request.request_id, &versions()),
                _ => encode_success(request.request_id, &answer),
            };
            out.extend_from_slice(&frame.unwrap().into_bytes());
        }
        if stream.write_all(&out).is_err() {
            return;
        }
        out.clear();
    }
}

fn versions() -> ApiVersionsResponse {
    let all = TABLE.iter().map(|api| PbApiVersion {
        api_key: i32::from(api.key.code()),
        min_version: i32::from(api.versions.min),
        max_version: i32::from(api.versions.max),
    });
    ApiVersionsResponse {
        api_versions: all.collect(),
        server_type: Some(2),
    }
}
