//! Versions, kinds of server, authentication.

use std::time::Duration;

use bytes::Bytes;
use fluss_rpc::{
    Connection, ConnectionPool, Lane, Phase, Result, RpcConfig, RpcError, Secret, Security,
};
use fluss_wire::codec;
use fluss_wire::error_code::ErrorCode;
use fluss_wire::message::{
    ApiVersionsRequest, AuthenticateRequest, AuthenticateResponse, ListDatabasesRequest,
    ScanKvRequest,
};
use fluss_wire::sasl::PlainCredentials;
use fluss_wire::version::ServerType;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::connection::{named, seconds};
use crate::net::{COORDINATOR, Net, Peer, TABLET, config, versions};
use crate::pool::tablet;

fn with_password() -> RpcConfig {
    let mut config = config();
    config.security = Security::SaslPlain {
        username: "root".to_owned(),
        password: Secret::new("hunter2"),
    };
    config
}

async fn connect(net: &Net, config: &RpcConfig) -> Result<Connection> {
    Connection::connect(net.dialer(), "server", 1, config, &Handle::current()).await
}

/// Reads an authentication and answers with a challenge.
async fn accept(peer: &mut Peer, challenge: Option<&'static [u8]>) {
    let frame = peer.request().await.unwrap();
    assert_eq!(frame.api_key, 1038);
    let request: AuthenticateRequest = codec::decode(frame.body).unwrap();
    assert_eq!(request.protocol, "PLAIN");
    let credentials = PlainCredentials::parse(&request.token).unwrap();
    assert_eq!(
        (credentials.user, credentials.password),
        ("root", "hunter2")
    );
    let challenge = challenge.map(Bytes::from_static);
    peer.succeed(frame.request_id, &AuthenticateResponse { challenge })
        .await;
}

async fn refuse(peer: &mut Peer, code: ErrorCode) {
    let frame = peer.request().await.unwrap();
    assert_eq!(frame.api_key, 1038);
    peer.fail(frame.request_id, code).await;
}

#[tokio::test(start_paused = true)]
async fn the_client_introduces_itself_and_learns_what_the_server_is() {
    let net = Net::serving(|mut peer, _| async move {
        let frame = peer.request().await.unwrap();
        let request: ApiVersionsRequest = codec::decode(frame.body).unwrap();
        assert_eq!(request.client_software_name, "test");
        assert_eq!(request.client_software_version, "1.2.3");
        peer.succeed(frame.request_id, &versions(COORDINATOR)).await;
        peer.closed().await;
    });
    let mut config = config();
    config.client_name = "test".to_owned();
    config.client_version = "1.2.3".to_owned();
    let connection = connect(&net, &config).await.unwrap();
    assert_eq!(connection.server_type(), Some(ServerType::Coordinator));
}

#[tokio::test(start_paused = true)]
async fn an_api_that_the_server_lacks_is_refused_without_sending() {
    let net = Net::serving(|mut peer, _| async move {
        let frame = peer.request().await.unwrap();
        let mut versions = versions(TABLET);
        versions.api_versions.retain(|api| api.api_key < 1060);
        peer.succeed(frame.request_id, &versions).await;
        let next = peer.request().await.unwrap();
        assert_eq!(next.api_key, 1003, "SCAN_KV was not sent");
        peer.succeed(next.request_id, &named("x")).await;
        peer.closed().await;
    });
    let connection = connect(&net, &config()).await.unwrap();
    let request = ScanKvRequest::default();
    let error = connection.call(&request, seconds(5)).await.unwrap_err();
    assert!(error.is_unsupported_version() && error.was_not_sent() && !error.is_retriable());
    assert_eq!(
        error.to_string(),
        "server:1: SCAN_KV (1061): the server does not have it; release 1.0 does"
    );
    let request = ListDatabasesRequest::default();
    connection.call(&request, seconds(5)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_of_the_wrong_kind_is_not_used() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(COORDINATOR).await;
        peer.closed().await;
    });
    let pool = ConnectionPool::new(config(), net.dialer(), Handle::current());
    let error = pool
        .get(&tablet(3), Lane::FIRST, seconds(5))
        .await
        .unwrap_err();
    assert!(matches!(error, RpcError::WrongServer { .. }), "{error}");
    assert!(error.is_retriable() && error.invalidates_metadata() && error.was_not_sent());
    assert_eq!(
        error.to_string(),
        "server:1 is a Some(Coordinator) server, expected TabletServer"
    );
}

#[tokio::test(start_paused = true)]
async fn a_password_is_accepted_with_an_empty_challenge_or_none() {
    for challenge in [Some(&b""[..]), None] {
        let net = Net::serving(move |mut peer, _| async move {
            peer.handshake(TABLET).await;
            accept(&mut peer, challenge).await;
            peer.closed().await;
        });
        connect(&net, &with_password()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_final_and_never_printed() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        refuse(&mut peer, ErrorCode::AUTHENTICATE_EXCEPTION).await;
        peer.closed().await;
    });
    let error = connect(&net, &with_password()).await.unwrap_err();
    assert_eq!(
        error.server_error().unwrap().code,
        ErrorCode::AUTHENTICATE_EXCEPTION
    );
    assert!(!error.is_retriable() && error.was_not_sent());
    assert!(!format!("{error:?} {error}").contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_ready_is_asked_again_on_the_same_connection() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        for _ in 0..3 {
            refuse(&mut peer, ErrorCode::RETRIABLE_AUTHENTICATE_EXCEPTION).await;
        }
        accept(&mut peer, Some(b"")).await;
        peer.closed().await;
    });
    let started = Instant::now();
    connect(&net, &with_password()).await.unwrap();
    assert_eq!(net.dials(), 1);
    // 100, 200 and 400 ms, more or less.
    let waited = started.elapsed().as_millis();
    assert!((500..900).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_is_ready_ends_with_the_deadline() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        loop {
            refuse(&mut peer, ErrorCode::RETRIABLE_AUTHENTICATE_EXCEPTION).await;
        }
    });
    let started = Instant::now();
    let error = connect(&net, &with_password()).await.unwrap_err();
    assert!(error.server_error().is_some(), "{error}");
    assert!(started.elapsed() <= Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_more_than_the_mechanism_has_is_refused() {
    let net = Net::serving(|mut peer, _| async move {
        peer.handshake(TABLET).await;
        accept(&mut peer, Some(b"and now?")).await;
        peer.closed().await;
    });
    let error = connect(&net, &with_password()).await.unwrap_err();
    assert!(matches!(error, RpcError::Authentication { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn dial_and_handshake_share_one_deadline() {
    let net = Net::serving(|mut peer, _| async move {
        let request = peer.request().await.unwrap();
        sleep(Duration::from_secs(2)).await;
        peer.succeed(request.request_id, &versions(TABLET)).await;
        let _never_answered = peer.request().await;
        peer.closed().await;
    });
    let started = Instant::now();
    let error = connect(&net, &with_password()).await.unwrap_err();
    assert!(
        matches!(
            error,
            RpcError::Timeout {
                phase: Phase::Handshake,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(started.elapsed().as_secs(), 3);

    net.swallow("server:1");
    let error = connect(&net, &config()).await.unwrap_err();
    assert!(
        matches!(
            error,
            RpcError::Timeout {
                phase: Phase::Dial,
                ..
            }
        ),
        "{error}"
    );
}
