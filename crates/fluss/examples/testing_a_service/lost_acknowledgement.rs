//! The server writes an order, but the connection breaks before the acknowledgement. The client sends the order
//! again, and the server must not write it twice.

use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, MockCluster};

use crate::Outcome;
use crate::service::{Orders, config};

pub(crate) async fn an_order_is_kept_once_though_its_acknowledgement_is_lost() -> Outcome {
    let cluster = MockCluster::start().await?;
    let orders = Orders::open(config(&cluster)).await?;
    orders.keep(1).await?;

    let rule = fault::on(ApiKey::ProduceLog).times(1).after(Fault::Close);
    let lost = cluster.inject(rule);
    orders.keep(2).await?;
    assert_eq!(lost.hits(), 1);

    orders.keep(3).await?;
    assert_eq!(orders.first(3).await?, [1, 2, 3]);
    orders.close().await?;
    Ok(())
}
