//! The server takes longer than the customer wants to wait.

use std::time::{Duration, Instant};

use fluss::config::Config;
use fluss_mock::fault::{self, Fault};
use fluss_mock::{ApiKey, MockCluster};

use crate::Outcome;
use crate::service::{Orders, config};

pub(crate) async fn an_order_waits_no_longer_than_the_service_promises() -> Outcome {
    let cluster = MockCluster::start().await?;
    let promise = Duration::from_secs(1);
    let orders = Orders::open(Config {
        writer_delivery_timeout: promise,
        ..config(&cluster)
    })
    .await?;

    let late = promise * 60;
    let slow = Fault::Delay(late);
    let rule = cluster.inject(fault::on(ApiKey::ProduceLog).before(slow));
    let started = Instant::now();
    let refused = orders.keep(1).await;
    assert!(refused.is_err(), "it was not written");
    // Sooner than the server would respond: no test may depend on how busy the machine is.
    assert!(started.elapsed() < late, "{:?}", started.elapsed());

    // Once the server recovers, so does the service.
    rule.remove();
    let orders = Orders::open(config(&cluster)).await?;
    orders.keep(2).await?;
    Ok(())
}
