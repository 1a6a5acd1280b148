//! The client of this project in paused time, as the page about testing describes it.

use std::time::Duration;

use fluss::client::FlussConnection;
use fluss::config::{Config, DriverPlacement};
use fluss::error::ErrorKind;
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, MockCluster};
use tokio::time::Instant;

/// How long a call waits for a silent server, by the clock of the test.
async fn waited(config: Config) -> Duration {
    let cluster = MockCluster::builder().in_memory().start().await.unwrap();
    let connection: FlussConnection = fluss::mock::connect(&cluster, config).await.unwrap();
    let silent = fault::on(ApiKey::ListDatabases).before(Fault::Drop);
    cluster.inject(silent);
    let admin = connection.get_admin().await.unwrap();
    let started = Instant::now();
    let error = admin.list_databases().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_in_the_time_of_the_test() {
    let config = Config {
        call_timeout: Duration::from_secs(600),
        ..Config::default()
    };
    let waited = waited(config).await;
    assert!(waited > Duration::from_secs(500), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_thread_for_the_connection_has_its_own_time() {
    let config = Config {
        call_timeout: Duration::from_millis(50),
        driver_placement: DriverPlacement::OwnThread,
        ..Config::default()
    };
    assert_eq!(waited(config).await, Duration::ZERO);
}
