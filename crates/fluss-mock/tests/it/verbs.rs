//! What may be done to a running cluster.

use std::time::Duration;

use fluss_metadata::{TableBucket, TablePath};
use fluss_mock::{ErrorCode, MockCluster, Port, ServerId};
use fluss_wire::message::{
    ListDatabasesRequest, ListOffsetsRequest, MetadataRequest, MetadataResponse,
};
use tokio::time::{Instant, sleep};

use crate::client::{Client, create, descriptor, path};

const SECOND: Duration = Duration::from_secs(1);

/// Three servers, and a table of one bucket with three replicas.
async fn started(in_memory: bool) -> (MockCluster, TableBucket) {
    let mut builder = MockCluster::builder().tablet_servers(3).wall_clock(0);
    if in_memory {
        builder = builder.in_memory();
    }
    let cluster = builder.start().await.unwrap();
    let mut client = dial(&cluster, ServerId::Coordinator).await.unwrap();
    let table = descriptor(false).property("table.replication.factor", "3");
    client.call(create("t", table)).await.unwrap();
    let bucket = cluster.bucket(&TablePath::new("fluss", "t"), 0).unwrap();
    (cluster, bucket)
}

async fn dial(cluster: &MockCluster, server: ServerId) -> std::io::Result<Client> {
    let address = match server {
        ServerId::Coordinator => cluster.coordinator(),
        ServerId::Tablet(id) => cluster.tablet_servers()[usize::try_from(id).unwrap()],
    };
    let network = cluster.network();
    let host = address.ip().to_string();
    let stream = network.dial(&host, address.port()).await?;
    Ok(Client::over(stream))
}

/// What a tablet server tells.
async fn metadata(cluster: &MockCluster, server: i32) -> MetadataResponse {
    let mut client = dial(cluster, server.into()).await.unwrap();
    let request = MetadataRequest {
        table_path: vec![path("t")].into(),
        ..MetadataRequest::default()
    };
    client.call(request).await.unwrap()
}

/// The leader of the bucket, and the servers that are up, as a server tells.
async fn told(cluster: &MockCluster, server: i32) -> (Option<i32>, Vec<i32>) {
    let answer = metadata(cluster, server).await;
    let servers = answer.tablet_servers.iter().map(|node| node.node_id);
    let leader = answer
        .table_metadata
        .first()
        .unwrap()
        .bucket_metadata
        .first()
        .unwrap()
        .leader_id;
    (leader, servers.collect())
}

/// What a server says to who takes it for the leader.
async fn lead(cluster: &MockCluster, server: i32) -> Option<i32> {
    let mut client = dial(cluster, server.into()).await.unwrap();
    let request = ListOffsetsRequest {
        follower_server_id: -1,
        offset_type: 1,
        bucket_id: vec![0].into(),
        ..ListOffsetsRequest::default()
    };
    client
        .call(request)
        .await
        .unwrap()
        .buckets_resp
        .first()
        .unwrap()
        .error_code
}

#[tokio::test(start_paused = true)]
async fn a_leader_moves_and_a_frozen_server_does_not_learn_of_it() {
    let (cluster, bucket) = started(true).await;
    let from = cluster.leader(&bucket).unwrap();
    let to = (from + 1) % 3;
    cluster.freeze_metadata(from);
    cluster.move_leader(&bucket, to);
    assert_eq!(cluster.leader(&bucket), Some(to));
    assert_eq!(told(&cluster, from).await.0, Some(from));
    assert_eq!(told(&cluster, to).await.0, Some(to));
    assert_eq!(lead(&cluster, to).await, None);
    let code = ErrorCode::NOT_LEADER_OR_FOLLOWER.value();
    assert_eq!(lead(&cluster, from).await, Some(code));
    cluster.thaw_metadata(from);
    let answer = metadata(&cluster, from).await;
    let bucket = answer
        .table_metadata
        .first()
        .unwrap()
        .bucket_metadata
        .first()
        .unwrap();
    assert_eq!((bucket.leader_id, bucket.leader_epoch), (Some(to), Some(1)));
}

#[tokio::test(start_paused = true)]
async fn servers_stop_die_and_come_back() {
    let (cluster, bucket) = started(true).await;
    let first = cluster.leader(&bucket).unwrap();
    let mut client = dial(&cluster, first.into()).await.unwrap();
    cluster.stop_server(first);
    assert!(client.is_closed().await);
    assert!(dial(&cluster, first.into()).await.is_err());
    let second = cluster.leader(&bucket).unwrap();
    assert_ne!(second, first);
    let third = 3 - first - second;
    assert_eq!(told(&cluster, third).await.1.len(), 2);

    // Nobody notices a death at once.
    cluster.kill_server(second);
    assert_eq!(told(&cluster, third).await.0, Some(second));
    sleep(2 * SECOND).await;
    assert_eq!(told(&cluster, third).await, (Some(third), vec![third]));

    // The last one in sync leads when it is back, and nobody else.
    cluster.kill_server(third);
    sleep(2 * SECOND).await;
    assert_eq!(cluster.leader(&bucket), None);
    let before = cluster.tablet_servers();
    let address = cluster.start_server(first, Port::Other).await.unwrap();
    assert_ne!(address, before[usize::try_from(first).unwrap()]);
    assert_eq!(
        cluster.start_server(third, Port::Same).await.unwrap(),
        before[usize::try_from(third).unwrap()]
    );
    assert!(cluster.leader(&bucket).is_some());
    assert_eq!(told(&cluster, first).await.1.len(), 2);
}

#[tokio::test]
async fn a_server_on_tcp_comes_back_at_its_port() {
    let (cluster, bucket) = started(false).await;
    let leader = cluster.leader(&bucket).unwrap();
    let place = usize::try_from(leader).unwrap();
    let mut client = Client::connect(cluster.tablet_servers()[place]).await;
    cluster.kill_server(leader);
    assert!(client.is_closed().await);
    let address = cluster.start_server(leader, Port::Same).await.unwrap();
    assert_eq!(address, cluster.tablet_servers()[place]);
    Client::connect(address).await;
    let other = cluster.start_server(leader, Port::Other).await.unwrap();
    assert_ne!(address, other);
    Client::connect(other).await;
}

#[tokio::test(start_paused = true)]
async fn a_throttled_server_is_slow_and_the_journal_tells_what_was_asked() {
    let (cluster, _) = started(true).await;
    cluster.clear_journal();
    let slow = cluster.throttle(ServerId::Coordinator, 3 * SECOND);
    let mut client = dial(&cluster, ServerId::Coordinator).await.unwrap();
    let started = Instant::now();
    client.call(ListDatabasesRequest::default()).await.unwrap();
    assert_eq!(started.elapsed(), 3 * SECOND);
    slow.remove();
    client.call(ListDatabasesRequest::default()).await.unwrap();
    assert_eq!(started.elapsed(), 3 * SECOND);
    let journal = cluster.journal();
    let faulted = journal.iter().map(|request| request.faulted);
    assert_eq!(faulted.collect::<Vec<_>>(), [true, false]);
    assert!(journal[1].message::<ListDatabasesRequest>().is_some());
    assert!(journal[1].message::<MetadataRequest>().is_none());
    assert_eq!(journal[1].server, ServerId::Coordinator);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_in_sync_replicas_is_not_elected() {
    let (cluster, bucket) = started(true).await;
    let leader = cluster.leader(&bucket).unwrap();
    let next = (leader + 1) % 3;
    cluster.shrink_isr(&bucket, &[leader, next]);
    let answer = metadata(&cluster, leader).await;
    let in_sync = &answer
        .table_metadata
        .first()
        .unwrap()
        .bucket_metadata
        .first()
        .unwrap()
        .isr;
    let in_sync: Vec<_> = in_sync.iter().collect();
    assert!(in_sync.contains(&&leader) && !in_sync.contains(&&next));
    cluster.stop_server(leader);
    assert_eq!(cluster.leader(&bucket), Some((leader + 2) % 3));
}
