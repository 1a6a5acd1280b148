//! Remote files of servers: their locations, and the documents that list them.

mod bucket_offsets;
mod credentials;
mod fs_path;
mod kv_snapshot;
mod layout;
mod log_manifest;

pub use bucket_offsets::{TableBucketOffsets, TablePartition};
pub use credentials::Credentials;
pub use fs_path::FsPath;
pub use kv_snapshot::{AutoIncrementRange, BucketSnapshot, CompletedSnapshot, KvFile};
pub use layout::{RemoteLayout, file_name_prefix, local_log_dir};
pub use log_manifest::{RemoteLogManifest, RemoteLogManifestHandle, RemoteLogSegment};
