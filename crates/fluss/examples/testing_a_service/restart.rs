//! The only server stops and restarts, and the service keeps working.

use fluss_mock::{MockCluster, Port};

use crate::Outcome;
use crate::service::{Orders, config};

pub(crate) async fn orders_survive_the_restart_of_a_server() -> Outcome {
    let cluster = MockCluster::start().await?;
    let orders = Orders::open(config(&cluster)).await?;
    orders.keep(1).await?;

    cluster.stop_server(0);
    cluster.start_server(0, Port::Same).await?;
    orders.keep(2).await?;
    assert_eq!(orders.first(2).await?, [1, 2]);
    Ok(())
}
