//! Allows a user to read a table, and revokes that: `cargo run --example acls`.
//!
//! To run it on a real cluster, pass `-- --bootstrap HOST:PORT` with the address of its SASL listener. The cluster
//! must have access rules (`cargo xtask cluster up --acl`). User and password come from `FLUSS_USER` and
//! `FLUSS_PASSWORD`; the defaults are those of the super user that `cargo xtask cluster up --acl` creates.

#[allow(
    dead_code,
    reason = "this example makes no table, and connects by itself"
)]
mod common;

use std::env;

use common::{Cluster, Outcome};
use fluss::client::FlussConnection;
use fluss::config::{Config, SecurityProtocol};
use fluss::metadata::{AclFilter, AclInfo, OperationType, Principal, Resource, TablePath};
use fluss_mock::MockCluster;

#[tokio::main]
async fn main() -> Outcome {
    let mock = MockCluster::builder().sasl_user("admin", "admin-pass");
    let cluster = Cluster::from_arguments_or(mock.super_user("admin")).await?;
    let password = env::var("FLUSS_PASSWORD").unwrap_or_else(|_| "admin-pass".to_owned());
    let connection = FlussConnection::new(Config {
        bootstrap_server: cluster.bootstrap_server.clone(),
        security_protocol: SecurityProtocol::SaslPlain,
        sasl_username: env::var("FLUSS_USER").unwrap_or_else(|_| "admin".to_owned()),
        sasl_password: password.as_str().into(),
        ..Config::default()
    })
    .await?;
    let admin = connection.get_admin().await?;

    let reader = Principal::user("example-reader");
    let table = Resource::table(&TablePath::new("examples", "orders"));
    let rule = AclInfo::allow(reader.clone(), OperationType::Read, table);
    admin.create_acls(&[rule]).await?.all()?;

    let of_reader = AclFilter::any().principal(reader);
    for rule in admin.list_acls(&of_reader).await? {
        let (who, what) = (rule.principal().name(), rule.resource().name());
        println!("{who} may {} {what}", rule.operation());
    }
    let dropped = admin.drop_acls(&[of_reader]).await?.all()?;
    println!("{} rules dropped", dropped.len());
    Ok(())
}
