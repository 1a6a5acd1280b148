//! The pool: one dial for all, pauses after failures, moved servers, its end.

use std::time::Duration;

use fluss_metadata::{ServerKind, ServerNode};
use fluss_rpc::{ConnectionPool, Lane, RpcConfig, RpcError};
use fluss_wire::message::ListDatabasesRequest;
use futures::future::join_all;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::connection::{named, seconds};
use crate::net::{Net, Peer, TABLET, alive_tasks, config, settle};

pub(crate) fn tablet(id: i32) -> ServerNode {
    ServerNode::new(id, "server", 1, ServerKind::TabletServer, None)
}

async fn good(mut peer: Peer, nth: usize) {
    peer.handshake(TABLET).await;
    while let Some(request) = peer.request().await {
        peer.succeed(request.request_id, &named(&nth.to_string()))
            .await;
    }
}

fn pool_with(net: &Net, change: impl FnOnce(&mut RpcConfig)) -> ConnectionPool {
    let mut config = config();
    change(&mut config);
    ConnectionPool::new(config, net.dialer(), Handle::current())
}

fn pool(net: &Net) -> ConnectionPool {
    pool_with(net, |_| {})
}

#[tokio::test(start_paused = true)]
async fn a_hundred_who_ask_at_once_cause_one_dial() {
    let net = Net::serving(|peer, nth| async move {
        sleep(Duration::from_millis(100)).await;
        good(peer, nth).await;
    });
    let pool = pool(&net);
    let server = tablet(3);
    let asking = (0..100).map(|_| pool.get(&server, Lane::FIRST, seconds(5)));
    assert!(join_all(asking).await.iter().all(Result::is_ok));
    assert_eq!((net.dials(), pool.open_connections()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn lanes_have_connections_of_their_own_and_wrap_around() {
    let net = Net::serving(good);
    let pool = pool_with(&net, |config| config.connections_per_server = 3);
    let server = tablet(3);
    for lane in 0..30 {
        pool.get(&server, Lane::new(lane), seconds(5))
            .await
            .unwrap();
    }
    pool.get(&server, Lane::new(usize::MAX), seconds(5))
        .await
        .unwrap();
    assert_eq!((net.dials(), pool.open_connections()), (3, 3));
    let pool = pool_with(&net, |config| config.connections_per_server = 0);
    pool.get(&server, Lane::new(1), seconds(5)).await.unwrap();
    assert_eq!(pool.open_connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_hear_of_a_failed_dial_and_the_next_ones_wait_longer_and_longer() {
    let net = Net::default();
    let pool = pool(&net);
    let server = tablet(3);
    let asking = (0..20).map(|_| pool.get(&server, Lane::FIRST, seconds(5)));
    for outcome in join_all(asking).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, RpcError::Connect { .. }), "{error}");
        assert!(error.is_retriable() && error.was_not_sent());
    }
    assert_eq!(net.dials(), 1);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let started = Instant::now();
        pool.get(&server, Lane::FIRST, seconds(5))
            .await
            .unwrap_err();
        pauses.push(started.elapsed().as_millis());
    }
    assert!((40..=61).contains(&pauses[0]), "{pauses:?}");
    assert!((80..=121).contains(&pauses[1]), "{pauses:?}");
    assert!((800..=1201).contains(&pauses[7]), "{pauses:?}");

    // It was never poisoned.
    net.serve("server:1", good);
    pool.get(&server, Lane::FIRST, seconds(5)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dialer_that_panics_costs_one_attempt() {
    let net = Net::default();
    net.panic("server:1");
    let pool = pool(&net);
    let server = tablet(3);
    let error = pool
        .get(&server, Lane::FIRST, seconds(5))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    net.serve("server:1", good);
    pool.get(&server, Lane::FIRST, seconds(5)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_has_less_time_than_the_dial_takes_hears_of_it_in_time() {
    let net = Net::default();
    net.swallow("server:1");
    let pool = pool(&net);
    let server = tablet(3);
    let started = Instant::now();
    let error = pool
        .get(&server, Lane::FIRST, seconds(1))
        .await
        .unwrap_err();
    assert!(error.is_timeout() && error.was_not_sent(), "{error}");
    assert_eq!(started.elapsed().as_secs(), 1);
    // The dial went on; another one joins it.
    let error = pool
        .get(&server, Lane::FIRST, seconds(60))
        .await
        .unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!((started.elapsed().as_secs(), net.dials()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_replaced_by_whoever_asks_next() {
    let net = Net::serving(|mut peer, nth| async move {
        peer.handshake(TABLET).await;
        let request = peer.request().await.unwrap();
        peer.succeed(request.request_id, &named(&nth.to_string()))
            .await;
    });
    let pool = pool(&net);
    let server = tablet(3);
    for nth in 0..3 {
        let connection = pool.get(&server, Lane::FIRST, seconds(5)).await.unwrap();
        let request = ListDatabasesRequest::default();
        let answer = connection.call(&request, seconds(5)).await.unwrap();
        assert_eq!(answer.database_name, [nth.to_string()]);
        settle().await;
        assert!(connection.is_closed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_moved_is_dialed_at_its_new_address() {
    let net = Net::serving(good);
    net.serve("elsewhere:2", good);
    let pool = pool(&net);
    let before = pool.get(&tablet(3), Lane::FIRST, seconds(5)).await.unwrap();
    let moved = ServerNode::new(3, "elsewhere", 2, ServerKind::TabletServer, None);
    let after = pool.get(&moved, Lane::FIRST, seconds(5)).await.unwrap();
    assert_eq!((net.dials(), pool.open_connections()), (2, 1));
    // Whoever still uses the old one may finish.
    assert!(!before.is_closed() && !after.is_closed());
    let again = pool.get(&moved, Lane::FIRST, seconds(5)).await.unwrap();
    assert!(!again.is_closed());
    assert_eq!(net.dials(), 2);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_dials_calls_and_tasks_at_once() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        peer.closed().await;
    });
    net.swallow("elsewhere:2");
    let before = alive_tasks();
    let pool = pool(&net);
    let connection = pool.get(&tablet(3), Lane::FIRST, seconds(5)).await.unwrap();
    let elsewhere = ServerNode::new(4, "elsewhere", 2, ServerKind::TabletServer, None);
    let started = Instant::now();
    let request = ListDatabasesRequest::default();
    let (call, dial, ()) = tokio::join!(
        connection.call(&request, seconds(5)),
        pool.get(&elsewhere, Lane::FIRST, seconds(5)),
        async {
            settle().await;
            pool.close();
        }
    );
    assert!(call.is_err());
    assert!(dial.unwrap_err().is_closed());
    assert!(started.elapsed() < Duration::from_millis(10));
    let late = pool.get(&tablet(3), Lane::FIRST, seconds(5)).await;
    assert!(late.unwrap_err().is_closed());
    settle().await;
    assert_eq!(alive_tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn everything_ends_with_the_last_handle() {
    let net = Net::serving(good);
    net.swallow("elsewhere:2");
    let before = alive_tasks();
    let pool = pool(&net);
    pool.get(&tablet(3), Lane::FIRST, seconds(5)).await.unwrap();
    let elsewhere = ServerNode::new(4, "elsewhere", 2, ServerKind::TabletServer, None);
    let given_up = tokio::time::timeout(
        Duration::from_millis(1),
        pool.get(&elsewhere, Lane::FIRST, seconds(5)),
    );
    assert!(given_up.await.is_err());
    let other = pool.clone();
    drop(pool);
    settle().await;
    assert!(alive_tasks() > before);
    drop(other);
    settle().await;
    assert_eq!(alive_tasks(), before);
}
