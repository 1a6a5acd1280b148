//! Every way in which a server can be bad, for each kind of call: an error in time, no hang, and the next call works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fluss_rpc::{Cluster, RpcError};
use fluss_wire::frame::encode_success;
use fluss_wire::message::{ListDatabasesRequest, MetadataResponse, PbServerNode};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::connection::{named, open, seconds};
use crate::net::{Net, Peer, TABLET, alive_tasks, config, settle, versions};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Badness {
    Silent,
    HalfAFrame,
    ShortFrame,
    EmptyFrame,
    NegativeLength,
    TwoGigabytes,
    JustBelowTheCap,
    UnknownType,
    JunkMessage,
    JunkError,
    WrongId,
    ClosedInMidAnswer,
    ClosedAtOnce,
    OneByteASecond,
    AfterTheDeadline,
}

const ALL: [Badness; 15] = [
    Badness::Silent,
    Badness::HalfAFrame,
    Badness::ShortFrame,
    Badness::EmptyFrame,
    Badness::NegativeLength,
    Badness::TwoGigabytes,
    Badness::JustBelowTheCap,
    Badness::UnknownType,
    Badness::JunkMessage,
    Badness::JunkError,
    Badness::WrongId,
    Badness::ClosedInMidAnswer,
    Badness::ClosedAtOnce,
    Badness::OneByteASecond,
    Badness::AfterTheDeadline,
];

/// Answers one request badly, and then no more. `answer` is what would be right.
async fn misbehave(peer: &mut Peer, id: i32, answer: &[u8], badness: Badness) {
    let junk = |kind: u8| {
        let head = [0, 0, 0, 8, kind];
        [&head[..], &id.to_be_bytes(), &[0xff; 3]].concat()
    };
    let bytes = match badness {
        Badness::Silent => Vec::new(),
        Badness::HalfAFrame => answer[..answer.len() / 2].to_vec(),
        Badness::ShortFrame => vec![0, 0, 0, 3, 0, 0, 0],
        Badness::EmptyFrame => vec![0, 0, 0, 0],
        Badness::NegativeLength => vec![0xff, 0xff, 0xff, 0xff, 0],
        Badness::TwoGigabytes => vec![0x7f, 0xff, 0xff, 0xff, 0],
        Badness::JustBelowTheCap => vec![0x07, 0xff, 0xff, 0xff, 0],
        Badness::UnknownType => vec![0, 0, 0, 5, 9, 0, 0, 0, 0],
        Badness::JunkMessage => junk(0),
        Badness::JunkError => junk(1),
        Badness::WrongId => {
            sleep(Duration::from_millis(1)).await;
            let wrong = (id + 1000).to_be_bytes();
            [&answer[..5], &wrong, &answer[9..]].concat()
        }
        Badness::ClosedInMidAnswer => {
            peer.send(&answer[..answer.len() - 1]).await;
            return;
        }
        Badness::ClosedAtOnce => return,
        Badness::OneByteASecond => {
            for byte in answer {
                if !peer.send(&[*byte]).await {
                    return;
                }
                sleep(Duration::from_secs(1)).await;
            }
            Vec::new()
        }
        Badness::AfterTheDeadline => {
            sleep(Duration::from_secs(30)).await;
            answer.to_vec()
        }
    };
    peer.send(&bytes).await;
    peer.closed().await;
}

fn bytes_of<M: fluss_wire::codec::WireMessage>(id: i32, message: &M) -> Vec<u8> {
    encode_success(id, message).unwrap().into_bytes().to_vec()
}

fn metadata() -> MetadataResponse {
    MetadataResponse {
        tablet_servers: vec![PbServerNode {
            node_id: 3,
            host: "server".to_owned(),
            port: 1,
            ..PbServerNode::default()
        }]
        .into(),
        ..MetadataResponse::default()
    }
}

/// A server that serves as it should, except for one API while it is bad.
fn server(bad_api: i16, badness: Badness) -> (Net, Arc<AtomicBool>) {
    let bad = Arc::new(AtomicBool::new(true));
    let is_bad = Arc::clone(&bad);
    let net = Net::serving(move |mut peer, _| {
        let is_bad = Arc::clone(&is_bad);
        async move {
            while let Some(request) = peer.request().await {
                let id = request.request_id;
                let answer = match request.api_key {
                    1000 => bytes_of(id, &versions(TABLET)),
                    1012 => bytes_of(id, &metadata()),
                    _ => bytes_of(id, &named("database")),
                };
                if request.api_key == bad_api && is_bad.load(Ordering::Relaxed) {
                    return misbehave(&mut peer, id, &answer, badness).await;
                }
                peer.send(&answer).await;
            }
        }
    });
    (net, bad)
}

fn assert_says_who(error: &RpcError, badness: Badness) {
    let text = error.to_string();
    assert!(text.contains("server:1"), "{badness:?}: {text}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_handshake_ends_in_time() {
    for badness in ALL {
        let (net, bad) = server(1000, badness);
        let connect = || open(&net);
        let tasks = alive_tasks();
        let started = Instant::now();
        let error = connect().await.unwrap_err();
        assert!(started.elapsed() <= Duration::from_secs(3), "{badness:?}");
        assert_says_who(&error, badness);
        assert!(error.was_not_sent() || error.is_corrupt(), "{badness:?}");
        bad.store(false, Ordering::Relaxed);
        connect().await.unwrap();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(alive_tasks(), tasks, "{badness:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_answer_to_a_call_ends_in_time() {
    for badness in ALL {
        let (net, _) = server(1003, badness);
        let connection = open(&net).await.unwrap();
        let started = Instant::now();
        let request = ListDatabasesRequest::default();
        let error = connection.call(&request, seconds(5)).await.unwrap_err();
        assert!(started.elapsed() <= Duration::from_secs(5), "{badness:?}");
        assert_says_who(&error, badness);
        assert!(!error.was_not_sent(), "{badness:?}");
        settle().await;
        // A wrong id and a junk message are frames: whoever waits for another answer may still get it.
        let lives_on = [Badness::WrongId, Badness::JunkMessage].contains(&badness);
        assert_eq!(connection.is_closed(), !lives_on, "{badness:?}");
        let corrupt = [
            Badness::ShortFrame,
            Badness::EmptyFrame,
            Badness::NegativeLength,
            Badness::TwoGigabytes,
            Badness::UnknownType,
            Badness::JunkMessage,
            Badness::JunkError,
        ];
        assert_eq!(
            error.is_corrupt(),
            corrupt.contains(&badness),
            "{badness:?}: {error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_bad_servers_is_not_reached_and_says_so_in_time() {
    for badness in ALL {
        for api in [1000, 1012] {
            let (net, bad) = server(api, badness);
            let tasks = alive_tasks();
            let connect = || {
                let bootstrap = vec![("server".to_owned(), 1)];
                Cluster::connect_with(config(), bootstrap, net.dialer(), Handle::current())
            };
            let started = Instant::now();
            let error = connect().await.unwrap_err();
            let waited = started.elapsed();
            assert!(waited <= Duration::from_secs(12), "{badness:?}: {waited:?}");
            assert_says_who(&error, badness);
            bad.store(false, Ordering::Relaxed);
            connect().await.unwrap();
            sleep(Duration::from_secs(60)).await;
            assert_eq!(alive_tasks(), tasks, "{badness:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_cluster_outlives_a_bad_server_and_ends_in_time_otherwise() {
    for badness in ALL {
        let (net, bad) = server(1003, badness);
        let bootstrap = vec![("server".to_owned(), 1)];
        let cluster = Cluster::connect_with(config(), bootstrap, net.dialer(), Handle::current())
            .await
            .unwrap();
        let request = ListDatabasesRequest::default();
        let started = Instant::now();
        let error = cluster.call_any(&request).await.unwrap_err();
        let waited = started.elapsed();
        assert!(
            waited <= Duration::from_millis(12_100),
            "{badness:?}: {waited:?}"
        );
        assert_says_who(&error, badness);

        let healed = async {
            sleep(Duration::from_secs(1)).await;
            bad.store(false, Ordering::Relaxed);
        };
        let (answer, ()) = tokio::join!(cluster.call_any(&request), healed);
        let junk = error.is_corrupt();
        match answer {
            Ok(answer) => assert_eq!(answer.database_name, ["database"], "{badness:?}"),
            // Nonsense is not asked for twice.
            Err(error) => assert!(junk, "{badness:?}: {error}"),
        }
    }
}
