//! How to test a service that uses Fluss: five tests of a service that stores orders, each for something that a
//! cluster does once a year.
//!
//! `cargo run --example testing_a_service` runs them all on in-process mock clusters. In your own project, each would
//! be a `#[tokio::test]`.

mod auth_failure;
mod leader_move;
mod lost_acknowledgement;
mod restart;
mod service;
mod slow_server;

use std::error::Error;

/// The result of a test.
type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome {
    lost_acknowledgement::an_order_is_kept_once_though_its_acknowledgement_is_lost().await?;
    println!("lost acknowledgement: stored once");
    leader_move::orders_follow_the_leader().await?;
    println!("leader move: orders follow");
    slow_server::an_order_waits_no_longer_than_the_service_promises().await?;
    println!("slow server: failed in time");
    restart::orders_survive_the_restart_of_a_server().await?;
    println!("restart: orders survive");
    auth_failure::a_wrong_password_is_told_at_once().await?;
    println!("auth failure: reported immediately");
    Ok(())
}
