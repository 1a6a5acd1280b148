//! Faults that were found by reading the drivers and the routes, each by its symptom.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use fluss_rpc::{Cluster, Connection, DisconnectCause, RpcError};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::ListDatabasesRequest;
use futures::task::noop_waker;
use std::future::Future;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::connection::{connect, connect_with, list, named, number_requests, seconds};
use crate::fake_cluster::{Conduct, FakeCluster};
use crate::net::{Net, Peer, TABLET, block_on, config, settle};

async fn silent(mut peer: Peer, _: usize) {
    peer.handshake(TABLET).await;
    peer.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_left_just_before_the_connection_is_closed_fails_at_once() {
    let net = Net::serving(silent);
    let connection = connect(&net).await;
    let other = connection.clone();
    let mut call = pin!(list(&other, seconds(3600)));
    // Left for the driver, which has had no turn yet.
    assert!(
        call.as_mut()
            .poll(&mut Context::from_waker(&noop_waker()))
            .is_pending()
    );
    let started = Instant::now();
    connection.close();
    let error = call.await.unwrap_err();
    assert!(
        matches!(error, RpcError::Disconnected { sent: false, .. }),
        "{error}"
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_noticed_though_every_caller_gives_up_by_a_clock_of_its_own() {
    let net = Net::serving(silent);
    let connection = connect(&net).await;
    for _ in 0..30 {
        let given_up = timeout(Duration::from_secs(2), list(&connection, seconds(5))).await;
        match given_up {
            Err(_) => {}
            Ok(outcome) => {
                assert!(outcome.is_err());
                break;
            }
        }
    }
    settle().await;
    assert!(connection.is_closed(), "silent for a minute");
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_noticed_though_the_caller_keeps_the_same_deadline() {
    let net = Net::serving(silent);
    let connection = connect(&net).await;
    let deadline = seconds(5);
    let _ = timeout_at(deadline, list(&connection, deadline)).await;
    settle().await;
    assert!(connection.is_closed(), "silent for the whole request");
}

#[tokio::test(start_paused = true)]
async fn a_call_taken_back_before_it_was_written_proves_no_silence() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        while let Some(request) = peer.request().await {
            sleep(Duration::from_millis(300)).await;
            peer.succeed(request.request_id, &named("slow")).await;
        }
    });
    let connection = connect(&net).await;
    {
        let mut call = pin!(list(&connection, seconds(5)));
        assert!(
            call.as_mut()
                .poll(&mut Context::from_waker(&noop_waker()))
                .is_pending()
        );
    }
    sleep(Duration::from_secs(60)).await;
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = list(&connection, deadline).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    settle().await;
    assert!(!connection.is_closed(), "200 ms prove nothing");
}

#[test]
fn a_call_that_pauses_while_the_runtime_ends_gets_an_error() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let fake = FakeCluster::new(2);
    fake.set(|state| {
        for at in ["c:1", "t1:1", "t2:1"] {
            state
                .conduct
                .insert(at.to_owned(), Conduct::Fails(ErrorCode::STORAGE_EXCEPTION));
        }
    });
    let connecting = Cluster::connect_with(
        config(),
        vec![("t1".to_owned(), 1)],
        fake.net.dialer(),
        runtime.handle().clone(),
    );
    let cluster = block_on(connecting).unwrap();
    let list = ListDatabasesRequest::default();
    let callers = (0..8)
        .map(|_| {
            let (cluster, list) = (cluster.clone(), list);
            std::thread::spawn(move || block_on(cluster.call_any(&list)))
        })
        .collect::<Vec<_>>();
    std::thread::sleep(Duration::from_millis(1200));
    drop(runtime);
    for caller in callers {
        assert!(caller.join().expect("no panic").is_err());
    }
}

/// A stream that keeps what is written until it is flushed, and whose flush needs a second look.
struct Buffering<S> {
    inner: S,
    kept: Vec<u8>,
    asked: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for Buffering<S> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        pin!(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Buffering<S> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.kept.extend_from_slice(buf);
        self.asked = false;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        if !self.asked {
            self.asked = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        while !self.kept.is_empty() {
            let kept = std::mem::take(&mut self.kept);
            match pin!(&mut self.inner).poll_write(cx, &kept) {
                Poll::Ready(Ok(count)) => self.kept = kept[count..].to_vec(),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.kept = kept;
                    return Poll::Pending;
                }
            }
        }
        pin!(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        pin!(&mut self.inner).poll_shutdown(cx)
    }
}

#[derive(Debug)]
struct BufferingDialer(Arc<dyn fluss_rpc::Dialer>);

impl fluss_rpc::Dialer for BufferingDialer {
    fn dial<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> futures::future::BoxFuture<'a, std::io::Result<Box<dyn fluss_rpc::Transport>>> {
        Box::pin(async move {
            let inner = self.0.dial(host, port).await?;
            let stream = Buffering {
                inner,
                kept: Vec::new(),
                asked: false,
            };
            Ok(Box::new(stream) as Box<dyn fluss_rpc::Transport>)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_flush_takes_two_looks_is_flushed() {
    let net = Net::serving(number_requests);
    let dialer = Arc::new(BufferingDialer(net.dialer()));
    let runtime = tokio::runtime::Handle::current();
    let config = config();
    let connection = Connection::connect(dialer, "server", 1, &config, &runtime)
        .await
        .unwrap();
    assert_eq!(list(&connection, seconds(5)).await.unwrap(), "0");
}

#[tokio::test(start_paused = true)]
async fn many_failures_of_one_moved_leader_cause_few_requests() {
    use fluss_metadata::{TableBucket, TablePath};
    use fluss_wire::message::LimitScanRequest;
    let fake = FakeCluster::new(2);
    fake.table("orders", 7, &[Some(1)]);
    let cluster = fake.connect().await;
    let path = TablePath::new("db", "orders");
    cluster.refresh_table(&path).await.unwrap();
    fake.take_metadata();
    fake.set(|state| {
        state.conduct.insert(
            "t1:1".to_owned(),
            Conduct::Fails(ErrorCode::NOT_LEADER_OR_FOLLOWER),
        );
        state.tables.insert("orders".to_owned(), (7, vec![Some(2)]));
        state.metadata_delay = Duration::from_millis(1);
    });
    let request = LimitScanRequest {
        table_id: 7,
        bucket_id: 0,
        limit: 1,
        ..LimitScanRequest::default()
    };
    let calls = (0..100).map(|_| cluster.call_leader(&path, TableBucket::new(7, 0), &request));
    for outcome in futures::future::join_all(calls).await {
        outcome.unwrap();
    }
    let asked = fake.take_metadata().len();
    println!("metadata requests after a leader move under 100 calls: {asked}");
    assert!(asked <= 10, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn silent_disconnect_has_one_cause() {
    let net = Net::serving(silent);
    let connection = connect_with(&net, &config()).await;
    let calls = (1..=5).map(|n| list(&connection, seconds(4 + n)));
    let outcomes = futures::future::join_all(calls).await;
    let mut causes = 0;
    for outcome in outcomes {
        match outcome.unwrap_err() {
            RpcError::Timeout { .. } => {}
            RpcError::Disconnected { cause, .. } => {
                assert!(matches!(*cause, DisconnectCause::Silent { .. }));
                causes += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(causes, 4);
}
