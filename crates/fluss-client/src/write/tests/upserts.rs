//! Writes to primary-key tables.

use std::sync::Mutex;

use fluss_metadata::{DataTypes, Schema, TableDescriptor};
use fluss_row::GenericRow;
use fluss_wire::api::ApiKey;

use super::{Bench, Logs, answer, kv_table, row};
use crate::error::ErrorKind;
use crate::scan::testing::{MemoryServer, Request, ok, open_table};

#[tokio::test(start_paused = true)]
async fn upserts_and_deletes_of_several_writers_keep_their_order_and_never_share_a_request() {
    let bench = Bench::with(kv_table(), |_| ()).await;
    let whole = bench.upserts();
    let partial = bench
        .table
        .new_upsert()
        .unwrap()
        .partial_update_with_column_names(&["n"])
        .unwrap()
        .create_writer()
        .unwrap();
    let same = bench.upserts();
    let first = whole.upsert(&row(1)).unwrap();
    same.upsert(&row(22)).unwrap();
    let mut key_only = GenericRow::new(2);
    key_only.set_field(0, 1_i64);
    partial.upsert(&key_only).unwrap();
    let last = whole.delete(&row(1)).unwrap();
    whole.flush().await.unwrap();
    partial.flush().await.unwrap();
    assert_eq!(
        first.await.unwrap().offset(),
        Some(2),
        "where the changelog ends after the batch"
    );
    assert_eq!(last.await.unwrap().offset(), Some(4));
    let logs = bench.logs();
    assert_eq!(logs.targets, [vec![], vec![0], vec![]]);
    let rows = logs.rows();
    assert_eq!((rows.len(), rows[3]), (4, -1));
    assert!(rows[0] < rows[1] && rows[2] < rows[0], "{rows:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_server_would_refuse_of_a_partial_update_is_refused_here() {
    let schema = Schema::builder()
        .column("k", DataTypes::int())
        .column("a", DataTypes::int())
        .column("id", DataTypes::bigint())
        .primary_key(["k"])
        .enable_auto_increment("id")
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(1)
        .build()
        .unwrap();
    let bench = Bench::with(descriptor, |_| ()).await;
    let new = || bench.table.new_upsert().unwrap();
    let cases = [
        (
            "the auto-increment column is not left out",
            new().create_writer().map(|_| ()),
            "\"id\"",
        ),
        (
            "it is named",
            new().partial_update(Some(vec![0, 2])).map(|_| ()),
            "\"id\"",
        ),
        (
            "no key",
            new().partial_update_with_column_names(&["a"]).map(|_| ()),
            "\"k\"",
        ),
        (
            "no such column",
            new()
                .partial_update_with_column_names(&["k", "z"])
                .map(|_| ()),
            "\"z\"",
        ),
        (
            "no such position",
            new().partial_update(Some(vec![0, 9])).map(|_| ()),
            "position 9",
        ),
        (
            "nothing to write past",
            new()
                .partial_update(Some(vec![0, 1]))
                .unwrap()
                .merge_mode(crate::table::MergeMode::Overwrite)
                .create_writer()
                .map(|_| ()),
            "merge engine",
        ),
    ];
    for (name, result, expected) in cases {
        let error = result.expect_err(name);
        assert!(
            error.kind() == ErrorKind::Usage && error.to_string().contains(expected),
            "{name}: {error}"
        );
    }
    assert!(
        new()
            .partial_update(Some(vec![0, 1]))
            .unwrap()
            .create_writer()
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn overwriting_is_refused_before_it_is_sent_to_a_server_that_would_merge() {
    let overwrite = |most: i32| async move {
        let descriptor = TableDescriptor::builder()
            .schema(kv_table().schema().clone())
            .bucket_count(1)
            .property("table.merge-engine", "first_row")
            .build()
            .unwrap();
        let server = MemoryServer::new(descriptor.clone());
        let logs = Mutex::new(Logs::default());
        server.script(move |request: &Request| {
            let reply = if request.api == ApiKey::ApiVersions {
                let mut versions = crate::scan::testing::versions(false);
                for api in &mut versions.api_versions {
                    if api.api_key == i32::from(ApiKey::PutKv.code()) {
                        api.max_version = most;
                    }
                }
                ok(request, &versions)
            } else {
                answer(request, &mut logs.lock().unwrap(), &descriptor)??
            };
            Some(std::future::ready(reply))
        });
        let table = open_table(&server, |_| ()).await;
        let writer = table.new_upsert().unwrap();
        let writer = writer.merge_mode(crate::table::MergeMode::Overwrite);
        let writer = writer.create_writer().unwrap();
        let result = writer.upsert(&row(1)).unwrap().await;
        (result, server.count(ApiKey::PutKv))
    };
    let (result, sent) = overwrite(1).await;
    assert_eq!((result.unwrap().offset(), sent), (Some(1), 1));
    let (result, sent) = overwrite(0).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), sent), (ErrorKind::Unsupported, 0), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("too old") && text.contains("version 1"),
        "{text}"
    );
}
