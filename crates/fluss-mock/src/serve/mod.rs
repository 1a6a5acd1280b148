//! Serves requests: one file per family of APIs. All functions are plain: state and request in, response out.

pub(crate) mod acl;
mod aggregate;
pub(crate) mod alter;
pub(crate) mod caller;
mod checks;
pub(crate) mod config;
pub(crate) mod database;
pub(crate) mod fetch;
mod filter;
pub(crate) mod handshake;
pub(crate) mod lake;
pub(crate) mod lookup;
mod merge;
pub(crate) mod metadata;
pub(crate) mod offsets;
pub(crate) mod partition;
pub(crate) mod producer;
mod properties;
pub(crate) mod put;
mod rows;
pub(crate) mod scan;
pub(crate) mod scan_kv;
pub(crate) mod snapshot;
pub(crate) mod stats;
pub(crate) mod table;
pub(crate) mod tag;
pub(crate) mod tiering;
pub(crate) mod write;

use fluss_metadata::{MetadataError, TablePath};
use fluss_wire::error_code::{ErrorCode, ServerError};
use fluss_wire::message::PbTablePath;

/// Turns an invalid definition into an error with the code that servers use for it.
pub(crate) fn invalid(code: ErrorCode) -> impl Fn(MetadataError) -> ServerError {
    move |error| ServerError::new(code, error.to_string())
}

pub(crate) fn table_path(path: &PbTablePath) -> TablePath {
    TablePath::new(path.database_name.as_str(), path.table_name.as_str())
}
