//! The cluster itself: configuration, tags, rebalances. What moves buckets is tested alone.

use fluss::client::FlussAdmin;
use fluss::error::ErrorKind;
use fluss::metadata::{AlterConfig, ConfigEntry, ConfigSource, GoalType, ServerTag};
use fluss_wire::api::ApiKey;

use super::support::{offers, without_tags};
use super::{connect, connect_as};

/// One of the few entries that a server of release 0.9.1 lets change. Its default bounds nothing.
const CHANGEABLE: &str = "kv.rocksdb.shared-rate-limiter.bytes-per-sec";

fn entry<'a>(configs: &'a [ConfigEntry], key: &str) -> Option<&'a ConfigEntry> {
    configs.iter().find(|entry| entry.key() == key)
}

pub(crate) async fn configuration_is_described_set_and_reset() {
    let admin = connect().await.get_admin().await.unwrap();
    let configs = admin.describe_cluster_configs().await.unwrap();
    let buckets = entry(&configs, "default.bucket.number").unwrap();
    assert_eq!(buckets.value(), Some("3"));
    assert_eq!(buckets.source(), Some(ConfigSource::InitialServerConfig));

    let set = [AlterConfig::set(CHANGEABLE, "10gb")];
    admin.alter_cluster_configs(&set).await.unwrap();
    let configs = admin.describe_cluster_configs().await.unwrap();
    let changed = entry(&configs, CHANGEABLE).unwrap();
    assert_eq!(changed.value(), Some("10gb"));
    assert_eq!(changed.source(), Some(ConfigSource::DynamicServerConfig));

    let delete = [AlterConfig::delete(CHANGEABLE)];
    admin.alter_cluster_configs(&delete).await.unwrap();
    let configs = admin.describe_cluster_configs().await.unwrap();
    assert_eq!(entry(&configs, CHANGEABLE), None);
    admin.alter_cluster_configs(&[]).await.unwrap();
}

pub(crate) async fn configuration_that_cannot_be_is_refused_and_nothing_of_the_call_happens() {
    let admin = connect().await.get_admin().await.unwrap();
    let cases = [
        (
            "not changeable",
            AlterConfig::set("default.bucket.number", "9"),
        ),
        ("unknown", AlterConfig::set("no.such.entry", "9")),
        ("no list", AlterConfig::append(CHANGEABLE, "1mb")),
    ];
    for (name, change) in cases {
        let changes = [AlterConfig::set("datalake.of-a-test", "x"), change];
        let error = admin.alter_cluster_configs(&changes).await.unwrap_err();
        let refusal = (error.kind(), error.server_code());
        // Release 0.9.1 has no code for it.
        let expected = if offers(ApiKey::GetClusterHealth).await {
            [(ErrorKind::Usage, Some(39)), (ErrorKind::Usage, Some(64))]
        } else {
            [(ErrorKind::Server, Some(-1)); 2]
        };
        assert!(expected.contains(&refusal), "{name}: {error}");
    }
    let no_value = AlterConfig::new(CHANGEABLE, None, fluss::metadata::AlterConfigOp::Set);
    let error = admin.alter_cluster_configs(&[no_value]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, None),
        "{error}"
    );
    let configs = admin.describe_cluster_configs().await.unwrap();
    assert_eq!(entry(&configs, "datalake.of-a-test"), None);
}

pub(crate) async fn servers_are_tagged_and_tags_that_do_not_fit_are_refused() {
    let admin = connect().await.get_admin().await.unwrap();
    without_tags(&admin, tag_servers(&admin)).await;
}

async fn tag_servers(admin: &FlussAdmin) {
    let temporary = ServerTag::TemporaryOffline;
    let permanent = ServerTag::PermanentOffline;
    admin.add_server_tag(&[2], temporary).await.unwrap();
    admin.add_server_tag(&[2], temporary).await.unwrap();
    let error = admin.add_server_tag(&[1, 2], permanent).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::AlreadyExists, Some(59)),
        "{error}"
    );
    let error = admin.remove_server_tag(&[2], permanent).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::NotFound, Some(60)),
        "{error}"
    );
    admin.remove_server_tag(&[2], temporary).await.unwrap();
    // All or none: server 1 has no tag.
    admin.add_server_tag(&[1], temporary).await.unwrap();
    admin.remove_server_tag(&[1, 2], temporary).await.unwrap();

    let error = admin.add_server_tag(&[77], temporary).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::NotFound, Some(58)),
        "{error}"
    );
}

pub(crate) async fn a_rebalance_without_goal_is_not_sent() {
    let admin = connect().await.get_admin().await.unwrap();
    let error = admin.rebalance(&[]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.server_code()),
        (ErrorKind::Usage, None),
        "{error}"
    );
}

pub(crate) async fn an_ordinary_user_may_not_touch_the_cluster() {
    let admin = connect_as("fluss", "fluss-pass")
        .await
        .get_admin()
        .await
        .unwrap();
    let change = [AlterConfig::delete(CHANGEABLE)];
    let tag = ServerTag::TemporaryOffline;
    let refused = [
        admin.describe_cluster_configs().await.unwrap_err(),
        admin.alter_cluster_configs(&change).await.unwrap_err(),
        admin.add_server_tag(&[0], tag).await.unwrap_err(),
        admin.remove_server_tag(&[0], tag).await.unwrap_err(),
        admin
            .rebalance(&[GoalType::LeaderDistribution])
            .await
            .unwrap_err(),
        admin.list_rebalance_progress(None).await.unwrap_err(),
        admin.cancel_rebalance(None).await.unwrap_err(),
        admin
            .create_database("not_by_him", None, true)
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Authorization, Some(48)),
            "{error}"
        );
        assert!(!error.is_retriable(), "{error}");
    }
}
