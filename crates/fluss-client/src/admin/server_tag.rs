//! Tags on tablet servers that are about to be removed.

use fluss_metadata::ServerTag;
use fluss_wire::message::{
    AddServerTagByRackRequest, AddServerTagRequest, RemoveServerTagByRackRequest,
    RemoveServerTagRequest,
};

use super::handle::FlussAdmin;
use crate::error::Result;

impl FlussAdmin {
    /// Tags tablet servers, either all of them or none. A [`rebalance`](Self::rebalance) then moves buckets away from
    /// them.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of them is not alive,
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) if one has a different tag;
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not alter the cluster.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the servers may still be tagged.
    pub async fn add_server_tag(&self, tablet_servers: &[i32], tag: ServerTag) -> Result<()> {
        let request = AddServerTagRequest {
            server_ids: tablet_servers.to_vec().into(),
            server_tag: tag.code(),
        };
        self.change("add_server_tag", &request).await?;
        Ok(())
    }

    /// Removes a tag from tablet servers, either from all of them or none. Servers without a tag are ignored, whether
    /// or not they are alive.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if one of them has a different tag;
    /// [`Authorization`](crate::ErrorKind::Authorization) if this user may not alter the cluster.
    ///
    /// # Cancel safety
    ///
    /// If dropped, the tags may still be removed.
    pub async fn remove_server_tag(&self, tablet_servers: &[i32], tag: ServerTag) -> Result<()> {
        let request = RemoveServerTagRequest {
            server_ids: tablet_servers.to_vec().into(),
            server_tag: tag.code(),
        };
        self.change("remove_server_tag", &request).await?;
        Ok(())
    }

    /// Tags all tablet servers of some racks. Requires release 1.0.
    ///
    /// # Errors
    ///
    /// The same as [`add_server_tag`](Self::add_server_tag); [`Unsupported`](crate::ErrorKind::Unsupported) with an
    /// older server, before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// The same as [`add_server_tag`](Self::add_server_tag).
    pub async fn add_server_tag_by_rack<S: AsRef<str>>(
        &self,
        racks: &[S],
        tag: ServerTag,
    ) -> Result<()> {
        let request = AddServerTagByRackRequest {
            racks: racks.iter().map(|rack| rack.as_ref().to_owned()).collect(),
            server_tag: tag.code(),
        };
        self.change("add_server_tag_by_rack", &request).await?;
        Ok(())
    }

    /// Removes a tag from all tablet servers of some racks. Requires release 1.0.
    ///
    /// # Errors
    ///
    /// The same as [`remove_server_tag`](Self::remove_server_tag); [`Unsupported`](crate::ErrorKind::Unsupported)
    /// with an older server, before anything is sent.
    ///
    /// # Cancel safety
    ///
    /// The same as [`remove_server_tag`](Self::remove_server_tag).
    pub async fn remove_server_tag_by_rack<S: AsRef<str>>(
        &self,
        racks: &[S],
        tag: ServerTag,
    ) -> Result<()> {
        let request = RemoveServerTagByRackRequest {
            racks: racks.iter().map(|rack| rack.as_ref().to_owned()).collect(),
            server_tag: tag.code(),
        };
        self.change("remove_server_tag_by_rack", &request).await?;
        Ok(())
    }
}
