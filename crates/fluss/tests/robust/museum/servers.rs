//! Servers that moved, were not ready, or said what the client did not know.

use fluss::config::{Config, DriverPlacement};
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, ErrorCode, Port, ServerId};
use tokio::time::{Instant, sleep, timeout};

use super::{HANG, SECOND, append_each, assert_exactly_once};
use crate::support::{Bench, connect, key, log_row};

/// fluss#4368, fluss#2097: after servers were restarted one by one at other addresses, every address that a client knew was stale.
#[tokio::test(start_paused = true)]
async fn a_rolling_restart_at_other_addresses_is_followed() {
    let bench = Bench::with_servers(3).await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    for server in 0..3 {
        bench.cluster.stop_server(server);
        bench
            .cluster
            .start_server(server, Port::Other)
            .await
            .unwrap();
        append_each(&writer, 1_000 + server * 5..1_005 + server * 5).await;
        let found = timeout(HANG, lookuper.lookup(&key(0, 0))).await.unwrap();
        assert_eq!(found.unwrap().len(), 1);
    }
    assert_exactly_once(&bench, 1_000..1_015).await;
}

/// fluss#3389: the admin kept asking a coordinator that had gone.
#[tokio::test(start_paused = true)]
async fn a_coordinator_that_moved_is_found() {
    let bench = Bench::new().await;
    bench.cluster.stop_server(ServerId::Coordinator);
    let moved = bench
        .cluster
        .start_server(ServerId::Coordinator, Port::Other);
    moved.await.unwrap();
    // The client learns that its connection has ended.
    sleep(SECOND / 100).await;
    let made = bench.admin.create_database("after", None, false);
    timeout(HANG, made).await.expect("it ends").unwrap();
    assert!(bench.admin.database_exists("after").await.unwrap());
}

/// rust#509: an error code that the client did not know was lost.
#[tokio::test(start_paused = true)]
async fn an_unknown_error_code_is_told_as_it_came() {
    let bench = Bench::new().await;
    let unknown = ErrorCode::new(4_242);
    let rule = fault::on(ApiKey::ListDatabases).before(Fault::Error(unknown));
    bench.cluster.inject(rule);
    let error = bench.admin.list_databases().await.unwrap_err();
    assert_eq!(error.server_code(), Some(4_242));
    assert!(error.to_string().contains("4242"), "{error}");
}

/// fluss#605, fluss#3758: a server that was still starting ended the first contact.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_still_starting_is_waited_for() {
    let bench = Bench::new().await;
    bench.cluster.stop_server(0);
    let (connection, started) = tokio::join!(connect(&bench.cluster, &bench.config), async {
        sleep(SECOND / 2).await;
        bench.cluster.start_server(0, Port::Same).await
    });
    started.unwrap();
    connection.unwrap();
}

/// fluss#1666: while servers were upgraded one of them took metadata requests and did not answer; every call waited for it.
#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_tell_metadata_is_passed_by() {
    let bench = Bench::with_servers(3).await;
    let silent = fault::on(ApiKey::GetMetadata)
        .server(0)
        .before(Fault::Stall);
    let silent = bench.cluster.inject(silent);
    for _ in 0..6 {
        let connection = timeout(HANG, bench.connect())
            .await
            .expect("it ends")
            .unwrap();
        let table = connection.get_table(bench.log.table_path()).await.unwrap();
        let writer = table.new_append().unwrap().create_writer().unwrap();
        writer.append(&log_row(1_000)).unwrap().await.unwrap();
    }
    assert!(silent.hits() > 0);
}

/// fluss#4367: an address that nobody answers at was tried for two minutes.
#[tokio::test(start_paused = true)]
async fn an_address_without_an_answer_costs_seconds() {
    let bench = Bench::with_servers(2).await;
    let first = bench.config.bootstrap_server.clone();
    let nobody = "192.0.2.77:1";
    let config = Config {
        bootstrap_server: format!("{nobody},{first}"),
        driver_placement: DriverPlacement::CallerRuntime,
        ..Config::default()
    };
    bench.cluster.inject(fault::on_connect().server(1).ignore());
    let began = Instant::now();
    let connected = timeout(HANG, connect(&bench.cluster, &config)).await;
    connected.expect("it ends").unwrap();
    let took = began.elapsed();
    assert!(took <= 15 * SECOND, "{took:?}");
}

/// rust#189, rust#451: between the look at a leader and that at its server there was another one. fluss#700, fluss#329: each change of the cluster left something behind, until the stack or the memory was used up.
#[tokio::test(start_paused = true)]
async fn a_thousand_changes_of_leaders_leave_nothing_behind() {
    let bench = Bench::with_servers(2).await;
    let tasks = tokio::runtime::Handle::current().metrics();
    let lookuper = bench.keyed.new_lookup().unwrap().create_lookuper().unwrap();
    let bucket = |place| {
        bench
            .cluster
            .bucket(bench.keyed.table_path(), place)
            .unwrap()
    };
    let mut alive = Vec::new();
    for change in 0..1_000 {
        for place in 0..2 {
            bench.cluster.move_leader(&bucket(place), change % 2);
        }
        let wanted = key(change % 2, change % 20);
        let found = timeout(HANG, lookuper.lookup(&wanted))
            .await
            .expect("it ends");
        assert_eq!(found.unwrap().len(), 1);
        alive.push(tasks.num_alive_tasks());
    }
    let (early, late) = (alive[100], alive[999]);
    assert!(
        late <= early + 2,
        "{early} tasks after 100 changes, {late} after 1,000"
    );
}

/// fluss#2604: coordinator and tablet server came back with their addresses swapped; each was asked for what only the other has, for ever.
#[tokio::test(start_paused = true)]
async fn servers_that_swapped_their_addresses_are_told_apart() {
    let bench = Bench::new().await;
    let writer = bench.log.new_append().unwrap().create_writer().unwrap();
    append_each(&writer, 1_000..1_005).await;
    bench.admin.database_exists("after").await.unwrap();
    let coordinator = bench.cluster.coordinator().port();
    let tablet = bench.cluster.tablet_servers()[0].port();
    bench.cluster.stop_server(ServerId::Coordinator);
    bench.cluster.stop_server(0);
    for (server, port) in [
        (ServerId::Coordinator, tablet),
        (ServerId::Tablet(0), coordinator),
    ] {
        let started = bench.cluster.start_server(server, Port::At(port)).await;
        assert_eq!(started.unwrap().port(), port);
    }
    sleep(SECOND / 100).await;
    let made = bench.admin.create_database("after", None, false);
    timeout(HANG, made).await.expect("it ends").unwrap();
    append_each(&writer, 1_005..1_010).await;
    assert_exactly_once(&bench, 1_000..1_010).await;
}
