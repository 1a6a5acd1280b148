//! Buckets move away from a tagged server, and back.

use std::time::{Duration, Instant};

use fluss::client::FlussAdmin;
use fluss::error::ErrorKind;
use fluss::metadata::{
    DataTypes, GoalType, RebalanceProgress, RebalanceStatus, Schema, ServerTag, TablePath,
};

use super::alone;
use super::support::{PATIENCE, connect, create, database, descriptor, without_tags};

async fn finished(admin: &FlussAdmin, id: &str) -> RebalanceProgress {
    let started = Instant::now();
    loop {
        let progress = admin
            .list_rebalance_progress(Some(id))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(progress.rebalance_id(), Some(id));
        if progress.status().unwrap().is_final() {
            return progress;
        }
        assert!(started.elapsed() < PATIENCE, "{progress:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::await_holding_lock,
    reason = "the lock is what keeps tests apart, and no task of this test takes it"
)]
async fn a_rebalance_moves_buckets_away_from_a_tagged_server() {
    let _alone = alone();
    let connection = connect().await;
    let admin = connection.get_admin().await.unwrap();
    let database = database(&connection, "alone_rebalance").await;
    let path = TablePath::new(database.as_str(), "t");
    let schema = Schema::builder()
        .column("id", DataTypes::int())
        .build()
        .unwrap();
    let table = create(&connection, &path, &descriptor(schema, 6)).await;
    let table_id = table.get_table_info().table_id();
    without_tags(&admin, rebalance_away(&admin, table_id)).await;
}

async fn rebalance_away(admin: &FlussAdmin, table_id: i64) {
    let tag = ServerTag::PermanentOffline;
    admin.add_server_tag(&[2], tag).await.unwrap();
    let goals = [GoalType::ReplicaDistribution, GoalType::LeaderDistribution];
    let id = admin.rebalance(&goals).await.unwrap();
    let second = admin.rebalance(&goals).await;
    let progress = finished(admin, &id).await;
    admin.remove_server_tag(&[2], tag).await.unwrap();

    assert_eq!(
        progress.status(),
        Some(RebalanceStatus::Completed),
        "{progress:?}"
    );
    assert!((progress.fraction_done() - 1.0).abs() < f64::EPSILON);
    let of_table = progress
        .buckets()
        .iter()
        .filter(|bucket| bucket.bucket().table_id() == table_id)
        .collect::<Vec<_>>();
    assert!(!of_table.is_empty(), "server 2 led some of 6 buckets");
    for bucket in &of_table {
        assert!(!bucket.new_replicas().contains(&2), "{bucket:?}");
    }
    // Buckets with a replica on each of the three servers stay where they are, but are led by others.
    for bucket in progress.buckets() {
        assert_ne!(bucket.new_leader(), Some(2), "{bucket:?}");
        assert_eq!(bucket.status(), RebalanceStatus::Completed, "{bucket:?}");
    }
    if let Err(error) = second {
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Usage, Some(61)),
            "{error}"
        );
    }

    let latest = admin.list_rebalance_progress(None).await.unwrap().unwrap();
    assert!(latest.rebalance_id().is_some());
    for answer in [
        admin
            .list_rebalance_progress(Some("another"))
            .await
            .map(drop),
        admin.cancel_rebalance(Some("another")).await,
    ] {
        let error = answer.unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::NotFound, Some(62)),
            "{error}"
        );
    }
    // What is over stays as it ended.
    admin
        .cancel_rebalance(Some(latest.rebalance_id().unwrap()))
        .await
        .unwrap();
    let id = admin.rebalance(&goals).await.unwrap();
    admin.cancel_rebalance(None).await.unwrap();
    let status = finished(admin, &id).await.status().unwrap();
    assert!(
        matches!(
            status,
            RebalanceStatus::Canceled | RebalanceStatus::Completed
        ),
        "{status}"
    );
}
