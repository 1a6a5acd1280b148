//! The view of a cluster, refreshes, and calls that find their server.

use std::sync::Arc;
use std::time::Duration;

use fluss_metadata::{ServerNode, TableBucket};
use fluss_rpc::{Cluster, Lane, RpcError, Secret, Security};
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{CreateDatabaseRequest, LimitScanRequest, ListDatabasesRequest};
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::connection::seconds;
use crate::fake_cluster::{Conduct, FakeCluster, Server, leader, path, tables_of};
use crate::net::{TABLET, alive_tasks, block_on, config, settle};

const ALL_BUCKETS: [Option<i32>; 3] = [Some(1), Some(2), Some(3)];

#[tokio::test(start_paused = true)]
async fn bootstrap_addresses_are_tried_in_order() {
    let fake = FakeCluster::new(3);
    fake.net.refuse("down:1");
    fake.net.swallow("dead:1");
    let started = Instant::now();
    let cluster = fake
        .connect_to(&["down:1", "dead:1", "t2:1"], config())
        .await
        .unwrap();
    // The dead one had its share of the time: 3 s for a connection.
    assert_eq!(started.elapsed().as_secs(), 3);
    let view = cluster.view();
    assert_eq!(view.tablet_servers().len(), 3);
    assert_eq!(view.coordinator().unwrap().host(), "c");
    settle().await;
    // Whose the bootstrap connection is, the answer told: it is kept, and used before another one is dialed.
    assert_eq!(cluster.pool().open_connections(), 1);
    let dials = fake.net.dials();
    cluster
        .call_any(&ListDatabasesRequest::default())
        .await
        .unwrap();
    assert_eq!(fake.net.dials(), dials);
}

#[tokio::test(start_paused = true)]
async fn a_bootstrap_connection_that_is_no_servers_own_is_not_kept() {
    let fake = FakeCluster::new(2);
    fake.host("balancer:1", TABLET);
    let cluster = fake.connect_to(&["balancer:1"], config()).await.unwrap();
    settle().await;
    assert_eq!(cluster.pool().open_connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_dead_addresses_share_the_time() {
    let fake = FakeCluster::new(1);
    let dead = (0..11).map(|n| format!("dead{n}:1")).collect::<Vec<_>>();
    for address in &dead {
        fake.net.swallow(address);
    }
    let addresses = dead.iter().map(String::as_str).chain(["t1:1"]);
    let addresses = addresses.collect::<Vec<_>>();
    let started = Instant::now();
    fake.connect_to(&addresses, config()).await.unwrap();
    assert!(started.elapsed() <= Duration::from_secs(12));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_connecting_fails_soon_and_says_how_often_it_was_tried() {
    let fake = FakeCluster::new(1);
    fake.net.refuse("t1:1");
    let started = Instant::now();
    let error = fake.connect_to(&["t1:1"], config()).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(fake.net.dials(), 4);
    let text = error.to_string();
    assert!(text.starts_with("gave up after 4 attempts in "), "{text}");
    assert!(text.contains("cannot connect to t1:1"), "{text}");
    let error = fake.connect_to(&[], config()).await.unwrap_err();
    assert!(
        error.to_string().contains("any server is not known"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_still_starting_is_waited_for() {
    let fake = FakeCluster::new(1);
    fake.set(|state| state.starting.insert("t1:1".to_owned()));
    let started = async {
        sleep(Duration::from_secs(8)).await;
        fake.set(|state| state.starting.clear());
    };
    let (cluster, ()) = tokio::join!(fake.connect_to(&["t1:1"], config()), started);
    assert_eq!(cluster.unwrap().view().tablet_servers().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_nobody_is_passed_over() {
    let fake = FakeCluster::new(2);
    fake.set(|state| state.starting.insert("t1:1".to_owned()));
    let cluster = fake.connect_to(&["t1:1", "t2:1"], config()).await.unwrap();
    assert_eq!(cluster.view().tablet_servers().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_end_the_search_at_once() {
    let fake = FakeCluster::new(1);
    fake.net.serve("t1:1", |mut peer, _| async move {
        peer.handshake(TABLET).await;
        let request = peer.request().await.unwrap();
        peer.fail(request.request_id, ErrorCode::AUTHENTICATE_EXCEPTION)
            .await;
        peer.closed().await;
    });
    let mut config = config();
    config.security = Security::SaslPlain {
        username: "root".to_owned(),
        password: Secret::new("wrong"),
    };
    let error = fake
        .connect_to(&["t1:1", "t1:1"], config)
        .await
        .unwrap_err();
    assert_eq!(
        error.server_error().unwrap().code,
        ErrorCode::AUTHENTICATE_EXCEPTION
    );
    assert_eq!(fake.net.dials(), 1);
}

#[tokio::test(start_paused = true)]
async fn fifty_who_want_to_know_the_same_cause_one_request() {
    let fake = FakeCluster::new(3);
    fake.table("orders", 7, &ALL_BUCKETS);
    let cluster = fake.connect().await;
    fake.set(|state| state.metadata_delay = Duration::from_millis(50));
    let path = path("orders");
    let asking = (0..50).map(|_| cluster.refresh_table(&path));
    assert!(join_all(asking).await.iter().all(Result::is_ok));
    // The first one's, and one for those who came before it was sent.
    assert!(fake.take_metadata().len() <= 2);
    assert_eq!(cluster.view().table_id(&path), Some(7));

    // Who comes while an answer is on its way takes part in it.
    let (first, ()) = tokio::join!(cluster.refresh_table(&path), async {
        sleep(Duration::from_millis(25)).await;
        cluster.refresh_table(&path).await.unwrap();
        cluster.refresh_all().await.unwrap();
    });
    first.unwrap();
    assert_eq!(fake.take_metadata().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_refresh_is_under_way_at_a_time_and_wishes_share_it() {
    let fake = FakeCluster::new(3);
    let paths = (0..40).map(|n| path(&format!("t{n}"))).collect::<Vec<_>>();
    for (id, path) in (0..).zip(&paths) {
        fake.table(path.table(), id, &ALL_BUCKETS);
    }
    let cluster = fake.connect().await;
    fake.set(|state| state.metadata_delay = Duration::from_millis(50));
    let started = Instant::now();
    let asking = paths.iter().map(|path| cluster.refresh_table(path));
    assert!(join_all(asking).await.iter().all(Result::is_ok));
    assert!(started.elapsed() <= Duration::from_millis(110));
    assert!(fake.take_metadata().len() <= 2);
    assert_eq!(fake.set(|state| state.most_asking), 1);
    for (id, path) in (0..).zip(&paths) {
        assert_eq!(cluster.view().table_id(path), Some(id));
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_table_does_not_spoil_the_others() {
    let fake = FakeCluster::new(3);
    for (name, id) in [("a", 1), ("b", 2), ("d", 4), ("e", 5), ("hidden", 6)] {
        fake.table(name, id, &ALL_BUCKETS);
    }
    let cluster = fake.connect().await;
    fake.set(|state| state.metadata_delay = Duration::from_millis(50));
    let names = ["a", "b", "c", "d", "e", "hidden"];
    let asking = names.map(|name| {
        let cluster = cluster.clone();
        async move { cluster.refresh_table(&path(name)).await }
    });
    let outcomes = join_all(asking).await;
    for (name, outcome) in names.iter().zip(outcomes) {
        match *name {
            "c" => {
                let error = outcome.unwrap_err();
                assert_eq!(
                    error.server_error().unwrap().code,
                    ErrorCode::TABLE_NOT_EXIST
                );
                assert!(!error.is_retriable() && error.invalidates_metadata());
            }
            "hidden" => assert!(matches!(outcome.unwrap_err(), RpcError::Unknown { .. })),
            _ => outcome.unwrap(),
        }
    }
    // A table that is dropped is forgotten.
    fake.set(|state| state.tables.remove("a"));
    cluster.refresh_table(&path("a")).await.unwrap_err();
    assert_eq!(cluster.view().table_id(&path("a")), None);
    assert_eq!(leader(&cluster, &TableBucket::new(1, 0)), None);
    assert_eq!(leader(&cluster, &TableBucket::new(2, 0)), Some(1));
}

#[tokio::test(start_paused = true)]
async fn partitions_are_found_by_name_and_by_id_and_missing_ones_forgotten() {
    let fake = FakeCluster::new(3);
    fake.table("logs", 7, &[]);
    fake.set(|state| {
        for n in 0..20 {
            let name = ("logs".to_owned(), format!("p{n}"));
            state.partitions.insert(name, (100 + n, 1));
        }
    });
    let cluster = fake.connect().await;
    let logs = path("logs");
    assert_eq!(cluster.partition_id(&logs, "p3").await.unwrap(), Some(103));
    assert_eq!(cluster.partition_id(&logs, "p3").await.unwrap(), Some(103));
    assert_eq!(fake.take_metadata().len(), 1, "the second time it is known");
    assert_eq!(cluster.partition_id(&logs, "none").await.unwrap(), None);
    assert!(cluster.partition_id(&path("none"), "p3").await.is_err());

    let bucket = |partition| TableBucket::new_with_partition(7, Some(partition), 0);
    let all = (100..120).map(bucket).collect::<Vec<_>>();
    cluster.refresh_buckets(&logs, &all).await.unwrap();
    assert!(all.iter().all(|bucket| leader(&cluster, bucket) == Some(1)));
    fake.set(|state| {
        state
            .partitions
            .remove(&("logs".to_owned(), "p3".to_owned()));
        state
            .partitions
            .remove(&("logs".to_owned(), "p17".to_owned()));
        state.partitions.values_mut().for_each(|known| known.1 = 2);
    });
    fake.take_metadata();
    cluster.refresh_buckets(&logs, &all).await.unwrap();
    for bucket in &all {
        let gone = [Some(103), Some(117)].contains(&bucket.partition_id());
        let expected = if gone { None } else { Some(2) };
        assert_eq!(leader(&cluster, bucket), expected, "{bucket}");
    }
    // The request was halved until what is missing stood alone, not sent one by one.
    let requests = fake.take_metadata().len();
    assert!((3..20).contains(&requests), "{requests}");

    // Made anew under its name it has another id.
    fake.set(|state| {
        let name = ("logs".to_owned(), "p3".to_owned());
        state.partitions.insert(name, (500, 3));
    });
    assert_eq!(cluster.partition_id(&logs, "p3").await.unwrap(), Some(500));
    assert_eq!(leader(&cluster, &bucket(500)), Some(3));
    cluster.invalidate_partition(&bucket(500));
    assert_eq!(cluster.view().partition_id(7, "p3"), None);
}

#[tokio::test(start_paused = true)]
async fn a_late_failure_does_not_evict_what_was_learned_since() {
    let fake = FakeCluster::new(3);
    fake.table("orders", 7, &ALL_BUCKETS);
    let cluster = fake.connect().await;
    let (orders, bucket) = (path("orders"), TableBucket::new(7, 0));
    cluster.ensure_table(&orders).await.unwrap();
    let seen = cluster.view().generation();
    fake.table("orders", 7, &[Some(3), Some(2), Some(3)]);
    cluster.refresh_table(&orders).await.unwrap();
    cluster.invalidate_bucket(&bucket, seen);
    assert_eq!(leader(&cluster, &bucket), Some(3));
    let before = cluster.view();
    cluster.invalidate_buckets(&[bucket, TableBucket::new(7, 1)], before.generation());
    assert_eq!(leader(&cluster, &bucket), None);
    assert_eq!(leader(&cluster, &TableBucket::new(7, 2)), Some(3));
    // Views are not changed, only replaced.
    assert_eq!(before.leader_of(&bucket).map(ServerNode::id), Some(3));
    assert_eq!(cluster.leader(&orders, bucket).await.unwrap().id(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_table_made_anew_shows_by_its_id() {
    let fake = FakeCluster::new(3);
    fake.table("orders", 7, &ALL_BUCKETS);
    let cluster = fake.connect().await;
    let orders = path("orders");
    cluster.ensure_table(&orders).await.unwrap();
    fake.table("orders", 8, &ALL_BUCKETS);
    cluster
        .refresh_buckets(&orders, &[TableBucket::new(7, 0)])
        .await
        .unwrap();
    assert_eq!(cluster.view().table_id(&orders), Some(8));
    assert_eq!(leader(&cluster, &TableBucket::new(7, 0)), None);
    assert_eq!(leader(&cluster, &TableBucket::new(8, 0)), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_call_finds_the_leader_again_after_it_has_moved() {
    let fake = FakeCluster::new(3);
    fake.table("orders", 7, &ALL_BUCKETS);
    let cluster = fake.connect().await;
    let (orders, bucket) = (path("orders"), TableBucket::new(7, 0));
    let scan = LimitScanRequest::default();
    let call = || cluster.call_leader(&orders, bucket, &scan);
    call().await.unwrap();
    assert_eq!(fake.take_calls(), [("t1:1".to_owned(), 1033)]);

    // The old leader says so, or is gone altogether.
    for conduct in [
        Conduct::Fails(ErrorCode::NOT_LEADER_OR_FOLLOWER),
        Conduct::Closes,
    ] {
        fake.table("orders", 7, &ALL_BUCKETS);
        cluster.refresh_table(&orders).await.unwrap();
        fake.set(|state| state.conduct.insert("t1:1".to_owned(), conduct));
        fake.table("orders", 7, &[Some(2)]);
        call().await.unwrap();
        let calls = fake.take_calls();
        assert_eq!(calls.last().unwrap().0, "t2:1", "{calls:?}");
        assert_eq!(calls.len(), 2, "{calls:?}");
    }

    // No leader now: it waits for the election.
    fake.table("orders", 7, &[None]);
    cluster.refresh_table(&orders).await.unwrap();
    let elected = async {
        sleep(Duration::from_secs(2)).await;
        fake.table("orders", 7, &[Some(3)]);
    };
    let (answer, ()) = tokio::join!(call(), elected);
    answer.unwrap();
    assert_eq!(fake.take_calls(), [("t3:1".to_owned(), 1033)]);

    // None is ever elected.
    fake.table("orders", 7, &[None]);
    cluster.refresh_table(&orders).await.unwrap();
    let started = Instant::now();
    let error = call().await.unwrap_err();
    assert!(started.elapsed() <= Duration::from_secs(12));
    assert!(
        error
            .to_string()
            .ends_with("the leader of table 7 bucket 0 of db.orders is not known"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_has_stepped_down_is_replaced_by_the_new_one() {
    let fake = FakeCluster::new(1);
    let cluster = fake.connect().await;
    fake.host("c2:1", crate::net::COORDINATOR);
    fake.set(|state| {
        let code = ErrorCode::NOT_COORDINATOR_LEADER_EXCEPTION;
        state.conduct.insert("c:1".to_owned(), Conduct::Fails(code));
        state.coordinator.as_mut().unwrap().address = "c2:1".to_owned();
    });
    // Not carried out, so even a request that changes something is sent again.
    let create = CreateDatabaseRequest::default();
    cluster.call_coordinator(&create).await.unwrap();
    let expected = [("c:1".to_owned(), 1001), ("c2:1".to_owned(), 1001)];
    assert_eq!(fake.take_calls(), expected);

    // While there is none it waits.
    fake.set(|state| state.coordinator = None);
    cluster.refresh_all().await.unwrap();
    let elected = async {
        sleep(Duration::from_secs(2)).await;
        fake.set(|state| {
            state.coordinator = Some(Server {
                id: 0,
                address: "c2:1".to_owned(),
            });
        });
    };
    let (answer, ()) = tokio::join!(cluster.call_coordinator(&create), elected);
    answer.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_changes_something_is_not_sent_twice_after_a_lost_answer() {
    let fake = FakeCluster::new(1);
    let cluster = fake.connect().await;
    for conduct in [
        Conduct::Closes,
        Conduct::Hangs,
        Conduct::Fails(ErrorCode::REQUEST_TIME_OUT),
    ] {
        fake.set(|state| state.conduct.insert("c:1".to_owned(), conduct));
        let create = CreateDatabaseRequest::default();
        let error = cluster.call_coordinator(&create).await.unwrap_err();
        assert!(!matches!(error, RpcError::Exhausted { .. }), "{error}");
        assert_eq!(fake.take_calls().len(), 1, "{conduct:?}");
    }
    // A server that cannot be reached has not seen it.
    fake.net.refuse("c:1");
    cluster.pool().close();
    let cluster = fake.connect().await;
    let back = async {
        sleep(Duration::from_secs(3)).await;
        fake.set(|state| state.conduct.clear());
        fake.host("c:1", crate::net::COORDINATOR);
    };
    let create = CreateDatabaseRequest::default();
    let (answer, ()) = tokio::join!(cluster.call_coordinator(&create), back);
    answer.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_asked_of_others_with_growing_pauses_until_the_deadline() {
    let fake = FakeCluster::new(2);
    let cluster = fake.connect().await;
    let list = ListDatabasesRequest::default();
    let all = ["t1:1", "t2:1", "c:1"].map(str::to_owned);
    fake.set(|state| {
        for address in &all {
            let conduct = Conduct::Fails(ErrorCode::STORAGE_EXCEPTION);
            state.conduct.insert(address.clone(), conduct);
        }
    });
    let started = Instant::now();
    let error = cluster.call_any(&list).await.unwrap_err();
    let waited = started.elapsed();
    assert!(
        (10_000..=12_000).contains(&waited.as_millis()),
        "{waited:?}"
    );
    let RpcError::Exhausted {
        attempts,
        waited,
        source,
    } = &error
    else {
        panic!("{error}");
    };
    // 20, 40, ... ms up to a second: a few more than ten, not hundreds.
    assert!((12..25).contains(attempts), "{attempts}");
    assert!(waited.as_secs() >= 10 && source.server_error().is_some());
    let calls = fake.take_calls();
    assert_eq!(calls.len(), *attempts as usize);
    assert!(calls.iter().any(|(at, _)| at == "c:1"));
    assert!(calls.iter().any(|(at, _)| at != "c:1"));

    // One good server is enough.
    fake.set(|state| state.conduct.remove("c:1"));
    let answer = cluster.call_any(&list).await.unwrap();
    assert_eq!(answer.database_name, ["c:1"]);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_has_moved_altogether_is_found_through_the_bootstrap_addresses() {
    let fake = FakeCluster::new(2);
    fake.host("lb:1", TABLET);
    let cluster = fake.connect_to(&["lb:1"], config()).await.unwrap();
    let list = ListDatabasesRequest::default();
    cluster.call_any(&list).await.unwrap();
    for address in ["t1:1", "t2:1", "c:1"] {
        fake.net.refuse(address);
    }
    fake.host("n1:1", TABLET);
    fake.host("n2:1", TABLET);
    fake.set(|state| {
        state.coordinator = None;
        state.tablets[0].address = "n1:1".to_owned();
        state.tablets[1].address = "n2:1".to_owned();
        // The old ones hang up on what is still connected.
        for address in ["t1:1", "t2:1", "c:1"] {
            state.conduct.insert(address.to_owned(), Conduct::Closes);
        }
    });
    let answer = cluster.call_any(&list).await;
    // The servers' old connections answer metadata still, with the new addresses.
    let answer = answer.unwrap();
    assert!(answer.database_name.first().unwrap().starts_with('n'));
    let hosts = cluster.view();
    let hosts = hosts
        .tablet_servers()
        .map(ServerNode::host)
        .collect::<Vec<_>>();
    assert_eq!(hosts, ["n1", "n2"]);
}

#[tokio::test(start_paused = true)]
async fn swapped_addresses_are_noticed_and_learned_anew() {
    let fake = FakeCluster::new(1);
    fake.host("balancer:1", TABLET);
    let cluster = fake.connect_to(&["balancer:1"], config()).await.unwrap();
    // The coordinator and the tablet server change places before anybody was connected.
    fake.host("c:1", TABLET);
    fake.host("t1:1", crate::net::COORDINATOR);
    fake.set(|state| {
        state.coordinator.as_mut().unwrap().address = "t1:1".to_owned();
        state.tablets[0].address = "c:1".to_owned();
    });
    let list = ListDatabasesRequest::default();
    cluster.call_any(&list).await.unwrap();
    assert_eq!(cluster.view().coordinator().unwrap().host(), "t1");
    cluster
        .call_coordinator(&CreateDatabaseRequest::default())
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_to_one_server_ends_with_its_deadline_the_dial_included() {
    let fake = FakeCluster::new(2);
    let cluster = fake.connect().await;
    fake.net.swallow("t2:1");
    let list = ListDatabasesRequest::default();
    let started = Instant::now();
    let error = cluster
        .call_server(2, Lane::FIRST, &list, seconds(1))
        .await
        .unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 1);
    assert!(error.is_timeout() && error.was_not_sent());
    assert_eq!(
        error.to_string(),
        "LIST_DATABASES (1003) to t2:1: no connection within 1 s"
    );
    let error = cluster.call_server(9, Lane::FIRST, &list, seconds(1)).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "tablet server 9 is not known"
    );
    cluster
        .call_server(1, Lane::new(5), &list, seconds(1))
        .await
        .unwrap();
    cluster.call_tablet(&list, seconds(5)).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ended_unused_costs_nobody_a_call() {
    let fake = FakeCluster::new(1);
    let cluster = fake.connect().await;
    let create = CreateDatabaseRequest::default();
    for _ in 0..5 {
        cluster.call_coordinator(&create).await.unwrap();
        // Idle for so long that the connection closes at the very moment of the next call.
        sleep(cluster.config().idle_timeout).await;
    }
    assert_eq!(fake.take_calls().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn closing_ends_refreshes_pauses_and_calls_at_once() {
    let fake = FakeCluster::new(2);
    fake.table("orders", 7, &[None]);
    let before = alive_tasks();
    let cluster = fake.connect().await;
    fake.set(|state| {
        state.metadata_delay = Duration::from_secs(2);
        state.conduct.insert("c:1".to_owned(), Conduct::Hangs);
    });
    let orders = path("orders");
    let (create, scan) = (
        CreateDatabaseRequest::default(),
        LimitScanRequest::default(),
    );
    let started = Instant::now();
    let (refresh, call, leader, ()) = tokio::join!(
        cluster.refresh_table(&orders),
        cluster.call_coordinator(&create),
        cluster.call_leader(&orders, TableBucket::new(7, 0), &scan),
        async {
            sleep(Duration::from_millis(500)).await;
            cluster.close();
        }
    );
    assert!(refresh.unwrap_err().is_closed());
    assert!(call.is_err() && leader.is_err());
    assert_eq!(started.elapsed().as_millis(), 500);
    assert!(cluster.refresh_all().await.unwrap_err().is_closed());
    assert!(cluster.call_any(&scan).await.unwrap_err().is_closed());
    sleep(Duration::from_secs(5)).await;
    assert_eq!(alive_tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn everything_ends_with_the_last_handle() {
    let fake = FakeCluster::new(2);
    let before = alive_tasks();
    let cluster = fake.connect().await;
    let list = ListDatabasesRequest::default();
    cluster.call_any(&list).await.unwrap();
    // A refresh that is given up in the middle does not keep the cluster either.
    fake.set(|state| state.metadata_delay = Duration::from_millis(10));
    let given_up = tokio::time::timeout(Duration::from_millis(5), cluster.refresh_all());
    assert!(given_up.await.is_err());
    let other = cluster.clone();
    drop(cluster);
    other.call_any(&list).await.unwrap();
    drop(other);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(alive_tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_is_dropped_at_any_time_leaves_the_next_one_working() {
    let fake = FakeCluster::new(2);
    fake.table("orders", 7, &ALL_BUCKETS);
    let cluster = fake.connect().await;
    fake.set(|state| state.metadata_delay = Duration::from_millis(10));
    let orders = path("orders");
    for millis in 0..15 {
        let limit = Duration::from_millis(millis);
        let _ = tokio::time::timeout(limit, cluster.refresh_table(&orders)).await;
        cluster.refresh_table(&orders).await.unwrap();
    }
    assert_eq!(fake.set(|state| state.most_asking), 1);
}

#[test]
fn a_cluster_works_from_threads_without_a_runtime_and_survives_the_end_of_its_own() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let fake = FakeCluster::new(2);
    fake.table("orders", 7, &ALL_BUCKETS);
    let connecting = Cluster::connect_with(
        config(),
        vec![("t1".to_owned(), 1)],
        fake.net.dialer(),
        runtime.handle().clone(),
    );
    let cluster = Arc::new(block_on(connecting).unwrap());
    let list = ListDatabasesRequest::default();
    block_on(async {
        cluster.call_any(&list).await.unwrap();
        cluster.refresh_table(&path("orders")).await.unwrap();
    });
    fake.set(|state| state.metadata_delay = Duration::from_secs(3600));
    let waiting = Arc::clone(&cluster);
    let waiting = std::thread::spawn(move || block_on(waiting.refresh_all()).unwrap_err());
    std::thread::sleep(Duration::from_millis(50));
    drop(runtime);
    assert!(waiting.join().unwrap().is_closed());
    let error = block_on(cluster.call_any(&list)).unwrap_err();
    assert!(!error.is_timeout(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn wishes_of_several_tables_are_named_once_each() {
    let fake = FakeCluster::new(1);
    fake.table("a", 1, &ALL_BUCKETS);
    let cluster = fake.connect().await;
    let buckets = (0..3).map(|n| TableBucket::new(1, n)).collect::<Vec<_>>();
    cluster.refresh_buckets(&path("a"), &buckets).await.unwrap();
    let requests = fake.take_metadata();
    assert_eq!(tables_of(&requests[0]), ["a"]);
}
