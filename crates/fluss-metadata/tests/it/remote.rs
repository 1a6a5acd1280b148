//! Documents and paths of tiered files, and the small documents.

use fluss_metadata::{
    BucketSnapshot, CompletedSnapshot, Credentials, DatabaseDescriptor, FsPath, PhysicalTablePath,
    RemoteLayout, RemoteLogManifest, RemoteLogManifestHandle, TableBucket, TableBucketOffsets,
    TablePartition, TablePath, file_name_prefix, local_log_dir,
};
use serde_json::Value;

use crate::golden::{number, run_all, text};

#[test]
fn documents_of_servers_are_read_and_written_as_by_java() {
    run_all("json_server", |name, case| {
        let json = text(case, "json");
        let written = match text(case, "kind") {
            "CompletedSnapshot" => {
                let snapshot = CompletedSnapshot::from_json(json.as_bytes()).unwrap();
                let file = snapshot.metadata_file().to_string();
                assert_eq!(file, text(case, "metadata_file"), "{name}");
                snapshot.to_json()
            }
            "BucketSnapshot" => BucketSnapshot::from_json(json.as_bytes())
                .unwrap()
                .to_json(),
            "RemoteLogManifestHandle" => RemoteLogManifestHandle::from_json(json.as_bytes())
                .unwrap()
                .to_json(),
            "RemoteLogManifest" => RemoteLogManifest::from_json(json.as_bytes())
                .unwrap()
                .to_json(),
            other => panic!("unknown kind {other}"),
        };
        assert_eq!(written, json, "{name}");
    });
}

#[test]
fn segments_of_release_1_0_keep_their_logical_ends() {
    let json = concat!(
        r#"{"version":1,"database":"db","table":"t","table_id":5,"bucket_id":1,"highest_copied_end_offset":30,"#,
        r#""remote_log_segments":[{"segment_id":"x","start_offset":0,"end_offset":9,"logical_start_offset":3,"#,
        r#""logical_end_offset":8,"max_timestamp":1,"size_in_bytes":1024}]}"#
    );
    let manifest = RemoteLogManifest::from_json(json.as_bytes()).unwrap();
    assert_eq!(manifest.to_json(), json);
    assert_eq!(
        (manifest.start_offset(), manifest.end_offset()),
        (Some(3), Some(8))
    );
}

#[test]
fn small_documents_are_read_and_written_as_by_java() {
    run_all("json_misc", |name, case| {
        let json = text(case, "json");
        let written = match text(case, "kind") {
            "DatabaseDescriptor" => {
                let database = DatabaseDescriptor::from_json(json.as_bytes()).unwrap();
                assert_eq!(database.comment(), case["comment"].as_str(), "{name}");
                let properties = case["custom_properties"].as_object().unwrap();
                assert_eq!(
                    database.custom_properties().len(),
                    properties.len(),
                    "{name}"
                );
                for (key, value) in properties {
                    assert_eq!(
                        database.custom_properties()[key],
                        value.as_str().unwrap(),
                        "{name}"
                    );
                }
                database.to_json()
            }
            "TablePartition" => {
                let partition = TablePartition::from_json(json.as_bytes()).unwrap();
                assert_eq!(partition.table_id(), number(&case["table_id"]), "{name}");
                assert_eq!(
                    partition.partition_id(),
                    number(&case["partition_id"]),
                    "{name}"
                );
                partition.to_json()
            }
            "TableBucketOffsets" => {
                let offsets = TableBucketOffsets::from_json(json.as_bytes()).unwrap();
                let again = TableBucketOffsets::new(offsets.table_id(), offsets.iter()).unwrap();
                assert!(again.iter().eq(offsets.iter()), "{name}");
                offsets.to_json()
            }
            "Credentials" => Credentials::from_json(json.as_bytes()).unwrap().to_json(),
            other => panic!("unknown kind {other}"),
        };
        assert_eq!(written, json, "{name}");
    });
}

#[test]
fn credentials_show_no_secret() {
    let credentials = Credentials::new("id", "hidden-key", Some("hidden-token".to_owned()));
    assert!(!format!("{credentials:?}").contains("hidden"));
    assert_eq!(
        Credentials::from_json(credentials.to_json().as_bytes()).unwrap(),
        credentials
    );
    let json =
        r#"{"version":1,"access_key_id":"a","access_key_secret":["hidden"],"security_token":null}"#;
    let error = Credentials::from_json(json.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(!error.contains("hidden"), "{error}");
    let bare = r#"{"version":1,"access_key_id":"a","access_key_secret":"b","security_token":null}"#;
    assert_eq!(
        Credentials::from_json(bare.as_bytes()).unwrap().to_json(),
        bare
    );
}

#[test]
fn offsets_of_other_tables_or_of_mixed_buckets_are_refused() {
    let plain = |table, bucket| (TableBucket::new(table, bucket), 1);
    let partitioned = |bucket| (TableBucket::new_with_partition(9, Some(1), bucket), 1);
    assert!(TableBucketOffsets::new(9, [plain(8, 0)]).is_err());
    assert!(TableBucketOffsets::new(9, [plain(9, 0), partitioned(0)]).is_err());
    assert!(TableBucketOffsets::new(9, [plain(9, -1)]).is_err());
    assert!(TableBucketOffsets::new(9, [plain(9, i32::MAX)]).is_err());
    let sparse = TableBucketOffsets::new(9, [plain(9, 2)]).unwrap();
    assert_eq!(
        sparse.to_json(),
        r#"{"version":1,"table_id":9,"bucket_offsets":[-1,-1,1]}"#
    );
}

fn check_file_path(name: &str, case: &Value) {
    let path = FsPath::parse(text(case, "input")).unwrap();
    assert_eq!(path.to_string(), text(case, "to_string"), "{name}");
    assert_eq!(path.path(), text(case, "path"), "{name}");
    assert_eq!(path.file_name(), text(case, "name_part"), "{name}");
    assert_eq!(path.scheme(), case["scheme"].as_str(), "{name}");
    assert_eq!(path.authority(), case["authority"].as_str(), "{name}");
    assert_eq!(path.child("c").to_string(), text(case, "child"), "{name}");
    assert_eq!(FsPath::parse(&path.to_string()).unwrap(), path, "{name}");
}

#[test]
fn files_lie_where_java_puts_them() {
    run_all("paths", |name, case| {
        if name.starts_with("fspath_") {
            check_file_path(name, case);
            return;
        }
        let table = TablePath::new(text(case, "database"), text(case, "table"));
        let path = match case["partition_name"].as_str() {
            None => PhysicalTablePath::of(table.clone()),
            Some(partition) => PhysicalTablePath::of_partitioned(table.clone(), partition),
        };
        let bucket = TableBucket::new_with_partition(
            number(&case["table_id"]),
            case["partition_id"].as_str().map(|id| id.parse().unwrap()),
            i32::try_from(number(&case["bucket"])).unwrap(),
        );
        let base = number(&case["base_offset"]);
        let snapshot = number(&case["snapshot_id"]);
        let id = text(case, "segment_id");
        let layout = RemoteLayout::new(FsPath::parse(text(case, "remote_data_dir")).unwrap());
        let log = layout.log_tablet_dir(&path, &bucket).unwrap();
        let kv = layout.kv_tablet_dir(&path, &bucket).unwrap();
        let segment = log.log_segment_dir(id);
        let expected = [
            ("remote_log_dir", layout.log_dir()),
            ("remote_kv_dir", layout.kv_dir()),
            ("segment_dir", segment.clone()),
            ("segment_file", segment.segment_file(base)),
            ("offset_index_file", segment.offset_index_file(base)),
            ("time_index_file", segment.time_index_file(base)),
            ("writer_snapshot_file", segment.writer_snapshot_file(base)),
            ("manifest_file", log.log_manifest_file(id)),
            ("remote_log_tablet_dir", log),
            ("kv_snapshot_dir", kv.kv_snapshot_dir(snapshot)),
            ("kv_shared_dir", kv.kv_shared_dir()),
            ("remote_kv_tablet_dir", kv),
            (
                "lake_snapshot_dir",
                layout.lake_snapshot_dir(&table, bucket.table_id()),
            ),
        ];
        for (key, path) in expected {
            assert_eq!(path.to_string(), text(case, key), "{name} {key}");
        }
        let local = local_log_dir("/data", &path, &bucket).unwrap();
        assert_eq!(local, text(case, "local_log_tablet_dir"), "{name}");
        assert_eq!(
            file_name_prefix(base),
            text(case, "filename_prefix"),
            "{name}"
        );
    });
    let partition = PhysicalTablePath::of_partitioned(TablePath::new("d", "t"), "p");
    assert!(local_log_dir("/data", &partition, &TableBucket::new(1, 0)).is_err());
}
