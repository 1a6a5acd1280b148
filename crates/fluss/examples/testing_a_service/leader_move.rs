//! Another server becomes the leader of the table while the service runs.

use fluss_mock::MockCluster;

use crate::Outcome;
use crate::service::{Orders, config};

pub(crate) async fn orders_follow_the_leader() -> Outcome {
    let cluster = MockCluster::builder().tablet_servers(3).start().await?;
    let orders = Orders::open(config(&cluster)).await?;
    orders.keep(1).await?;

    let bucket = cluster.bucket(&Orders::path(), 0).ok_or("no bucket")?;
    let before = cluster.leader(&bucket).ok_or("no leader")?;
    cluster.move_leader(&bucket, (before + 1) % 3);
    orders.keep(2).await?;

    assert_ne!(cluster.leader(&bucket), Some(before));
    assert_eq!(orders.first(2).await?, [1, 2]);
    Ok(())
}
