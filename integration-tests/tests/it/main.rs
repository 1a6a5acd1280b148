//! Tests against a real Fluss cluster; most of them are scenarios that run on the mock cluster as well.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "test code"
)]

use integration_tests::support;

mod admin;
mod bad_requests;
mod config;
mod documented;
mod faults;
mod interop;
mod lookup_keys;
mod observe;
mod recreated;
mod round_trip;
mod sasl;
mod scan_bounds;
mod scan_columns;
mod scan_dropped;
mod scan_evolution;
mod scan_latency;
mod scan_prefetch;
mod scan_remote;
mod scan_stream;
mod scan_subscribe;
mod scan_support;
mod scan_tiered;
mod scan_unfit;
mod scenarios;
mod servers;
mod write_append;
mod write_batches;
mod write_buckets;
mod write_formats;
mod write_interop;
mod write_partitions;
mod write_results;
mod write_support;
mod write_tables;
mod write_upsert;
mod write_values;
