//! What rules do to requests, answers and connections.

use std::time::Duration;

use fluss_mock::fault::{self, Fault, Mangle};
use fluss_mock::{ApiKey, ErrorCode, FaultProxy, MockCluster, ServerId};
use fluss_wire::frame::Response;
use fluss_wire::message::{
    ApiVersionsRequest, DatabaseExistsRequest, ListDatabasesRequest, ListOffsetsRequest,
    ListTablesRequest,
};
use tokio::time::{Instant, timeout};

use crate::client::{Client, create, descriptor};

const SECOND: Duration = Duration::from_secs(1);

async fn started() -> (MockCluster, Client) {
    let builder = MockCluster::builder().in_memory();
    let cluster = builder.start().await.unwrap();
    let client = dial(&cluster).await;
    (cluster, client)
}

/// A client of the coordinator.
async fn dial(cluster: &MockCluster) -> Client {
    let network = cluster.network();
    let address = cluster.coordinator();
    let host = address.ip().to_string();
    Client::over(network.dial(&host, address.port()).await.unwrap())
}

/// What a request for the databases meets: its answer, silence, or the end of the connection.
#[derive(Debug, PartialEq)]
enum Met {
    Answer,
    Error(ErrorCode),
    Silence,
    End,
    OtherId,
    Garbage,
}

async fn meet(client: &mut Client) -> Met {
    let sent = client.try_send(0, &ListDatabasesRequest::default()).await;
    if sent.is_err() {
        return Met::End;
    }
    let id = client.last_id();
    receive(client, id).await
}

async fn receive(client: &mut Client, id: i32) -> Met {
    match timeout(100 * SECOND, client.try_receive()).await {
        Err(_) => Met::Silence,
        Ok(None) => Met::End,
        Ok(Some(Err(_))) => Met::Garbage,
        Ok(Some(Ok(Response::Success { request_id, .. }))) if request_id == id => Met::Answer,
        Ok(Some(Ok(Response::Error { request_id, error }))) if request_id == id => {
            Met::Error(error.code)
        }
        Ok(Some(Ok(_))) => Met::OtherId,
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn what_a_rule_says_is_what_a_client_meets() {
    let on = || fault::on(ApiKey::ListDatabases).times(1);
    let code = ErrorCode::NOT_COORDINATOR_LEADER_EXCEPTION;
    let cases = [
        (
            "an error before",
            on().before(Fault::Error(code)),
            Met::Error(code),
            Met::Answer,
        ),
        (
            "an error after",
            on().after(Fault::Error(code)),
            Met::Error(code),
            Met::Answer,
        ),
        (
            "an error of buckets that there are none of",
            on().before(Fault::BucketError(code)),
            Met::Error(code),
            Met::Answer,
        ),
        (
            "dropped before",
            on().before(Fault::Drop),
            Met::Silence,
            Met::Answer,
        ),
        (
            "dropped after",
            on().after(Fault::Drop),
            Met::Silence,
            Met::Answer,
        ),
        (
            "late",
            on().before(Fault::Delay(99 * SECOND)),
            Met::Answer,
            Met::Answer,
        ),
        (
            "too late",
            on().after(Fault::Delay(101 * SECOND)),
            Met::Silence,
            Met::Answer,
        ),
        (
            "stalled",
            on().before(Fault::Stall),
            Met::Silence,
            Met::Silence,
        ),
        ("closed", on().after(Fault::Close), Met::End, Met::End),
        (
            "cut",
            on().mangle(Mangle::Cut { after: 7 }),
            Met::End,
            Met::End,
        ),
        (
            "half",
            on().mangle(Mangle::Half { after: 7 }),
            Met::Silence,
            Met::Silence,
        ),
        (
            "type flipped",
            on().mangle(Mangle::Flip { at: 4 }),
            Met::Garbage,
            Met::Answer,
        ),
        (
            "negative length",
            on().mangle(Mangle::Length(-1)),
            Met::Garbage,
            Met::Garbage,
        ),
        (
            "too long",
            on().mangle(Mangle::Length(1000)),
            Met::Silence,
            Met::Silence,
        ),
        (
            "id of nobody",
            on().mangle(Mangle::RequestId),
            Met::OtherId,
            Met::Answer,
        ),
        (
            "twice",
            on().mangle(Mangle::Twice),
            Met::Answer,
            Met::OtherId,
        ),
        (
            "a byte a second",
            on().mangle(Mangle::Drip {
                bytes: 1,
                every: SECOND,
            }),
            Met::Answer,
            Met::Answer,
        ),
    ];
    for (name, rule, first, second) in cases {
        let (cluster, mut client) = started().await;
        let injected = cluster.inject(rule);
        assert_eq!(meet(&mut client).await, first, "{name}, the first time");
        assert_eq!(injected.hits(), 1, "{name}");
        if second != Met::Garbage {
            assert_eq!(meet(&mut client).await, second, "{name}, the second time");
        }
        // Others see nothing of it.
        assert_eq!(meet(&mut dial(&cluster).await).await, Met::Answer, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_answered_with_an_error_after_it_took_effect_did_take_effect() {
    let (cluster, mut client) = started().await;
    let error = Fault::Error(ErrorCode::UNKNOWN_SERVER_ERROR);
    let exists = |table: &str| fluss_wire::message::TableExistsRequest {
        table_path: crate::client::path(table),
    };
    cluster.inject(fault::on(ApiKey::CreateTable).nth(1).before(error));
    cluster.inject(fault::on(ApiKey::CreateTable).nth(1).after(error));
    for (name, took_effect) in [("not", false), ("done", true)] {
        let code = client.code(create(name, descriptor(false))).await;
        assert_eq!(code, ErrorCode::UNKNOWN_SERVER_ERROR);
        let answer = client.call(exists(name)).await.unwrap();
        assert_eq!(answer.exists, took_effect, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_chooses_its_cases() {
    let cluster = MockCluster::builder()
        .tablet_servers(2)
        .seed(11)
        .in_memory()
        .start()
        .await
        .unwrap();
    let mut client = dial(&cluster).await;
    let mut other = dial(&cluster).await;
    let code = ErrorCode::UNKNOWN_SERVER_ERROR;
    let error = Fault::Error(code);

    let third = cluster.inject(fault::on(ApiKey::ListDatabases).nth(3).before(error));
    let mut met = Vec::new();
    for _ in 0..5 {
        met.push(meet(&mut client).await == Met::Answer);
    }
    assert_eq!(met, [true, true, false, true, true]);
    third.hit_at_least(1).await;

    let elsewhere = cluster.inject(fault::on_any().server(1).before(error));
    let second = cluster.inject(fault::on_any().connection(2).before(error));
    assert_eq!(meet(&mut client).await, Met::Answer);
    assert_eq!(meet(&mut other).await, Met::Error(code));
    assert_eq!((elsewhere.hits(), second.hits()), (0, 1));
    cluster.remove_faults();
    assert_eq!(meet(&mut other).await, Met::Answer);

    let asked = |name: &str| DatabaseExistsRequest {
        database_name: name.to_owned(),
    };
    let this = cluster.inject(
        fault::on(ApiKey::DatabaseExists)
            .or(ApiKey::ListTables)
            .when(|request: &DatabaseExistsRequest| request.database_name == "this")
            .before(error),
    );
    assert_eq!(client.code(asked("other")).await, ErrorCode::NONE);
    assert_eq!(client.code(asked("this")).await, code);
    let tables = ListTablesRequest {
        database_name: "fluss".to_owned(),
    };
    assert_eq!(client.code(tables).await, ErrorCode::NONE);
    this.remove();
    assert_eq!(client.code(asked("this")).await, ErrorCode::NONE);

    let third = fault::on(ApiKey::ListDatabases).probability(1.0 / 3.0);
    let third = cluster.inject(third.before(error));
    for _ in 0..300 {
        meet(&mut client).await;
    }
    assert!((70..130).contains(&third.hits()), "{third:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_one_bucket_leaves_the_others_alone() {
    let (cluster, mut coordinator) = started().await;
    let table = descriptor(false).bucket_count(3);
    coordinator.call(create("three", table)).await.unwrap();
    let address = cluster.tablet_servers()[0];
    let network = cluster.network();
    let host = address.ip().to_string();
    let mut client = Client::over(network.dial(&host, address.port()).await.unwrap());
    let request = ListOffsetsRequest {
        follower_server_id: -1,
        offset_type: 1,
        table_id: 0,
        bucket_id: vec![0, 1, 2].into(),
        ..ListOffsetsRequest::default()
    };
    let code = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    for after in [false, true] {
        let on = fault::on(ApiKey::ListOffsets).bucket(1).times(1);
        let fault = Fault::BucketError(code);
        cluster.inject(if after {
            on.after(fault)
        } else {
            on.before(fault)
        });
        let answer = client.call(request.clone()).await.unwrap();
        let mut codes = Vec::new();
        for bucket in answer.buckets_resp {
            codes.push((bucket.bucket_id, bucket.error_code));
        }
        codes.sort_unstable();
        assert_eq!(codes, [(0, None), (1, Some(code.value())), (2, None)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_delayed_holds_up_the_next_and_a_delayed_answer_does_not() {
    let delay = Fault::Delay(5 * SECOND);
    for (before, order) in [(true, [0, 1]), (false, [1, 0])] {
        let (cluster, mut client) = started().await;
        let on = fault::on_any().nth(1);
        cluster.inject(if before {
            on.before(delay)
        } else {
            on.after(delay)
        });
        let started = Instant::now();
        let mut ids = Vec::new();
        for _ in 0..2 {
            ids.push(client.send(0, &ListDatabasesRequest::default()).await);
        }
        for place in order {
            assert_eq!(receive(&mut client, ids[place]).await, Met::Answer);
        }
        assert_eq!(started.elapsed(), 5 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn connections_may_be_rejected_ignored_or_left_silent() {
    let (cluster, mut before) = started().await;
    let address = cluster.coordinator();
    let (network, host) = (cluster.network(), address.ip().to_string());
    let on_connect = || fault::on_connect().server(ServerId::Coordinator).times(1);

    cluster.inject(on_connect().reject());
    assert!(network.dial(&host, address.port()).await.is_err());

    cluster.inject(on_connect().ignore());
    let dial = network.dial(&host, address.port());
    assert!(timeout(1000 * SECOND, dial).await.is_err());

    cluster.inject(on_connect().stay_silent());
    let mut client = Client::over(network.dial(&host, address.port()).await.unwrap());
    let id = client.send(0, &ApiVersionsRequest::default()).await;
    assert_eq!(receive(&mut client, id).await, Met::Silence);

    // Connections from before keep working.
    assert_eq!(meet(&mut before).await, Met::Answer);
}

#[tokio::test]
async fn a_proxy_does_the_same_between_a_client_and_a_server() {
    let cluster = MockCluster::start().await.unwrap();
    let port = cluster.coordinator().port();
    let proxy = FaultProxy::new(0);
    let dial = async || Client::over(proxy.dial("127.0.0.1", port).await.unwrap());
    let code = ErrorCode::UNKNOWN_SERVER_ERROR;
    let on = || fault::on(ApiKey::ListDatabases).times(1);
    let cases = [
        (on().before(Fault::Error(code)), Met::Error(code)),
        (on().after(Fault::Error(code)), Met::Error(code)),
        (on().after(Fault::Close), Met::End),
        (on().mangle(Mangle::Cut { after: 7 }), Met::End),
        (on().mangle(Mangle::RequestId), Met::OtherId),
        (on().server(i32::from(port)).before(Fault::Close), Met::End),
        (on().server(1).before(Fault::Close), Met::Answer),
    ];
    for (rule, met) in cases {
        proxy.remove_faults();
        cluster.clear_journal();
        let mut client = dial().await;
        proxy.inject(rule.clone());
        assert_eq!(meet(&mut client).await, met, "{rule:?}");
        if met != Met::End {
            assert_eq!(meet(&mut client).await, Met::Answer, "{rule:?}");
        }
    }
    proxy.inject(fault::on_connect().times(1).reject());
    assert!(proxy.dial("127.0.0.1", port).await.is_err());
    assert_eq!(meet(&mut dial().await).await, Met::Answer);
}
