//! One connection: pipelining, deadlines, cancellation, bounds, its end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fluss_rpc::{Connection, DisconnectCause, Phase, Result, RpcConfig, RpcError};
use fluss_wire::codec;
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::frame::encode_server_failure;
use fluss_wire::message::{
    DatabaseExistsRequest, DatabaseExistsResponse, LimitScanRequest, LimitScanResponse,
    ListDatabasesRequest, ListDatabasesResponse, PbProduceLogReqForBucket, ProduceLogRequest,
    ProduceLogResponse,
};
use futures::future::join_all;
use futures::task::noop_waker;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::net::{Net, Peer, TABLET, alive_tasks, block_on, config, settle};

pub(crate) fn named(name: &str) -> ListDatabasesResponse {
    ListDatabasesResponse {
        database_name: vec![name.to_owned()].into(),
        ..ListDatabasesResponse::default()
    }
}

pub(crate) fn seconds(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

async fn open_with(net: &Net, config: &RpcConfig) -> Result<Connection> {
    Connection::connect(net.dialer(), "server", 1, config, &Handle::current()).await
}

/// A connection to `server:1`.
pub(crate) async fn open(net: &Net) -> Result<Connection> {
    open_with(net, &config()).await
}

pub(crate) async fn connect_with(net: &Net, config: &RpcConfig) -> Connection {
    open_with(net, config).await.unwrap()
}

pub(crate) async fn connect(net: &Net) -> Connection {
    open(net).await.unwrap()
}

pub(crate) async fn list(connection: &Connection, deadline: Instant) -> Result<String> {
    let request = ListDatabasesRequest::default();
    let answer = connection.call(&request, deadline).await?;
    Ok(answer.database_name.into_iter().next().unwrap_or_default())
}

/// Answers each request with its number from 0.
pub(crate) async fn number_requests(mut peer: Peer, _: usize) {
    peer.handshake(TABLET).await;
    let mut served = 0;
    while let Some(request) = peer.request().await {
        peer.succeed(request.request_id, &named(&served.to_string()))
            .await;
        served += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn answers_in_any_order_reach_those_who_asked() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        let mut requests = Vec::new();
        for _ in 0..500 {
            requests.push(peer.request().await.unwrap());
        }
        for request in requests.into_iter().rev() {
            let asked: DatabaseExistsRequest = codec::decode(request.body).unwrap();
            let exists = asked.database_name.ends_with('7');
            peer.succeed(request.request_id, &DatabaseExistsResponse { exists })
                .await;
        }
        peer.closed().await;
    });
    let connection = connect(&net).await;
    let calls = (0..500).map(|n| {
        let connection = connection.clone();
        async move {
            let database_name = format!("database {n}");
            let request = DatabaseExistsRequest { database_name };
            let answer = connection.call(&request, seconds(5)).await.unwrap();
            assert_eq!(answer.exists, n % 10 == 7, "{n}");
        }
    });
    join_all(calls).await;
    assert_eq!(net.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_dropped_and_the_connection_goes_on() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        let first = peer.request().await.unwrap();
        sleep(Duration::from_millis(300)).await;
        peer.succeed(first.request_id, &named("late")).await;
        let second = peer.request().await.unwrap();
        assert_ne!(second.request_id, first.request_id);
        // Once more, while another one waits.
        peer.succeed(first.request_id, &named("late")).await;
        peer.succeed(second.request_id, &named("second")).await;
        peer.closed().await;
    });
    let connection = connect(&net).await;
    let started = Instant::now();
    let deadline = started + Duration::from_millis(100);
    let error = list(&connection, deadline).await.unwrap_err();
    assert!(
        matches!(
            error,
            RpcError::Timeout {
                phase: Phase::Answer,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(started.elapsed().as_millis(), 100);
    assert_eq!(
        error.to_string(),
        "LIST_DATABASES (1003) to server:1: no answer within 100 ms"
    );
    sleep(Duration::from_secs(1)).await;
    assert_eq!(list(&connection, seconds(5)).await.unwrap(), "second");
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_given_up_and_all_who_wait_hear_the_same() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        peer.closed().await;
    });
    let connection = connect(&net).await;
    let (first, second) = tokio::join!(
        list(&connection, seconds(2)),
        list(&connection, seconds(60))
    );
    assert!(matches!(first.unwrap_err(), RpcError::Timeout { .. }));
    let Err(RpcError::Disconnected { cause, sent, .. }) = second else {
        panic!("{second:?}");
    };
    assert!(matches!(*cause, DisconnectCause::Silent { waited } if waited.as_secs() == 2));
    assert!(sent && connection.is_closed());
    // Those who come later hear it as well, and know that nothing was sent.
    let Err(RpcError::Disconnected {
        cause: later, sent, ..
    }) = list(&connection, seconds(1)).await
    else {
        panic!("a closed connection");
    };
    assert!(Arc::ptr_eq(&later, &cause) && !sent);
}

#[tokio::test(start_paused = true)]
async fn a_short_deadline_alone_does_not_end_a_connection() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        while let Some(request) = peer.request().await {
            sleep(Duration::from_millis(50)).await;
            peer.succeed(request.request_id, &named("slow")).await;
        }
    });
    let connection = connect(&net).await;
    for _ in 0..100 {
        let deadline = Instant::now() + Duration::from_millis(10);
        assert!(list(&connection, deadline).await.unwrap_err().is_timeout());
    }
    assert!(!connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_long_answer_that_keeps_coming_keeps_the_connection() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        let request = peer.request().await.unwrap();
        let answer = LimitScanResponse {
            records: Some(Bytes::from(vec![7; 4 << 20])),
            ..LimitScanResponse::default()
        };
        let frame = fluss_wire::frame::encode_success(request.request_id, &answer).unwrap();
        for piece in frame.into_bytes().chunks(200_000) {
            sleep(Duration::from_secs(1)).await;
            peer.send(piece).await;
        }
        peer.closed().await;
    });
    let connection = connect(&net).await;
    let request = LimitScanRequest::default();
    let (scan, other) = tokio::join!(
        connection.call(&request, seconds(60)),
        list(&connection, seconds(3))
    );
    assert!(other.unwrap_err().is_timeout());
    assert_eq!(scan.unwrap().records.unwrap().len(), 4 << 20);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_at_any_point_disturbs_nothing() {
    let net = Net::serving(number_requests);
    let mut config = config();
    config.max_in_flight = 1;
    let connection = connect_with(&net, &config).await;
    for polls in 0..4 {
        let call = list(&connection, seconds(60));
        {
            let mut call = pin!(call);
            let waker = noop_waker();
            for _ in 0..polls {
                let polled = call.as_mut().poll(&mut Context::from_waker(&waker));
                if let Poll::Ready(answer) = polled {
                    answer.unwrap();
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // With room for one request only, a place that was not given back would make this one wait for ever.
        list(&connection, seconds(1)).await.unwrap();
    }
    assert!(!connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_its_place_back_though_no_answer_ever_comes() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        let _never_answered = peer.request().await;
        while let Some(request) = peer.request().await {
            peer.succeed(request.request_id, &named("here")).await;
        }
    });
    let mut config = config();
    config.max_in_flight = 1;
    let connection = connect_with(&net, &config).await;
    let given_up = tokio::time::timeout(
        Duration::from_millis(5),
        list(&connection, seconds(100_000)),
    );
    assert!(given_up.await.is_err());
    assert_eq!(list(&connection, seconds(1)).await.unwrap(), "here");
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_than_allowed_are_under_way() {
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let net = Net::serving(move |mut peer, _| {
        let most = Arc::clone(&seen);
        async move {
            peer.handshake(TABLET).await;
            let mut held = Vec::new();
            loop {
                let next = tokio::time::timeout(Duration::from_millis(10), peer.request()).await;
                match next {
                    Ok(Some(request)) => held.push(request),
                    Ok(None) => return,
                    Err(_) => {
                        most.fetch_max(held.len(), Ordering::Relaxed);
                        for request in held.drain(..) {
                            peer.succeed(request.request_id, &named("x")).await;
                        }
                    }
                }
            }
        }
    });
    let mut config = config();
    config.max_in_flight = 8;
    let connection = connect_with(&net, &config).await;
    let answers = join_all((0..100).map(|_| list(&connection, seconds(5)))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::Relaxed), 8);

    // Whoever finds no room in time is told so, and nothing is sent.
    let deadline = Instant::now() + Duration::from_millis(5);
    let answers = join_all((0..9).map(|_| list(&connection, deadline))).await;
    let error = answers.into_iter().next_back().unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            RpcError::Timeout {
                phase: Phase::Queue,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.was_not_sent());
    let error = list(&connection, Instant::now()).await.unwrap_err();
    assert!(error.is_timeout() && error.was_not_sent(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_nothing_is_given_up() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        sleep(Duration::from_secs(3600)).await;
    });
    net.set_buffer(4096);
    let connection = connect(&net).await;
    let started = Instant::now();
    let long = produce(vec![Bytes::from(vec![1; 1 << 20])]);
    let (first, second) = tokio::join!(
        connection.call(&long, seconds(3600)),
        list(&connection, seconds(7200))
    );
    let Err(RpcError::Disconnected {
        cause, sent: true, ..
    }) = first
    else {
        panic!("{first:?}");
    };
    assert!(matches!(*cause, DisconnectCause::Stalled { .. }), "{cause}");
    assert!(second.unwrap_err().is_timeout());
    assert_eq!(started.elapsed().as_secs(), 5, "the request timeout");
}

fn produce(records: Vec<Bytes>) -> ProduceLogRequest {
    ProduceLogRequest {
        acks: -1,
        table_id: 7,
        timeout_ms: 1000,
        buckets_req: records
            .into_iter()
            .map(|records| PbProduceLogReqForBucket {
                records,
                ..PbProduceLogReqForBucket::default()
            })
            .collect(),
    }
}

#[tokio::test(start_paused = true)]
async fn requests_of_all_sizes_arrive_whole_and_in_order() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        for n in 0..60_usize {
            let frame = peer.request().await.unwrap();
            let request: ProduceLogRequest = codec::decode(frame.body).unwrap();
            assert_eq!(
                request.buckets_req.first().unwrap().records,
                vec![n as u8; n * n * 50]
            );
            peer.succeed(frame.request_id, &ProduceLogResponse::default())
                .await;
        }
        peer.closed().await;
    });
    // A few bytes at a time: every frame is written in pieces.
    net.set_buffer(777);
    let connection = connect(&net).await;
    let requests = (0..60_usize)
        .map(|n| produce(vec![Bytes::from(vec![n as u8; n * n * 50])]))
        .collect::<Vec<_>>();
    let calls = requests
        .iter()
        .map(|request| connection.call(request, seconds(60)));
    for answer in join_all(calls).await {
        answer.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_taken_back_before_it_is_written_is_never_written() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        sleep(Duration::from_secs(1)).await;
        let first = peer.request().await.unwrap();
        let second = peer.request().await.unwrap();
        assert_eq!((first.api_key, second.api_key), (1014, 1003));
        peer.succeed(first.request_id, &ProduceLogResponse::default())
            .await;
        peer.succeed(second.request_id, &named("second")).await;
        assert!(peer.request().await.is_none());
    });
    net.set_buffer(4096);
    let connection = connect(&net).await;
    let long = produce(vec![Bytes::from(vec![1; 1 << 20])]);
    let long = connection.call(&long, seconds(5));
    let exists = DatabaseExistsRequest::default();
    let taken_back = async {
        let call = connection.call(&exists, seconds(5));
        assert!(
            tokio::time::timeout(Duration::from_millis(10), call)
                .await
                .is_err()
        );
        list(&connection, seconds(5)).await
    };
    let (long, second) = tokio::join!(long, taken_back);
    long.unwrap();
    assert_eq!(second.unwrap(), "second");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gives_up_the_connection_tells_everybody_why() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        let _ = peer.request().await;
        let error = ServerError::new(ErrorCode::CORRUPT_MESSAGE, "too large");
        peer.send_frame(encode_server_failure(&error).unwrap())
            .await;
        peer.closed().await;
    });
    let connection = connect(&net).await;
    let answers = join_all((0..3).map(|_| list(&connection, seconds(5)))).await;
    for answer in answers {
        let error = answer.unwrap_err();
        assert_eq!(
            error.server_error().unwrap().code,
            ErrorCode::CORRUPT_MESSAGE
        );
        assert!(error.to_string().contains("too large"), "{error}");
    }
    assert!(connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_is_closed_before_the_server_does() {
    let net = Net::serving(number_requests);
    let connection = connect(&net).await;
    // Used every now and then it stays.
    for _ in 0..5 {
        sleep(Duration::from_secs(8 * 60)).await;
        list(&connection, seconds(1)).await.unwrap();
    }
    sleep(Duration::from_secs(9 * 60 + 1)).await;
    assert!(connection.is_closed());
    let Err(RpcError::Disconnected {
        cause, sent: false, ..
    }) = list(&connection, seconds(1)).await
    else {
        panic!("closed");
    };
    assert!(matches!(*cause, DisconnectCause::Idle { .. }));
}

#[tokio::test(start_paused = true)]
async fn the_driver_ends_with_the_last_handle_and_close_fails_calls_at_once() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        peer.closed().await;
    });
    let before = alive_tasks();
    let connection = connect(&net).await;
    settle().await;
    assert_eq!(alive_tasks(), before + 2, "driver and server");
    let other = connection.clone();
    let call = tokio::spawn(async move { list(&other, seconds(3600)).await });
    settle().await;
    let started = Instant::now();
    connection.close();
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, RpcError::Disconnected { .. }), "{error}");
    assert_eq!(started.elapsed(), Duration::ZERO);
    drop(connection);
    settle().await;
    assert_eq!(alive_tasks(), before);

    let connection = connect(&net).await;
    drop(connection.clone());
    settle().await;
    assert!(!connection.is_closed());
    drop(connection);
    settle().await;
    assert_eq!(alive_tasks(), before);
}

#[test]
fn handles_work_from_threads_without_a_runtime_and_survive_the_end_of_theirs() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        let request = peer.request().await.unwrap();
        peer.succeed(request.request_id, &named("one")).await;
        peer.closed().await;
    });
    let mut config = config();
    config.max_in_flight = 2;
    let connecting = Connection::connect(net.dialer(), "server", 1, &config, runtime.handle());
    let connection = block_on(connecting).unwrap();
    let one = block_on(list(&connection, seconds(60))).unwrap();
    assert_eq!(one, "one");

    // Nobody answers these; the third finds no room.
    let callers = (0..3)
        .map(|_| {
            let connection = connection.clone();
            std::thread::spawn(move || block_on(list(&connection, seconds(3600))))
        })
        .collect::<Vec<_>>();
    std::thread::sleep(Duration::from_millis(50));
    drop(runtime);
    for caller in callers {
        assert!(caller.join().unwrap().is_err());
    }
    let error = block_on(list(&connection, seconds(3600))).unwrap_err();
    assert!(error.was_not_sent(), "{error}");
}

#[test]
fn a_deadline_holds_though_the_drivers_cannot_run() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        peer.closed().await;
    });
    let connection = runtime.block_on(connect(&net));
    // A call wakes the driver on its own worker, which is then blocked: no other worker can take the driver over.
    let (blocked, is_blocked) = std::sync::mpsc::channel();
    let (free, is_free) = std::sync::mpsc::channel::<()>();
    let other = connection.clone();
    runtime.spawn(async move {
        let mut call = pin!(list(&other, seconds(60)));
        let waker = noop_waker();
        let _ = call.as_mut().poll(&mut Context::from_waker(&waker));
        blocked.send(()).unwrap();
        // An error is the end of the test, which is as good.
        let _ = is_free.recv_timeout(Duration::from_secs(60));
    });
    is_blocked.recv().unwrap();
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = block_on(list(&connection, deadline)).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    // Fails if the worker waits no more, and the driver has run.
    free.send(()).expect("the driver could not run until now");
}
