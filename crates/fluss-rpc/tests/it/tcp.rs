//! Over TCP.

use std::sync::Arc;
use std::time::Duration;

use fluss_rpc::{Connection, Dialer, RpcError, TcpDialer};
use fluss_wire::frame::{FrameDecoder, decode_request, encode_success};
use fluss_wire::message::ListDatabasesRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::connection::{named, seconds};
use crate::net::{TABLET, config, versions};

async fn serve(mut stream: TcpStream) {
    let (mut decoder, mut received) = (FrameDecoder::new(1 << 20), bytes::BytesMut::new());
    while stream.read_buf(&mut received).await.unwrap() > 0 {
        while let Some(frame) = decoder.decode(&mut received).unwrap() {
            let request = decode_request(frame).unwrap();
            let answer = match request.api_key {
                1000 => encode_success(request.request_id, &versions(TABLET)),
                _ => encode_success(request.request_id, &named("over TCP")),
            };
            let answer = answer.unwrap().into_bytes();
            stream.write_all(&answer).await.unwrap();
        }
    }
}

async fn connect(host: &str, port: u16) -> Result<Connection, RpcError> {
    let dialer = Arc::new(TcpDialer::default());
    let mut config = config();
    config.connect_timeout = Duration::from_secs(60);
    Connection::connect(dialer, host, port, &config, &Handle::current()).await
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // The name has an IPv6 address as well on most machines, and nobody listens there.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    for host in ["127.0.0.1", "localhost"] {
        let connection = connect(host, port).await.unwrap();
        let request = ListDatabasesRequest::default();
        let answer = connection.call(&request, seconds(60)).await.unwrap();
        assert_eq!(answer.database_name, ["over TCP"]);
    }
}

#[tokio::test]
async fn a_refused_connection_is_reported_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = connect("127.0.0.1", port).await.unwrap_err();
    let RpcError::Connect { source, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")));
}

#[tokio::test]
async fn a_name_without_an_address_is_reported_as_such() {
    let error = connect("no-such-host.invalid", 1).await.unwrap_err();
    assert!(matches!(
        error,
        RpcError::Connect { .. } | RpcError::Timeout { .. }
    ));
    assert!(error.to_string().contains("no-such-host.invalid:1"));
}

#[tokio::test(start_paused = true)]
async fn a_dial_has_no_more_time_than_it_was_given() {
    // An address for documentation: packets to it are lost, or refused at once where there is no route. Time is paused, so that it is
    // over as soon as there is nothing to do but to wait.
    let limit = Duration::from_millis(50);
    let dialer = TcpDialer::new(limit);
    let started = Instant::now();
    assert!(dialer.dial("192.0.2.1", 9).await.is_err());
    assert!(started.elapsed() <= limit, "{:?}", started.elapsed());
}
