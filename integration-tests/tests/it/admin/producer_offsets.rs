//! Offsets that producers leave with the cluster.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fluss::error::ErrorKind;
use fluss::metadata::{RegisterResult, TableBucket, TablePath};
use integration_tests::cluster::unique_database;

use super::{log_table, start};

pub(crate) async fn offsets_are_left_once_read_and_deleted() {
    let (connection, admin, database) = start("admin_producer").await;
    let mut offsets = BTreeMap::new();
    for name in ["a", "b"] {
        let path = TablePath::new(database.as_str(), name);
        let table = log_table(&connection, &path, 2).await;
        let id = table.get_table_info().table_id();
        offsets.insert(TableBucket::new(id, 0), 17);
        offsets.insert(TableBucket::new(id, 1), 4_000_000_000);
    }
    let producer = unique_database("producer");
    assert_eq!(admin.get_producer_offsets(&producer).await.unwrap(), None);

    let hour = Duration::from_secs(3600);
    let left = admin
        .register_producer_offsets(&producer, &offsets, Some(hour))
        .await
        .unwrap();
    assert_eq!(left, RegisterResult::Created);
    let kept = admin
        .get_producer_offsets(&producer)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.producer_id(), producer);
    assert_eq!(kept.offsets(), &offsets);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let lasts = kept.expiration_time() - now.as_millis() as i64;
    assert!((3_500_000..3_700_000).contains(&lasts), "{lasts} ms");

    let other = offsets.keys().map(|bucket| (*bucket, 1)).collect();
    let left = admin
        .register_producer_offsets(&producer, &other, None)
        .await
        .unwrap();
    assert_eq!(left, RegisterResult::AlreadyExists);
    let kept = admin
        .get_producer_offsets(&producer)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.offsets(), &offsets, "the first stay");

    admin.delete_producer_offsets(&producer).await.unwrap();
    assert_eq!(admin.get_producer_offsets(&producer).await.unwrap(), None);
    admin.delete_producer_offsets(&producer).await.unwrap();
}

pub(crate) async fn a_producer_id_that_cannot_be_is_refused() {
    let (_, admin, _) = start("admin_bad_producer").await;
    for id in ["", "a/b", "a b", "a.b"] {
        let error = admin
            .register_producer_offsets(id, &BTreeMap::new(), None)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::Usage, Some(63)),
            "{id:?}: {error}"
        );
    }
}
