//! What a caller needs to know about a cluster, and the request for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use fluss_metadata::{PartitionId, TablePath};
use fluss_wire::message::{MetadataRequest, PbPhysicalTablePath};

use crate::message::path_message;

/// One item to ask for. Every response also lists the live servers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Interest {
    /// The id and the leaders of a table.
    Table(TablePath),
    /// The leaders of a partition.
    Partition(TablePath, PartitionId),
    /// The id and the leaders of a partition.
    PartitionNamed(TablePath, Arc<str>),
}

impl Interest {
    pub(super) fn path(&self) -> &TablePath {
        match self {
            Self::Table(path) | Self::Partition(path, _) | Self::PartitionNamed(path, _) => path,
        }
    }
}

/// The request for several items at once.
///
/// It always includes the table of a partition: a response names it only by id, and older servers require it.
pub(super) fn request<'a>(interests: impl IntoIterator<Item = &'a Interest>) -> MetadataRequest {
    let mut paths = BTreeSet::new();
    let mut request = MetadataRequest::default();
    for interest in interests {
        let path = interest.path();
        if paths.insert(path) {
            request.table_path.push(path_message(path));
        }
        match interest {
            Interest::Table(_) => {}
            Interest::Partition(_, partition) => request.partitions_id.push(*partition),
            Interest::PartitionNamed(_, name) => {
                request.partitions_path.push(PbPhysicalTablePath {
                    database_name: path.database().to_owned(),
                    table_name: path.table().to_owned(),
                    partition_name: Some(name.as_ref().to_owned()),
                });
            }
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_once_however_much_of_it_is_wanted() {
        let path = TablePath::new("d", "t");
        let request = request(&[
            Interest::Table(path.clone()),
            Interest::Partition(path.clone(), 3),
            Interest::Partition(path.clone(), 4),
            Interest::PartitionNamed(path.clone(), "2026".into()),
        ]);
        assert_eq!(request.table_path, [path_message(&path)]);
        assert_eq!(request.partitions_id, [3, 4]);
        assert_eq!(request.partitions_path.len(), 1);
    }
}
