//! What is told to servers of release 1.0, and skipped by older ones.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::time::Duration;

use fluss_metadata::{DataTypes, Schema, TableDescriptor};
use fluss_wire::api::ApiKey;
use fluss_wire::message::{FetchLogRequest, ListOffsetsRequest};

use super::testing::{MemoryServer, open_table};
use crate::config::ReadPreference;
use crate::table::LATEST_OFFSET;

#[tokio::test(start_paused = true)]
async fn requests_tell_the_bucket_count_and_where_to_read_first() {
    let schema = Schema::builder()
        .column("id", DataTypes::bigint())
        .build()
        .unwrap();
    let descriptor = TableDescriptor::builder()
        .schema(schema)
        .bucket_count(3)
        .build()
        .unwrap();
    for (preference, sent) in [
        (ReadPreference::LocalFirst, None),
        (ReadPreference::RemoteFirst, Some(1)),
    ] {
        let server = MemoryServer::new(descriptor.clone());
        let table = open_table(&server, |config| {
            config.scanner_read_preference = preference;
        })
        .await;
        let scanner = table.new_scan().create_log_scanner().unwrap();
        scanner.subscribe(1, LATEST_OFFSET).await.unwrap();
        scanner.poll(Duration::from_secs(1)).await.unwrap();
        let seen = server.seen.lock().unwrap();
        let asked = |api| seen.iter().find(move |request| request.api == api).unwrap();
        let fetch: FetchLogRequest = asked(ApiKey::FetchLog).message();
        assert_eq!(fetch.read_preference, sent);
        let bucket = fetch
            .tables_req
            .first()
            .unwrap()
            .buckets_req
            .first()
            .unwrap();
        assert_eq!(
            (bucket.bucket_id, bucket.routing_bucket_count),
            (1, Some(3))
        );
        let offsets: ListOffsetsRequest = asked(ApiKey::ListOffsets).message();
        assert_eq!(offsets.routing_bucket_count, Some(3));
    }
}
