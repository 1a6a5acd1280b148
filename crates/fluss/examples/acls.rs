//! Lets a user read a table, and takes it back: `cargo run --example acls`.
//!
//! A real cluster, which `-- --bootstrap HOST:PORT` names, must have access rules (`cargo xtask cluster up --acl`); the address is that
//! of its listener with SASL. Password and user come from `FLUSS_USER` and `FLUSS_PASSWORD`, by default those of the super user that
//! `cargo xtask cluster up --acl` makes.

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
