//! How an administrative request reaches a server, and the forms that many of them share.

use fluss_metadata::{PartitionSpec, TablePath};
use fluss_wire::api::ApiRequest;
use fluss_wire::message::{PbKeyValue, PbPartitionSpec, PbTablePath};

use super::FlussAdmin;
use crate::error::{Error, Result};

impl FlussAdmin {
    /// Asks any server.
    pub(super) async fn read<R: ApiRequest>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<R::Response> {
        self.connection
            .cluster
            .call_any(request)
            .await
            .map_err(|error| Error::from(error).during(operation))
    }

    /// Asks the coordinator.
    pub(super) async fn change<R: ApiRequest>(
        &self,
        operation: &'static str,
        request: &R,
    ) -> Result<R::Response> {
        self.connection
            .cluster
            .call_coordinator(request)
            .await
            .map_err(|error| Error::from(error).during(operation))
    }
}

pub(super) fn path_message(path: &TablePath) -> PbTablePath {
    PbTablePath {
        database_name: path.database().to_owned(),
        table_name: path.table().to_owned(),
    }
}

pub(super) fn spec_message(spec: &PartitionSpec) -> PbPartitionSpec {
    PbPartitionSpec {
        partition_key_values: spec
            .iter()
            .map(|(key, value)| PbKeyValue {
                key: key.to_string(),
                value: value.to_string(),
            })
            .collect(),
    }
}
