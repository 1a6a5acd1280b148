//! Snapshots in a lake, as a tiering service reports them.

use fluss::error::ErrorKind;
use fluss::metadata::{TableBucket, TablePath};
use fluss_rpc::{Cluster, RpcConfig};
use fluss_wire::message::{
    CommitLakeTableSnapshotRequest, PbBucketOffset, PbLakeTableSnapshotMetadata, PbTableOffsets,
    PbTablePath, PrepareLakeTableSnapshotRequest,
};
use integration_tests::cluster::bootstrap_servers;

use super::{log_table, start};

/// Does what the tiering service does after it has written to the lake.
async fn commit(
    path: &TablePath,
    table_id: i64,
    (snapshot_id, readable): (i64, bool),
    offsets: &[(i32, i64)],
) {
    let address = bootstrap_servers();
    let (host, port) = address.rsplit_once(':').unwrap();
    let cluster = Cluster::connect(
        RpcConfig::default(),
        vec![(host.to_owned(), port.parse().unwrap())],
        tokio::runtime::Handle::current(),
    )
    .await
    .unwrap();
    let bucket_offsets = offsets
        .iter()
        .map(|(bucket_id, offset)| PbBucketOffset {
            partition_id: None,
            bucket_id: *bucket_id,
            log_end_offset: Some(*offset),
        })
        .collect();
    let request = PrepareLakeTableSnapshotRequest {
        bucket_offsets: vec![PbTableOffsets {
            table_id,
            table_path: PbTablePath {
                database_name: path.database().to_owned(),
                table_name: path.table().to_owned(),
            },
            bucket_offsets,
        }]
        .into(),
        ignore_previous_table_offsets: None,
    };
    let prepared = cluster.call_coordinator(&request).await.unwrap();
    let file = prepared
        .prepare_lake_table_resp
        .first()
        .unwrap()
        .lake_table_offsets_path
        .clone()
        .unwrap();
    let request = CommitLakeTableSnapshotRequest {
        lake_table_snapshot_metadata: vec![PbLakeTableSnapshotMetadata {
            table_id,
            snapshot_id,
            readable_bucket_offsets_file_path: readable.then(|| file.clone()),
            tiered_bucket_offsets_file_path: file,
            earliest_snapshot_id_to_keep: Some(-1),
        }]
        .into(),
        ..CommitLakeTableSnapshotRequest::default()
    };
    let response = cluster.call_coordinator(&request).await.unwrap();
    for table in response.table_resp {
        assert_eq!(table.error_code, None, "{:?}", table.error_message);
    }
}

pub(crate) async fn the_latest_snapshot_and_one_by_its_id_tell_how_far_the_lake_is() {
    let (connection, admin, database) = start("admin_lake").await;
    let path = TablePath::new(database.as_str(), "log");
    let table = log_table(&connection, &path, 3).await;
    let table_id = table.get_table_info().table_id();
    for snapshot in [
        admin.get_latest_lake_snapshot(&path).await,
        admin.get_lake_snapshot(&path, 7).await,
        admin.get_readable_lake_snapshot(&path).await,
    ] {
        let error = snapshot.unwrap_err();
        assert_eq!(
            (error.kind(), error.server_code()),
            (ErrorKind::NotFound, Some(53)),
            "{error}"
        );
        assert_eq!(error.table(), Some(&path));
    }

    commit(&path, table_id, (7, true), &[(0, 11), (2, 22)]).await;
    let latest = admin.get_latest_lake_snapshot(&path).await.unwrap();
    assert_eq!((latest.table_id(), latest.snapshot_id()), (table_id, 7));
    let offset = |bucket| latest.log_offset(&TableBucket::new(table_id, bucket));
    assert_eq!(
        (offset(0), offset(1), offset(2)),
        (Some(11), None, Some(22))
    );
    let by_id = admin.get_lake_snapshot(&path, 7).await.unwrap();
    assert_eq!(by_id, latest);
    let error = admin.get_lake_snapshot(&path, 8).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let readable = admin.get_readable_lake_snapshot(&path).await.unwrap();
    assert_eq!(readable, latest);

    commit(&path, table_id, (9, false), &[(1, 5)]).await;
    let latest = admin.get_latest_lake_snapshot(&path).await.unwrap();
    assert_eq!(latest.snapshot_id(), 9);
    let offset = |bucket| latest.log_offset(&TableBucket::new(table_id, bucket));
    assert_eq!(
        (offset(0), offset(1), offset(2)),
        (Some(11), Some(5), Some(22)),
        "merged"
    );

    let readable = admin.get_readable_lake_snapshot(&path).await.unwrap();
    assert_eq!(
        readable.snapshot_id(),
        7,
        "the later one is not readable yet"
    );

    let missing = TablePath::new(database.as_str(), "none");
    let error = admin.get_latest_lake_snapshot(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
