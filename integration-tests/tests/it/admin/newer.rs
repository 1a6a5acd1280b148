//! What release 1.0 adds: with an older server an error, before anything is sent.

use std::time::{Duration, Instant};

use fluss::client::FlussAdmin;
use fluss::error::{Error, ErrorKind};
use fluss::metadata::{AlterConfig, ServerTag};
use fluss_wire::api::ApiKey;

use super::start;
use super::support::{offers, without_tags};

pub(crate) async fn calls_of_a_newer_release_say_so_at_once() {
    let (_, admin, database) = start("admin_newer").await;
    if offers(ApiKey::GetClusterHealth).await {
        return without_tags(&admin, calls_of_a_newer_release(&admin, &database)).await;
    }
    let tag = ServerTag::TemporaryOffline;
    let changes = [AlterConfig::set("owner", "me")];
    let started = Instant::now();
    let refused: [(&str, Error); 6] = [
        (
            "alter_database",
            admin
                .alter_database(&database, &changes, Some("text"), false)
                .await
                .unwrap_err(),
        ),
        (
            "get_cluster_health",
            admin.get_cluster_health().await.unwrap_err(),
        ),
        (
            "list_remote_log_manifests",
            admin.list_remote_log_manifests(1, None).await.unwrap_err(),
        ),
        (
            "list_kv_snapshots",
            admin.list_kv_snapshots(1, Some(2)).await.unwrap_err(),
        ),
        (
            "add_server_tag_by_rack",
            admin.add_server_tag_by_rack(&["r"], tag).await.unwrap_err(),
        ),
        (
            "remove_server_tag_by_rack",
            admin
                .remove_server_tag_by_rack(&["r"], tag)
                .await
                .unwrap_err(),
        ),
    ];
    for (operation, error) in &refused {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{operation}: {error}");
        assert_eq!(error.operation(), Some(*operation));
        assert_eq!(error.server_code(), None, "{operation}: it was sent");
        assert!(!error.is_retriable(), "{operation}");
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    let info = admin.get_database_info(&database).await.unwrap();
    assert_eq!(info.descriptor().comment(), None);
    no_value_is_refused(&admin, &database).await;
}

/// The same calls of a server that knows them.
async fn calls_of_a_newer_release(admin: &FlussAdmin, database: &str) {
    let tag = ServerTag::TemporaryOffline;
    let changes = [AlterConfig::set("owner", "me")];
    let altered = admin.alter_database(database, &changes, Some("text"), false);
    altered.await.unwrap();
    let info = admin.get_database_info(database).await.unwrap();
    assert_eq!(info.descriptor().comment(), Some("text"));
    admin.get_cluster_health().await.unwrap();
    let nobody = 1 << 40;
    let not_found = [
        admin.list_remote_log_manifests(nobody, None).await.err(),
        admin.list_kv_snapshots(nobody, None).await.err(),
        admin.list_kv_snapshots(nobody, Some(nobody)).await.err(),
    ];
    for error in not_found {
        let error = error.expect("there is no such table");
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    // No server stands in a rack of that name.
    for by_rack in [
        admin.add_server_tag_by_rack(&["no-such-rack"], tag).await,
        admin
            .remove_server_tag_by_rack(&["no-such-rack"], tag)
            .await,
    ] {
        if let Err(error) = by_rack {
            assert_ne!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
    no_value_is_refused(admin, database).await;
}

async fn no_value_is_refused(admin: &FlussAdmin, database: &str) {
    let error = admin
        .alter_database(
            database,
            &[AlterConfig::new(
                "k",
                None,
                fluss::metadata::AlterConfigOp::Set,
            )],
            None,
            false,
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
}
