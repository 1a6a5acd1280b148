//! What servers tell about themselves, and whom they let in.

use std::collections::BTreeSet;

use fluss_mock::{MockCluster, Release};
use fluss_wire::api::ApiKey;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::frame::Response;
use fluss_wire::message::{
    ApiVersionsRequest, AuthenticateRequest, ListDatabasesRequest, MetadataRequest,
};
use fluss_wire::sasl::plain_request;
use fluss_wire::version::{ApiVersions, ServerType};

use crate::client::{Client, cluster, every_api};

#[tokio::test]
async fn what_a_server_does_not_offer_it_answers_with_unsupported_version() {
    for release in [Release::V0_9_1, Release::V1_0] {
        let cluster = MockCluster::builder()
            .release(release)
            .start()
            .await
            .unwrap();
        let tablet = cluster.tablet_servers()[0];
        let mut offered = BTreeSet::new();
        for (address, kind) in [
            (cluster.coordinator(), ServerType::Coordinator),
            (tablet, ServerType::TabletServer),
        ] {
            let mut client = Client::connect(address).await;
            let answer = client.call(ApiVersionsRequest::default()).await.unwrap();
            let versions = ApiVersions::from_response(&answer);
            assert_eq!(versions.server_type(), Some(kind));
            for api in every_api() {
                let is_offered = versions.negotiate(api).is_ok();
                if is_offered {
                    offered.insert(api);
                }
                // No fields at all: those that are served complain about that, or don't need any.
                let [high, low] = api.code().to_be_bytes();
                client
                    .send_raw(&[0, 0, 0, 8, high, low, 0, 0, 0, 0, 0, 1])
                    .await;
                let unsupported = matches!(
                    client.receive().await,
                    Response::Error { error, .. } if error.code == ErrorCode::UNSUPPORTED_VERSION
                );
                assert_eq!(unsupported, !is_offered, "{api} at {kind:?} of {release:?}");
            }
        }
        assert!(offered.contains(&ApiKey::CreateTable) && offered.contains(&ApiKey::GetMetadata));
    }
}

#[tokio::test]
async fn a_version_beyond_those_offered_is_refused() {
    let (_cluster, mut coordinator, _) = cluster().await;
    coordinator.send(1, &ListDatabasesRequest::default()).await;
    let Response::Error { error, .. } = coordinator.receive().await else {
        panic!("not refused");
    };
    assert_eq!(error.code, ErrorCode::UNSUPPORTED_VERSION);
}

#[tokio::test]
async fn with_users_nobody_else_is_served() {
    let cluster = MockCluster::builder()
        .sasl_user("root", "secret")
        .start()
        .await
        .unwrap();
    let mut client = Client::connect(cluster.tablet_servers()[0]).await;
    client.call(ApiVersionsRequest::default()).await.unwrap();
    let refused = ErrorCode::AUTHENTICATE_EXCEPTION;
    assert_eq!(client.code(MetadataRequest::default()).await, refused);
    let wrong = plain_request("root", "wrong").unwrap();
    assert_eq!(client.code(wrong).await, refused);
    let unknown = plain_request("guest", "secret").unwrap();
    assert_eq!(client.code(unknown).await, refused);
    let other = AuthenticateRequest {
        protocol: "GSSAPI".to_owned(),
        ..plain_request("root", "secret").unwrap()
    };
    assert_eq!(client.code(other).await, refused);
    assert_eq!(client.code(MetadataRequest::default()).await, refused);

    let answer = client.call(plain_request("root", "secret").unwrap()).await;
    assert_eq!(answer.unwrap().challenge.as_deref(), Some(&b""[..]));
    assert_eq!(
        client.code(MetadataRequest::default()).await,
        ErrorCode::NONE
    );
}

#[tokio::test]
async fn what_is_no_frame_closes_the_connection() {
    let (_cluster, _, mut tablet) = cluster().await;
    tablet.send_raw(&[0xff; 16]).await;
    assert!(tablet.is_closed().await);
}

#[tokio::test]
async fn a_dropped_cluster_closes_its_connections_and_listens_no_more() {
    let (cluster, mut coordinator, mut tablet) = cluster().await;
    let address = cluster.coordinator();
    assert_eq!(
        tablet.code(MetadataRequest::default()).await,
        ErrorCode::NONE
    );
    drop(cluster);
    assert!(coordinator.is_closed().await && tablet.is_closed().await);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_in_memory_is_reached_without_a_socket() {
    let cluster = MockCluster::builder()
        .tablet_servers(2)
        .in_memory()
        .start()
        .await
        .unwrap();
    for (address, kind) in [
        (cluster.coordinator(), ServerType::Coordinator),
        (cluster.tablet_servers()[1], ServerType::TabletServer),
    ] {
        let network = cluster.network();
        let host = address.ip().to_string();
        let stream = network.dial(&host, address.port()).await.unwrap();
        let mut client = Client::over(stream);
        let answer = client.call(ApiVersionsRequest::default()).await.unwrap();
        assert_eq!(answer.server_type, Some(kind.code()));
    }
    let network = cluster.network();
    drop(cluster);
    let refused = network.dial("192.0.2.1", 9123).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}
